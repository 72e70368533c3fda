#include "engine/event_bus.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace berth::engine {
namespace {

Event event_of(std::string type, std::string action, std::string id, std::map<std::string, std::string> attributes) {
  Event event;
  event.Type = std::move(type);
  event.Action = std::move(action);
  event.Actor = {std::move(id), std::move(attributes)};
  return event;
}

TEST(EventBus, ASubscriberGetsWhatComesAfterIt) {
  EventBus bus;
  bus.publish("container", "create", "1", {});
  const auto subscription = bus.subscribe(std::nullopt);
  bus.publish("container", "start", "1", {{"image", "busybox"}});
  const auto events = subscription->take();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].Action, "start");
  EXPECT_EQ(static_cast<std::string>(events[0].from), "busybox");
  EXPECT_TRUE(subscription->take().empty());
}

TEST(EventBus, SinceShowsThePast) {
  EventBus bus;
  const auto before = now();
  bus.publish("image", "load", "sha256:1", {});
  EXPECT_EQ(bus.subscribe(before)->take().size(), 1U);
  EXPECT_TRUE(bus.subscribe(now())->take().empty());
}

TEST(EventFilter, TypesActionsAndLabels) {
  const auto start = event_of("container", "start", "0123456789ab", {{"name", "web"}, {"image", "busybox:1"}, {"a", "b"}});
  EXPECT_TRUE(EventFilter({{"type", {"container"}}, {"event", {"start", "die"}}}).matches(start));
  EXPECT_FALSE(EventFilter({{"type", {"image"}}}).matches(start));
  EXPECT_TRUE(EventFilter({{"label", {"a=b"}}}).matches(start));
  EXPECT_FALSE(EventFilter({{"label", {"a", "c"}}}).matches(start));
  EXPECT_TRUE(EventFilter({{"container", {"web"}}}).matches(start));
  EXPECT_TRUE(EventFilter({{"container", {"01234567"}}}).matches(start));
  EXPECT_FALSE(EventFilter({{"container", {"other"}}}).matches(start));
  EXPECT_TRUE(EventFilter({{"image", {"busybox"}}}).matches(start));
  EXPECT_TRUE(EventFilter({{"image", {"busybox:1"}}}).matches(start));
  EXPECT_FALSE(EventFilter({{"image", {"busybox:2"}}}).matches(start));
}

TEST(EventFilter, UnknownFiltersAreRefused) { EXPECT_THROW(EventFilter({{"colour", {"red"}}}), Error); }

}  // namespace
}  // namespace berth::engine

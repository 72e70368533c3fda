#include "engine/event_bus.hpp"

#include <gtest/gtest.h>

namespace berth::engine {
namespace {

Event event_of(std::string type, std::string action, std::string id, std::map<std::string, std::string> attributes) {
  Event event;
  event.Type = std::move(type);
  event.Action = std::move(action);
  event.Actor = {std::move(id), std::move(attributes)};
  return event;
}

bool matches(const Event& event, std::map<std::string, std::vector<std::string>> filters) {
  return EventFilter{std::move(filters)}.matches(event);
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
  const auto start =
      event_of("container", "start", "0123456789ab", {{"name", "web"}, {"image", "busybox:1"}, {"a", "b"}});
  EXPECT_TRUE(matches(start, {{"type", {"container"}}, {"event", {"start", "die"}}}));
  EXPECT_FALSE(matches(start, {{"type", {"image"}}}));
  EXPECT_TRUE(matches(start, {{"label", {"a=b"}}}));
  EXPECT_FALSE(matches(start, {{"label", {"a", "c"}}}));
  EXPECT_TRUE(matches(start, {{"container", {"web"}}}));
  EXPECT_TRUE(matches(start, {{"container", {"01234567"}}}));
  EXPECT_FALSE(matches(start, {{"container", {"other"}}}));
  EXPECT_TRUE(matches(start, {{"image", {"busybox"}}}));
  EXPECT_TRUE(matches(start, {{"image", {"busybox:1"}}}));
  EXPECT_FALSE(matches(start, {{"image", {"busybox:2"}}}));
}

TEST(EventFilter, BeginningOfANameOrIdChoosesAnObject) {
  const auto start = event_of("container", "start", "0123456789ab", {{"name", "web-1"}});
  EXPECT_TRUE(matches(start, {{"container", {"web"}}}));
  EXPECT_TRUE(matches(start, {{"container", {"other", "01"}}}));
  EXPECT_FALSE(matches(start, {{"container", {"eb-1"}}}));
  EXPECT_FALSE(matches(start, {{"container", {"web-12"}}}));
  EXPECT_FALSE(matches(start, {{"network", {"bridge"}}}));
}

TEST(EventFilter, ActionsWithTextAreChosenByTheirBeginning) {
  const auto create = event_of("container", "exec_create: sh -c true", "1", {});
  EXPECT_TRUE(matches(create, {{"event", {"exec_create"}}}));
  EXPECT_TRUE(matches(create, {{"event", {"exec_create: sh -c true"}}}));
  EXPECT_FALSE(matches(create, {{"event", {"exec_create: sh"}}}));
  EXPECT_FALSE(matches(create, {{"event", {"exec"}}}));
  EXPECT_FALSE(matches(event_of("container", "exec_die", "1", {}), {{"event", {"exec"}}}));
}

TEST(EventFilter, NamesOfFamiliesMakeAllValuesBeginnings) {
  const auto healthy = event_of("container", "health_status: healthy", "1", {});
  EXPECT_TRUE(matches(healthy, {{"event", {"health_status"}}}));
  EXPECT_FALSE(matches(healthy, {{"event", {"health_status: unhealthy"}}}));
  EXPECT_FALSE(matches(healthy, {{"event", {"health"}}}));
  EXPECT_TRUE(matches(healthy, {{"event", {"health", "exec_create"}}}));
}

TEST(EventFilter, ImagesAreChosenWithAndWithoutTheirTag) {
  const auto pull = event_of("image", "pull", "localhost:5000/a/b:1", {{"name", "localhost:5000/a/b"}});
  EXPECT_TRUE(matches(pull, {{"image", {"localhost:5000/a/b:1"}}}));
  EXPECT_TRUE(matches(pull, {{"image", {"localhost:5000/a/b"}}}));
  EXPECT_FALSE(matches(pull, {{"image", {"localhost"}}}));
}

TEST(EventFilter, ScopeTypeAndWhatIsUnknown) {
  const auto start = event_of("container", "start", "1", {});
  EXPECT_TRUE(matches(start, {{"scope", {"local"}}}));
  EXPECT_FALSE(matches(start, {{"scope", {"swarm"}}}));
  EXPECT_TRUE(matches(start, {{"colour", {"red"}}, {"type", {}}}));
  EXPECT_FALSE(matches(start, {{"daemon", {"somewhere"}}}));
}

}  // namespace
}  // namespace berth::engine

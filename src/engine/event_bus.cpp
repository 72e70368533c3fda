#include "engine/event_bus.hpp"

#include <sys/eventfd.h>

#include <algorithm>
#include <set>

#include "base/strings.hpp"
#include "oci/reference.hpp"

namespace berth::engine {
namespace {

constexpr std::size_t remembered_events = 256;
/// A reader that does not read loses its oldest events rather than the daemon its memory.
constexpr std::size_t pending_limit = 16'384;

/// Filters that name an object; each looks at all events, and also takes the beginning of an ID or name.
const std::set<std::string, std::less<>> object_filters = {"config", "container", "daemon",  "network", "node",
                                                           "plugin", "secret",    "service", "volume"};
/// Actions that go on after a colon: "exec_create: sh".
const std::set<std::string, std::less<>> actions_with_text = {"exec_create", "exec_start", "health_status"};

bool is_any(const std::vector<std::string>& values, std::string_view text) {
  return std::ranges::find(values, text) != values.end();
}

bool begins_with_any(const std::vector<std::string>& values, std::string_view text) {
  return std::ranges::any_of(values, [&](const auto& value) { return text.starts_with(value); });
}

bool has_label(const std::map<std::string, std::string>& attributes, const std::string& wanted) {
  const auto parts = split_once(wanted, '=');
  const auto found = attributes.find(std::string{parts ? parts->first : wanted});
  return found != attributes.end() && (!parts || found->second == parts->second);
}

std::string attribute(const Event& event, const char* name) {
  const auto found = event.Actor.Attributes.find(name);
  return found == event.Actor.Attributes.end() ? std::string{} : found->second;
}

/// "busybox:latest" -> "busybox"; what is no reference stays as it is.
std::string without_tag(const std::string& image) {
  const auto reference = oci::Reference::try_parse(image);
  return reference ? reference->familiar_name() : image;
}

bool matches_image(const Event& event, const std::vector<std::string>& values) {
  const auto name = attribute(event, event.Type == "image" ? "name" : "image");
  return is_any(values, event.Actor.ID) || is_any(values, name) || is_any(values, without_tag(event.Actor.ID)) ||
         is_any(values, without_tag(name));
}

bool matches_action(const Event& event, const std::vector<std::string>& values) {
  const bool by_beginning =
      std::ranges::any_of(values, [](const auto& value) { return actions_with_text.contains(value); });
  return by_beginning ? begins_with_any(values, event.Action) : is_any(values, event.Action);
}

bool matches_filter(const Event& event, const std::string& filter, const std::vector<std::string>& values) {
  if (values.empty()) return true;
  if (filter == "type") return is_any(values, event.Type);
  if (filter == "scope") return is_any(values, event.scope);
  if (filter == "event") return matches_action(event, values);
  if (filter == "image") return matches_image(event, values);
  if (filter == "label") {
    return std::ranges::all_of(values, [&](const auto& value) { return has_label(event.Actor.Attributes, value); });
  }
  if (!object_filters.contains(filter)) return true;
  return begins_with_any(values, event.Actor.ID) || begins_with_any(values, attribute(event, "name"));
}

}  // namespace

bool EventFilter::matches(const Event& event) const {
  return std::ranges::all_of(filters_,
                             [&](const auto& filter) { return matches_filter(event, filter.first, filter.second); });
}

std::vector<Event> EventBus::Subscription::take() {
  eventfd_t drop = 0;
  ::eventfd_read(wake_.get(), &drop);
  const std::lock_guard lock{mutex_};
  std::vector<Event> events{std::make_move_iterator(pending_.begin()), std::make_move_iterator(pending_.end())};
  pending_.clear();
  return events;
}

void EventBus::publish(std::string type, std::string action, std::string id,
                       std::map<std::string, std::string> attributes) {
  Event event;
  event.Type = std::move(type);
  event.Action = std::move(action);
  event.Actor = {std::move(id), std::move(attributes)};
  if (event.Type == "container" || event.Type == "image") {
    event.status = event.Action;
    event.id = event.Actor.ID;
    if (event.Type == "container") event.from = attribute(event, "image");
  }
  const std::lock_guard lock{mutex_};
  event.timeNano = now().time_since_epoch().count();
  event.time = event.timeNano / 1'000'000'000;
  std::erase_if(subscriptions_, [](const auto& subscription) { return subscription.expired(); });
  for (const auto& weak : subscriptions_) {
    const auto subscription = weak.lock();
    if (!subscription) continue;
    const std::lock_guard inner{subscription->mutex_};
    if (subscription->pending_.size() == pending_limit) subscription->pending_.pop_front();
    subscription->pending_.push_back(event);
    ::eventfd_write(subscription->wake_.get(), 1);
  }
  past_.push_back(std::move(event));
  if (past_.size() > remembered_events) past_.pop_front();
}

std::shared_ptr<EventBus::Subscription> EventBus::subscribe(std::optional<Time> since) {
  auto subscription = std::make_shared<Subscription>();
  subscription->wake_ = make_eventfd();
  const std::lock_guard lock{mutex_};
  if (since) {
    for (const auto& event : past_) {
      if (event.timeNano >= since->time_since_epoch().count()) subscription->pending_.push_back(event);
    }
    if (!subscription->pending_.empty()) ::eventfd_write(subscription->wake_.get(), 1);
  }
  subscriptions_.push_back(subscription);
  return subscription;
}

std::size_t EventBus::subscriptions() {
  const std::lock_guard lock{mutex_};
  std::erase_if(subscriptions_, [](const auto& subscription) { return subscription.expired(); });
  return subscriptions_.size();
}

}  // namespace berth::engine

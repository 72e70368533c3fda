#include "engine/event_bus.hpp"

#include <sys/eventfd.h>

#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "base/strings.hpp"

namespace berth::engine {
namespace {

constexpr std::size_t remembered_events = 256;
/// A reader that does not read loses its oldest events rather than the daemon its memory.
constexpr std::size_t pending_limit = 16'384;

const std::set<std::string, std::less<>> known_filters = {"config", "container", "daemon", "event",  "image",
                                                          "label",  "network",   "node",   "plugin", "scope",
                                                          "secret", "service",   "type",   "volume"};

bool label_matches(const std::map<std::string, std::string>& attributes, const std::string& wanted) {
  const auto parts = split_once(wanted, '=');
  const auto found = attributes.find(std::string{parts ? parts->first : wanted});
  return found != attributes.end() && (!parts || found->second == parts->second);
}

std::string attribute(const Event& event, const char* name) {
  const auto found = event.Actor.Attributes.find(name);
  return found == event.Actor.Attributes.end() ? std::string{} : found->second;
}

/// "busybox:latest" is matched by "busybox:latest" and by "busybox".
bool image_matches(const std::string& image, const std::string& wanted) {
  if (image == wanted) return true;
  const auto colon = image.rfind(':');
  const bool tagged = colon != std::string::npos && image.find('/', colon) == std::string::npos;
  return tagged && image.substr(0, colon) == wanted;
}

/// "health_status" also matches "health_status: healthy". As in Docker all values are prefixes once one of them is the
/// name of such a family.
bool action_matches(const std::string& action, const std::vector<std::string>& wanted) {
  const bool has_family = std::ranges::any_of(wanted, [](const auto& value) {
    return value == "health_status" || value == "exec_create" || value == "exec_start";
  });
  return std::ranges::any_of(
      wanted, [&](const auto& value) { return has_family ? action.starts_with(value) : action == value; });
}

bool value_matches(const Event& event, const std::string& filter, const std::string& value) {
  if (filter == "type") return event.Type == value;
  if (filter == "scope") return event.scope == value;
  if (filter == "image") {
    const auto name = event.Type == "image" ? attribute(event, "name") : attribute(event, "image");
    return image_matches(name, value) || (event.Type == "image" && event.Actor.ID == value);
  }
  if (filter == "container" && event.Type == "container") {
    const std::string bare = value.starts_with('/') ? value.substr(1) : value;
    return attribute(event, "name") == bare || (bare.size() >= 4 && event.Actor.ID.starts_with(bare));
  }
  return event.Type == filter && (event.Actor.ID == value || attribute(event, "name") == value);
}

}  // namespace

EventFilter::EventFilter(std::map<std::string, std::vector<std::string>> filters) : filters_(std::move(filters)) {
  for (const auto& [name, values] : filters_) {
    if (!known_filters.contains(name)) throw Error{Kind::invalid, "invalid filter '{}'", name};
  }
}

bool EventFilter::matches(const Event& event) const {
  return std::all_of(filters_.begin(), filters_.end(), [&](const auto& filter) {
    const auto& [name, values] = filter;
    if (values.empty()) return true;
    if (name == "label") {
      return std::all_of(values.begin(), values.end(),
                         [&](const auto& value) { return label_matches(event.Actor.Attributes, value); });
    }
    if (name == "event") return action_matches(event.Action, values);
    return std::any_of(values.begin(), values.end(),
                       [&](const auto& value) { return value_matches(event, name, value); });
  });
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

// The engine's events: what happened to containers and images, live and a little of the past.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "base/json.hpp"
#include "base/time.hpp"

namespace berth::engine {

struct EventActor {
  std::string ID;
  std::map<std::string, std::string> Attributes;
};
BOOST_DESCRIBE_STRUCT(EventActor, (), (ID, Attributes))

/// One message of GET /events; status, id and from are the old form, for container and image events.
struct Event {
  json::OmitEmpty<std::string> status, id, from;
  std::string Type, Action;
  EventActor Actor;
  std::string scope = "local";
  std::int64_t time = 0, timeNano = 0;
};
BOOST_DESCRIBE_STRUCT(Event, (), (status, id, from, Type, Action, Actor, scope, time, timeNano))

/// Filters as the API sends them, with Docker's rules: type, scope, event, image, label, and the kinds of objects
/// (container, network, ...), of which the beginning of a name or ID is enough. Names that Docker does not know are
/// ignored, as it does.
class EventFilter {
 public:
  explicit EventFilter(std::map<std::string, std::vector<std::string>> filters) : filters_(std::move(filters)) {}
  [[nodiscard]] bool matches(const Event& event) const;

 private:
  std::map<std::string, std::vector<std::string>> filters_;
};

class EventBus {
 public:
  /// A reader's place in the stream. `descriptor()` becomes readable when `take` may have something.
  class Subscription {
   public:
    [[nodiscard]] FdRef descriptor() const { return wake_; }
    /// Everything since the last call; does not block.
    std::vector<Event> take();

   private:
    friend class EventBus;
    UniqueFd wake_;
    std::mutex mutex_;
    std::deque<Event> pending_;
  };

  /// Type is "container" or "image"; time is now.
  void publish(std::string type, std::string action, std::string id, std::map<std::string, std::string> attributes);

  /// Events of the past (up to 256 are remembered) between `since` and now, then all that come. Without `since`: only
  /// new.
  std::shared_ptr<Subscription> subscribe(std::optional<Time> since);

  /// How many subscriptions somebody holds.
  std::size_t subscriptions();

 private:
  std::mutex mutex_;
  std::deque<Event> past_;
  std::vector<std::weak_ptr<Subscription>> subscriptions_;
};

}  // namespace berth::engine

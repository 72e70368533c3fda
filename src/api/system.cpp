// The daemon itself: is it there, what is it, and what happens in it.
#include <poll.h>

#include "api/resources.hpp"
#include "engine/engine.hpp"

namespace berth::api {
namespace {

using engine::Engine;

/// Clients negotiate the API's version with the headers of this answer, and choose their builder by Builder-Version.
Reply ping(const Request& request, Engine&) {
  auto reply = Reply::text(request.method() == Method::head ? "" : "OK");
  reply.with("Builder-Version", "1").with("Swarm", "inactive");
  reply.with("Cache-Control", "no-cache, no-store, must-revalidate").with("Pragma", "no-cache");
  return reply;
}

Reply version(const Request&, Engine& engine) {
  return Reply::json(engine.version());
}

Reply info(const Request&, Engine& engine) {
  return Reply::json(engine.info());
}

std::optional<Time> time_parameter(const Request& request, std::string_view key) {
  const auto text = request.query_or(key, "");
  if (text.empty()) return std::nullopt;
  return parse_timestamp(text);
}

/// Milliseconds for poll: at least one if the time has not come, -1 without an end.
int poll_time(std::optional<Time> until) {
  if (!until) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*until - now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000));
}

struct EventQuery {
  std::optional<Time> since, until;
  engine::EventFilter filter;
};

EventQuery parse_event_query(const Request& request) {
  EventQuery query{time_parameter(request, "since"), time_parameter(request, "until"),
                   engine::EventFilter{request.filters()}};
  if (query.since && query.until && *query.until < *query.since) {
    throw Error{Kind::invalid, "`since` time ({}) cannot be after `until` time ({})", request.query_or("since", ""),
                request.query_or("until", "")};
  }
  if (query.until && !query.since) query.since = Time{};  // all of the past up to then
  return query;
}

void write_events(const EventQuery& query, engine::EventBus::Subscription& subscription, BodyWriter& out) {
  for (const auto& event : subscription.take()) {
    if (query.until && event.timeNano > query.until->time_since_epoch().count()) continue;
    if (query.filter.matches(event)) out.write(json::write(event) + "\n");
  }
  out.flush();
}

Reply events(const Request& request, Engine& engine) {
  auto query = parse_event_query(request);
  auto subscription = engine.events().subscribe(query.since);
  return Reply::stream("application/json", [query, subscription, client = request.client()](BodyWriter& out) {
    out.begin();  // the client may wait for the answer's head before it does what it wants to see
    for (;;) {
      write_events(query, *subscription, out);
      if (query.until && *query.until <= now()) return;
      std::array waits{pollfd{subscription->descriptor().get(), POLLIN, 0}, pollfd{client.get(), POLLRDHUP, 0}};
      ::poll(waits.data(), waits.size(), poll_time(query.until));
      if (waits[1].revents != 0) return;
    }
  });
}

const Route routes[] = {
    {Method::get, "/_ping", ping}, {Method::head, "/_ping", ping},   {Method::get, "/version", version},
    {Method::get, "/info", info},  {Method::get, "/events", events},
};

}  // namespace

std::span<const Route> system_routes() {
  return routes;
}

}  // namespace berth::api

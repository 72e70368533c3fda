// Containers: the requests that are answered at once.
#include "api/old_versions.hpp"
#include "api/resources.hpp"
#include "api/terminal.hpp"
#include "engine/engine.hpp"

namespace berth::api {
namespace {

using containers::CreateBody;
using engine::Engine;

/// A number of seconds that fits an int, as stop and restart take it in `t`.
std::optional<int> timeout_of(const Request& request) {
  const auto seconds = request.number("t");
  if (!seconds) return std::nullopt;
  return static_cast<int>(std::clamp<std::int64_t>(*seconds, -1, std::numeric_limits<int>::max()));
}

bool has_configuration(const json::Value& body) {
  const auto* object = body.if_object();
  if (object == nullptr) return !body.is_null();
  return std::any_of(object->begin(), object->end(), [](const auto& member) {
    return member.key() != "HostConfig" && member.key() != "NetworkingConfig";
  });
}

Reply create(const Request& request, Engine& engine) {
  const auto text = request.json_value();
  if (!has_configuration(text)) throw Error{Kind::invalid, "config cannot be empty in order to create a container"};
  auto body = json::from<CreateBody>(text);
  to_newest(body, request.version());
  containers::CreateRequest create;
  create.name = request.query_or("name", "");
  if (request.version() >= ApiVersion{1, 41}) create.platform = request.query_or("platform", "");
  create.host_config = std::move(body.HostConfig_);
  create.networking = std::move(body.NetworkingConfig_);
  create.config = std::move(static_cast<containers::Config&>(body));
  return Reply::json(engine.containers().create(std::move(create)), 201);
}

Reply start(const Request& request, Engine& engine) {
  if (request.head().content_length.value_or(8) > 7) {  // "{}" and "null" are let through, as Docker does
    throw Error{Kind::invalid,
                "starting container with non-empty request body was deprecated since API v1.22 and removed "
                "in v1.24"};
  }
  if (request.query_or("checkpoint", "") != "") {
    throw Error{Kind::unsupported, "checkpoints are not supported by Berth yet"};
  }
  return engine.containers().start(request.name()) ? Reply::no_content() : Reply::not_modified();
}

/// What stop and restart send in place of the container's own signal; older clients have no such parameter.
std::string stop_signal_of(const Request& request) {
  return request.version() < ApiVersion{1, 42} ? "" : request.query_or("signal", "");
}

Reply stop(const Request& request, Engine& engine) {
  return engine.containers().stop(request.name(), timeout_of(request), stop_signal_of(request)) ? Reply::no_content()
                                                                                                : Reply::not_modified();
}

Reply restart(const Request& request, Engine& engine) {
  engine.containers().restart(request.name(), timeout_of(request), stop_signal_of(request));
  return Reply::no_content();
}

Reply kill(const Request& request, Engine& engine) {
  engine.containers().kill(request.name(), request.query_or("signal", ""));
  return Reply::no_content();
}

Reply pause(const Request& request, Engine& engine) {
  engine.containers().pause(request.name());
  return Reply::no_content();
}

Reply unpause(const Request& request, Engine& engine) {
  engine.containers().unpause(request.name());
  return Reply::no_content();
}

Reply rename(const Request& request, Engine& engine) {
  engine.containers().rename(request.name(), request.query_or("name", ""));
  return Reply::no_content();
}

Reply remove(const Request& request, Engine& engine) {
  engine.containers().remove(
      request.name(), {.force = request.flag("force"), .volumes = request.flag("v"), .link = request.flag("link")});
  return Reply::no_content();
}

Reply resize(const Request& request, Engine& engine) {
  const auto [height, width] = parse_terminal_size(request);
  engine.containers().resize(request.name(), height, width);
  return Reply::empty(200);
}

Reply list(const Request& request, Engine& engine) {
  containers::ListRequest list{.all = request.flag("all"), .size = request.flag("size"), .filters = request.filters()};
  if (const auto limit = request.number("limit")) {
    list.limit = static_cast<int>(std::clamp<std::int64_t>(*limit, -1, std::numeric_limits<int>::max()));
  }
  return Reply::json(engine.containers().list(list));
}

Reply inspect(const Request& request, Engine& engine) {
  auto container = engine.containers().inspect(request.name(), request.flag("size"));
  to_version(container, request.version());
  return Reply::json(container);
}

Reply top(const Request& request, Engine& engine) {
  return Reply::json(engine.containers().top(request.name(), request.query_or("ps_args", "")));
}

Reply update(const Request& request, Engine& engine) {
  auto update = request.json<containers::UpdateRequest>();
  to_newest(update, request.version());
  return Reply::json(engine.containers().update(request.name(), std::move(update)));
}

Reply prune(const Request& request, Engine& engine) {
  return Reply::json(engine.containers().prune(request.filters()));
}

const Route routes[] = {
    {Method::get, "/containers/json", list},                // 200, 400
    {Method::post, "/containers/create", create},           // 201, 400, 404, 409
    {Method::get, "/containers/{name}/json", inspect},      // 200, 404
    {Method::post, "/containers/{name}/start", start},      // 204, 304, 404
    {Method::post, "/containers/{name}/stop", stop},        // 204, 304, 404
    {Method::post, "/containers/{name}/restart", restart},  // 204, 404
    {Method::post, "/containers/{name}/kill", kill},        // 204, 404, 409
    {Method::post, "/containers/{name}/pause", pause},      // 204, 404, 409
    {Method::post, "/containers/{name}/unpause", unpause},  // 204, 404, 500
    {Method::post, "/containers/{name}/rename", rename},    // 204, 404, 409
    {Method::post, "/containers/{name}/resize", resize},    // 200, 404, 409
    {Method::get, "/containers/{name}/top", top},           // 200, 404, 409
    {Method::post, "/containers/{name}/update", update},    // 200, 400, 404, 409
    {Method::post, "/containers/prune", prune},             // 200, 400, 409
    {Method::delete_, "/containers/{name}", remove},        // 204, 404, 409
};

}  // namespace

std::span<const Route> container_routes() {
  return routes;
}

}  // namespace berth::api

// Networks.
#include "api/old_versions.hpp"
#include "api/resources.hpp"
#include "base/strings.hpp"
#include "engine/engine.hpp"

namespace berth::api {
namespace {

using engine::Engine;

struct ConnectBody {
  std::string Container;
  network::EndpointConfig EndpointConfig_;
};
BOOST_DESCRIBE_STRUCT(ConnectBody, (), (Container, EndpointConfig_))

struct DisconnectBody {
  std::string Container;
  bool Force = false;
};
BOOST_DESCRIBE_STRUCT(DisconnectBody, (), (Container, Force))

Reply list(const Request& request, Engine& engine) {
  auto networks = engine.networks().list(request.filters());
  if (shows_members_in_lists(request.version())) {
    for (auto& network : networks) network = engine.networks().inspect(network.Id);
  }
  return Reply::json(networks);
}

/// `verbose` adds what only Swarm has; so it is only checked.
void check_verbose(const Request& request) {
  const auto text = request.query_or("verbose", "");
  if (!text.empty() && !parse_bool(text)) {
    throw Error{Kind::invalid, "invalid value for verbose: {}: strconv.ParseBool: parsing {}: invalid syntax", text,
                quote(text)};
  }
}

Reply inspect(const Request& request, Engine& engine) {
  check_verbose(request);
  const auto scope = request.query_or("scope", "");
  const auto network = engine.networks().inspect(request.name());
  if (!scope.empty() && scope != network.Scope) {
    throw Error{Kind::not_found, "network {} not found", request.name()};
  }
  return Reply::json(network);
}

Reply create(const Request& request, Engine& engine) {
  auto body = request.json<network::CreateRequest>();
  to_newest(body, request.version());
  return Reply::json(engine.networks().create(body), 201);
}

Reply remove(const Request& request, Engine& engine) {
  engine.networks().remove(request.name());
  return Reply::no_content();
}

Reply connect(const Request& request, Engine& engine) {
  auto body = request.json<ConnectBody>();
  engine.containers().connect_network(body.Container, request.name(), std::move(body.EndpointConfig_));
  return Reply::empty(200);
}

Reply disconnect(const Request& request, Engine& engine) {
  const auto body = request.json<DisconnectBody>();
  engine.containers().disconnect_network(body.Container, request.name(), body.Force);
  return Reply::empty(200);
}

Reply prune(const Request& request, Engine& engine) {
  return Reply::json(engine.networks().prune(request.filters()));
}

const Route routes[] = {
    {Method::get, "/networks", list},                         // 200, 400
    {Method::get, "/networks/", list},                        // 200, 400
    {Method::post, "/networks/create", create},               // 201, 400, 403, 404, 409, 501
    {Method::post, "/networks/prune", prune},                 // 200, 400, 409
    {Method::get, "/networks/{id}", inspect},                 // 200, 400, 404
    {Method::delete_, "/networks/{id}", remove},              // 204, 403, 404
    {Method::post, "/networks/{id}/connect", connect},        // 200, 400, 403, 404
    {Method::post, "/networks/{id}/disconnect", disconnect},  // 200, 403, 404
};

}  // namespace

std::span<const Route> network_routes() {
  return routes;
}

}  // namespace berth::api

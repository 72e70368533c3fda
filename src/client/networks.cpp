#include "base/strings.hpp"
#include "client/client.hpp"

namespace berth::client {
namespace {

/// docker's client refuses what would be another path.
void check_name(std::string_view what, std::string_view name) {
  if (trim(name).empty()) throw Error{Kind::invalid, "invalid {} name or ID: value is empty", what};
}

std::string path_of(const std::string& name, std::string_view action = {}) {
  check_name("network", name);
  return fmt::format("/networks/{}{}", percent_encode(name), action);
}

}  // namespace

json::Array Networks::list(const Filters& filters) {
  auto answer = client_.call("GET", "/networks", {{"filters", to_parameter(filters)}});
  return answer.is_array() ? std::move(answer.get_array()) : json::Array{};
}

std::string Networks::create(const json::Value& body) {
  return std::string{client_.call("POST", "/networks/create", {}, &body).at("Id").as_string()};
}

json::Value Networks::inspect(const std::string& name, bool verbose) {
  return client_.call("GET", path_of(name), {{"verbose", verbose ? "true" : ""}});
}

void Networks::remove(const std::string& name) {
  client_.call("DELETE", path_of(name));
}

void Networks::connect(const std::string& name, const std::string& container, const json::Value& endpoint) {
  const auto path = path_of(name, "/connect");
  check_name("container", container);
  const json::Value body{{"Container", container}, {"EndpointConfig", endpoint}};
  client_.call("POST", path, {}, &body);
}

void Networks::disconnect(const std::string& name, const std::string& container, bool force) {
  const auto path = path_of(name, "/disconnect");
  check_name("container", container);
  const json::Value body{{"Container", container}, {"Force", force}};
  client_.call("POST", path, {}, &body);
}

json::Value Networks::prune(const Filters& filters) {
  return client_.call("POST", "/networks/prune", {{"filters", to_parameter(filters)}});
}

}  // namespace berth::client

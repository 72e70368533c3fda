#include "api/old_versions.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/strings.hpp"
#include "containers/network_mode.hpp"

namespace berth::api {

namespace {

/// Before 1.44 a container had one network at creation, and its address was the container's. Source: moby 28,
/// handleMACAddressBC.
void move_mac_address(containers::CreateBody& body) {
  using Endpoint = json::Nullable<network::EndpointConfig>;
  auto& endpoints = body.NetworkingConfig_.EndpointsConfig;
  if (endpoints && endpoints->size() > 1) {
    std::vector<std::string> names;
    for (const auto& [name, endpoint] : *endpoints) names.push_back(name);
    throw Error{Kind::invalid, "Container cannot be connected to network endpoints: {}", join(names, ", ")};
  }
  const auto address = std::exchange(body.MacAddress, {});
  if (endpoints) {
    for (auto& [name, endpoint] : *endpoints) {
      if (endpoint) endpoint->MacAddress = address;
    }
  }
  if (address.empty()) return;
  const auto& mode = body.HostConfig_.NetworkMode;
  if (mode == "host" || mode == "none" || mode.starts_with("container:")) {
    throw Error{Kind::invalid, "conflicting options: mac-address and the network mode"};
  }
  if (endpoints && !endpoints->empty()) return;
  network::EndpointConfig endpoint;
  endpoint.MacAddress = address;
  endpoints.emplace()[mode.empty() ? "default" : mode] = Endpoint{std::move(endpoint)};
}

}  // namespace

void to_newest(containers::CreateBody& body, ApiVersion version) {
  auto& host = body.HostConfig_;
  if (version < ApiVersion{1, 25}) host.AutoRemove = false;  // the client removed the container itself
  if (version < ApiVersion{1, 40} && host.PidsLimit.value_or(0) <= 0) host.PidsLimit.reset();
  if (version < ApiVersion{1, 41} && host.CgroupnsMode.empty()) host.CgroupnsMode = "host";
  if (version < ApiVersion{1, 42}) host.ConsoleSize = {0, 0};
  if (version < ApiVersion{1, 43}) host.Annotations.reset();
  if (version < ApiVersion{1, 44} && body.Healthcheck_) body.Healthcheck_->StartInterval.reset();
  if (version < ApiVersion{1, 44}) move_mac_address(body);
}

void to_newest(containers::UpdateRequest& body, ApiVersion version) {
  if (version < ApiVersion{1, 40}) body.PidsLimit.reset();
}

void to_newest(network::CreateRequest& body, ApiVersion version) {
  if (version < ApiVersion{1, 48}) body.EnableIPv4.reset();
}

bool shows_members_in_lists(ApiVersion version) {
  return version < ApiVersion{1, 28};
}

void add_old_image_filter(Filters& filters, const Request& request) {
  if (request.version() >= ApiVersion{1, 41}) return;
  if (const auto reference = request.query_or("filter", ""); !reference.empty())
    filters["reference"].push_back(reference);
}

void to_version(containers::Inspect& container, ApiVersion version) {
  if (version >= ApiVersion{1, 45}) return;
  // Since then DNSNames has them.
  for (auto& [name, endpoint] : container.NetworkSettings.Networks) {
    if (!containers::is_user_defined(name)) continue;
    if (!endpoint.Aliases) endpoint.Aliases.emplace();
    for (const auto& alias : {container.Id.substr(0, 12), container.Config.Hostname}) {
      auto& aliases = *endpoint.Aliases;
      if (std::ranges::find(aliases, alias) == aliases.end()) aliases.push_back(alias);
    }
  }
}

void to_version(json::Value& image, ApiVersion version) {
  auto& object = image.as_object();
  const auto* id = object.if_contains("ParentId");
  if (version < ApiVersion{1, 43} && id != nullptr) {  // only elements of a list
    if (object["RepoTags"].as_array().empty()) object["RepoTags"] = json::Array{"<none>:<none>"};
    if (object["RepoDigests"].as_array().empty()) object["RepoDigests"] = json::Array{"<none>@<none>"};
  }
  if (version < ApiVersion{1, 44}) object["VirtualSize"] = object["Size"];
}

}  // namespace berth::api

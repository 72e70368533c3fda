#include "containers/show_network.hpp"

#include <algorithm>

#include "containers/network_mode.hpp"
#include "containers/ports.hpp"

namespace berth::containers {
namespace {

const network::Endpoint* find_endpoint(const network::Connections* connections, const std::string& network) {
  if (connections == nullptr) return nullptr;
  const auto found = std::ranges::find(connections->endpoints, network, &network::Endpoint::network_name);
  return found == connections->endpoints.end() ? nullptr : &*found;
}

std::string text_of(const std::optional<IpAddress>& address) {
  return address ? to_string(*address) : std::string{};
}

/// The part of `inspect` that is there twice: in the endpoint, and for the default bridge in NetworkSettings too.
template <class Shown>
void show_addresses(const network::Endpoint& endpoint, Shown& shown) {
  shown.EndpointID = endpoint.endpoint_id;
  shown.Gateway = text_of(endpoint.gateway_v4);
  shown.IPv6Gateway = text_of(endpoint.gateway_v6);
  shown.MacAddress = endpoint.mac ? to_string(*endpoint.mac) : std::string{};
  if (endpoint.v4) {
    shown.IPAddress = to_string(endpoint.v4->address);
    shown.IPPrefixLen = endpoint.v4->length;
  }
  if (endpoint.v6) {
    shown.GlobalIPv6Address = to_string(endpoint.v6->address);
    shown.GlobalIPv6PrefixLen = endpoint.v6->length;
  }
}

EndpointSettings shown_endpoint(const network::EndpointConfig& config) {
  EndpointSettings shown;
  shown.IPAMConfig = config.IPAMConfig;
  shown.Links = config.Links;
  shown.Aliases = config.Aliases;
  shown.DriverOpts = config.DriverOpts;
  shown.GwPriority = config.GwPriority;
  return shown;
}

/// Docker tells of ports where its bridge driver has something to do with them.
bool has_ports(const network::Connections* connections) {
  return connections != nullptr &&
         std::ranges::any_of(connections->endpoints, [](const auto& endpoint) { return endpoint.driver == "bridge"; });
}

json::Object shown_ports(const Record& record, const network::Connections* connections) {
  json::Object ports;
  if (!has_ports(connections)) return ports;
  for (const auto& port : exposed_ports(record.definition.config, record.definition.host_config)) {
    ports[to_string(port)] = nullptr;
  }
  for (const auto& published : network::to_published_ports(connections->publications)) {
    auto& bindings = ports[to_string(ContainerPort{published.container_port, published.protocol})];
    if (!bindings.is_array()) bindings.emplace_array();
    bindings.get_array().push_back(
        json::Object{{"HostIp", to_string(published.host_address)}, {"HostPort", std::to_string(published.host_port)}});
  }
  return ports;
}

}  // namespace

std::map<std::string, EndpointSettings> shown_networks(const Record& record, const network::Connections* connections,
                                                       const NetworkIds& ids) {
  std::map<std::string, EndpointSettings> networks;
  const bool was_started = record.state.started_at != Time::min();
  for (const auto& [name, config] : endpoints_of(record.definition)) {
    auto& shown = networks[name] = shown_endpoint(config);
    if (const auto* endpoint = find_endpoint(connections, name)) {
      show_addresses(*endpoint, shown);
      shown.NetworkID = endpoint->network_id;
      if (!endpoint->dns_names.empty()) shown.DNSNames = endpoint->dns_names;
    } else if (was_started) {
      shown.NetworkID = ids(name);
    } else {
      shown.MacAddress = config.MacAddress;
    }
  }
  return networks;
}

NetworkSettings shown_network_settings(const Record& record, const network::Connections* connections,
                                       const NetworkIds& ids) {
  NetworkSettings settings;
  settings.Networks = shown_networks(record, connections, ids);
  settings.Ports = shown_ports(record, connections);
  if (const auto* endpoint = find_endpoint(connections, std::string{default_network})) {
    show_addresses(*endpoint, settings);
  }
  const auto& mode = record.definition.host_config.NetworkMode;
  if (record.state.has_process() && !is_container_mode(mode)) {
    settings.SandboxID = connections != nullptr ? connections->sandbox_id : record.id;
    settings.SandboxKey = mode == "host" ? "/proc/1/ns/net" : fmt::format("/proc/{}/ns/net", record.state.pid);
  }
  return settings;
}

std::vector<json::Object> listed_ports(const Record& record, const network::Connections* connections) {
  std::vector<json::Object> ports;
  if (!has_ports(connections)) return ports;
  auto unpublished = exposed_ports(record.definition.config, record.definition.host_config);
  for (const auto& published : network::to_published_ports(connections->publications)) {
    unpublished.erase({published.container_port, published.protocol});
    ports.push_back({{"IP", to_string(published.host_address)},
                     {"PrivatePort", published.container_port},
                     {"PublicPort", published.host_port},
                     {"Type", network::to_string(published.protocol)}});
  }
  for (const auto& port : unpublished) {
    ports.push_back({{"PrivatePort", port.number}, {"Type", network::to_string(port.protocol)}});
  }
  return ports;
}

}  // namespace berth::containers

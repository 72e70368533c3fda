// What is refused at creation about networks, in Docker's words. Source: moby 28, daemon/container_operations.go
// validateEndpointSettings, runconfig/hostconfig.go, and handleMACAddressBC of its API.
#include "base/error.hpp"
#include "base/ip.hpp"
#include "base/strings.hpp"
#include "containers/network_mode.hpp"
#include "containers/ports.hpp"
#include "containers/spec_parts.hpp"

namespace berth::containers {
namespace {

using Texts = std::vector<std::string>;

template <class... Lists>
bool any_given(const Lists&... lists) {
  return ((lists && !lists->empty()) || ...);
}

/// A container in the network of another one has nothing of its own there.
void check_container_mode(const Config& config, const HostConfig& host) {
  const auto refuse = [](bool given, std::string_view what) {
    if (given) throw Error{Kind::invalid, "conflicting options: {}", what};
  };
  if (target_of(host.NetworkMode).empty()) {
    throw Error{Kind::invalid, "Invalid network mode: invalid container format container:<name|id>"};
  }
  refuse(!config.Hostname.empty(), "hostname and the network mode");
  refuse(any_given(host.Links),
         "container type network can't be used with links. This would result in undefined behavior");
  refuse(!host.Dns.empty(), "dns and the network mode");
  refuse(any_given(host.ExtraHosts), "custom host-to-IP mapping and the network mode");
  refuse(!host.PortBindings.empty() || host.PublishAllPorts, "port publishing and the container type network mode");
  refuse(!config.ExposedPorts.empty(), "port exposing and the container type network mode");
}

void check_names(const HostConfig& host) {
  for (const auto& line : host.ExtraHosts.value_or(Texts{})) parse_extra_host(line);
  for (const auto& server : host.Dns) {
    if (!is_ip_address(server)) throw Error{Kind::invalid, "invalid IP address: {}", server};
  }
  for (const auto* words : {&host.DnsSearch, &host.DnsOptions}) {
    for (const auto& word : *words) {
      if (word.find_first_of(" \t\r\n") != std::string::npos)
        throw Error{Kind::invalid, "invalid DNS setting: {}", quote(word)};
    }
  }
}

/// Several faults one below the other, as Docker lists them.
std::string listed(const Texts& faults) {
  if (faults.size() == 1) return faults.front();
  Texts indented;
  for (const auto& fault : faults) {
    indented.push_back("* ");
    for (const char c : fault) indented.back() += c == '\n' ? std::string{"\n\t"} : std::string{c};
  }
  return join(indented, "\n");
}

bool is_address(const std::string& text, bool v6) {
  const auto address = find_ip(text);
  return address && address->is_v6() == v6 && !address->is_any();
}

Texts faults_of(const std::string& network, const network::EndpointConfig& endpoint) {
  Texts faults;
  const auto ipam = endpoint.IPAMConfig.value_or(network::EndpointIpam{});
  if (!is_user_defined(network)) {
    if (!ipam.IPv4Address.empty() || !ipam.IPv6Address.empty()) {
      faults.emplace_back("user specified IP address is supported on user defined networks only");
    }
    if (any_given(endpoint.Aliases)) {
      faults.emplace_back("network-scoped alias is supported only for containers in user defined networks");
    }
  }
  if (!ipam.IPv4Address.empty() && !is_address(ipam.IPv4Address, false)) {
    faults.push_back("invalid IPv4 address: " + ipam.IPv4Address);
  }
  if (!ipam.IPv6Address.empty() && !is_address(ipam.IPv6Address, true)) {
    faults.push_back("invalid IPv6 address: " + ipam.IPv6Address);
  }
  for (const auto& text : ipam.LinkLocalIPs) {
    const auto address = find_ip(text);
    if (!address || address->is_any()) faults.push_back("invalid link-local IP address: " + text);
  }
  return faults;
}

/// Moves the address that stands in Config to the endpoint of the network that the mode names.
void move_mac_address(Config& config, const HostConfig& host, Endpoints& endpoints, Texts& warnings) {
  const std::string address = std::exchange(config.MacAddress, {});
  if (address.empty()) return;
  warnings.emplace_back(
      "The container-wide MacAddress field is now deprecated. It should be specified in EndpointsConfig instead.");
  const auto network = network_of(host.NetworkMode);
  if (network == "host" || network == "none" || is_container_mode(network)) return;
  auto& own = endpoints[network].MacAddress;
  if (!own.empty() && own != address) {
    throw Error{Kind::invalid,
                "the container-wide MAC address must match the endpoint-specific MAC address for the main network, or "
                "be left empty"};
  }
  own = address;
}

}  // namespace

void check_network(const Config& config, const HostConfig& host, std::vector<std::string>& warnings) {
  const auto& mode = host.NetworkMode;
  if (mode == "container") {
    throw Error{Kind::invalid, "Invalid network mode: invalid container format container:<name|id>"};
  }
  if (is_container_mode(mode)) check_container_mode(config, host);
  if (is_host(host.UTSMode) && !config.Hostname.empty()) {
    throw Error{Kind::invalid, "conflicting options: hostname and the UTS mode"};
  }
  if (is_host(mode) && any_given(host.Links)) {
    throw Error{Kind::invalid,
                "conflicting options: host type networking can't be used with links. This would result in undefined "
                "behavior"};
  }
  check_ports(config, host);
  check_names(host);
  if (is_host(mode) && !host.PortBindings.empty()) {
    warnings.emplace_back("Published ports are discarded when using host network mode");
  }
}

void check_endpoint(const std::string& network, const network::EndpointConfig& endpoint) {
  if (const auto faults = faults_of(network, endpoint); !faults.empty()) {
    throw Error{Kind::invalid, "invalid endpoint settings:\n{}", listed(faults)};
  }
  if (!endpoint.MacAddress.empty() && !find_mac(endpoint.MacAddress)) {
    throw Error{Kind::invalid, "invalid MAC address {}", endpoint.MacAddress};
  }
}

Endpoints checked_endpoints(Config& config, const HostConfig& host_config, const NetworkingConfig& networking,
                            std::vector<std::string>& warnings) {
  Endpoints endpoints;
  Texts faults;
  if (networking.EndpointsConfig) {
    for (const auto& [name, endpoint] : *networking.EndpointsConfig) {
      if (!endpoint) throw Error{Kind::invalid, "no EndpointSettings for {}", name};
      const auto network = name == "default" ? network_of(name) : name;
      try {
        check_endpoint(network, *endpoint);
      } catch (const Error& error) {
        faults.push_back(fmt::format("invalid config for network {}: {}", network, error.message()));
      }
      endpoints[network] = *endpoint;
    }
  }
  if (!faults.empty()) throw Error{Kind::invalid, "{}", listed(faults)};
  move_mac_address(config, host_config, endpoints, warnings);
  if (is_container_mode(host_config.NetworkMode)) return {};
  if (endpoints.empty()) endpoints[network_of(host_config.NetworkMode)];
  return endpoints;
}

}  // namespace berth::containers

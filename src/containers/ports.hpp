// From Config.ExposedPorts and HostConfig.PortBindings to what the network is asked to publish: pure.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "containers/config.hpp"
#include "network/endpoint.hpp"

namespace berth::containers {

/// A port of a container: "80/tcp".
struct ContainerPort {
  std::uint16_t number = 0;
  network::Protocol protocol = network::Protocol::tcp;

  auto operator<=>(const ContainerPort&) const = default;
};

std::string to_string(const ContainerPort& port);

/// "80", "80/udp" or "8000-8010/sctp", one by one; nothing if it is none of these.
std::optional<std::vector<ContainerPort>> find_container_ports(std::string_view text);

/// Throws `invalid` with Docker's text for what is no port.
void check_ports(const Config& config, const HostConfig& host_config);

/// What is exposed, be it published or not.
std::set<ContainerPort> exposed_ports(const Config& config, const HostConfig& host_config);

/// What is to be published, those with host ports of their own first: others must not be given one of these. Ports that
/// follow each other inside and outside become one request, however many they are.
std::vector<network::PortRequest> plan_ports(const Config& config, const HostConfig& host_config);

}  // namespace berth::containers

// What a container asks of networks, and what it was given.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.hpp"
#include "network/config.hpp"
#include "network/publication.hpp"

namespace berth::network {

/// Ports of a container that are to be reached through the host. `host_first` 0: one of the ephemeral range. As many
/// host ports as container ports: pairwise. One container port and several host ports: any of them that is free.
struct PortRequest {
  Protocol protocol = Protocol::tcp;
  std::uint16_t container_first = 0, container_last = 0;
  std::optional<IpAddress> host_address;  ///< none: the network's or the daemon's default
  std::uint16_t host_first = 0, host_last = 0;
};

/// A container as networks know it.
struct Member {
  std::string container_id, name, hostname, domainname;
};

struct EndpointRequest {
  std::string network;  ///< name or ID
  EndpointConfig config;
};

/// What a container has on one network while its process 1 lives.
struct Endpoint {
  std::string network_id, network_name, driver, endpoint_id;
  EndpointConfig config;
  std::optional<Cidr> v4, v6;
  std::optional<IpAddress> gateway_v4, gateway_v6;  ///< of the network, whether or not its default route goes there
  std::optional<MacAddress> mac;
  std::string link;       ///< in the sandbox: "eth0"; empty for networks of the host and of nobody
  std::string host_link;  ///< the other end; empty if there is none
  bool internal = false;  ///< its network is
  /// The container's name, its short ID and its aliases: what Docker shows as DNSNames. Empty on the default bridge.
  std::vector<std::string> dns_names;
};

/// `--dns`, `--dns-search`, `--dns-option`: what a container asks of the resolver.
struct DnsConfig {
  std::vector<std::string> servers, search, options;
};
BOOST_DESCRIBE_STRUCT(DnsConfig, (), (servers, search, options))

struct JoinRequest {
  Member member;
  std::vector<EndpointRequest> endpoints;  ///< the first one becomes eth0
  std::vector<PortRequest> ports;
  DnsConfig dns;
};

/// All that a container has of networks.
struct Connections {
  std::vector<Endpoint> endpoints;
  std::vector<Publication> publications;
  std::string sandbox_id;
};

}  // namespace berth::network

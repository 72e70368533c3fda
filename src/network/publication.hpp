// Published ports as ports.hpp hands them out and firewall.hpp puts them into force.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/ip.hpp"

namespace berth::network {

enum class Protocol { tcp, udp, sctp };

std::string_view to_string(Protocol protocol);
/// "tcp", "udp" or "sctp", in any case.
std::optional<Protocol> find_protocol(std::string_view text);

/// Where a container that has IPv4 alone is published at an IPv6 address, `relay` is the port of the host where a
/// process listens that passes the bytes on; without one, such a publication only keeps its ports from others. One that
/// has IPv6 has such a port for clients at ::1. UDP has none: who passes datagrams on is at the published ports.
///
/// `count` ports of the host, from `host_first` on, lead to as many of the container, from `container_first` on.
struct Publication {
  Protocol protocol = Protocol::tcp;
  IpAddress host_address = IpAddress::any(false);  ///< 0.0.0.0, :: or one of the host's
  std::uint16_t host_first = 0;                    ///< 0: the network is routed, and has no ports on the host
  IpAddress container = IpAddress::any(false);
  std::uint16_t container_first = 0;
  std::uint16_t count = 1;
  std::uint16_t relay = 0;

  /// A client's packets cannot be sent to the container: they are of another family.
  [[nodiscard]] bool needs_relay() const noexcept { return host_address.is_v6() && !container.is_v6(); }

  /// A client's packets could be sent to the container, but its answers to ::1 may be lost in the kernel.
  [[nodiscard]] bool needs_loopback_relay() const noexcept {
    return protocol != Protocol::sctp && container.is_v6() && host_address.is_v6() && host_first != 0 &&
           (host_address.is_any() || host_address.is_loopback());
  }

  friend bool operator==(const Publication&, const Publication&) = default;
  friend auto operator<=>(const Publication&, const Publication&) = default;
};

/// One port as it is published.
struct PublishedPort {
  Protocol protocol = Protocol::tcp;
  std::uint16_t container_port = 0;
  IpAddress host_address = IpAddress::any(false);
  std::uint16_t host_port = 0;

  friend bool operator==(const PublishedPort&, const PublishedPort&) = default;
};

/// One by one, as inspect and `port` show them.
std::vector<PublishedPort> to_published_ports(std::span<const Publication> publications);

}  // namespace berth::network

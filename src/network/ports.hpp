// Which ports of the host are taken by whom: reserved before they are published, free again when they are released.
//
// A port is free if no container has it on this address or on all addresses, and if no process of the host listens on
// it: that is found out by listening on it for a moment. Nothing is held open. After a restart of the daemon the owner
// of the records hands them to `adopt`.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "base/guarded.hpp"
#include "network/endpoint.hpp"
#include "network/host_sockets.hpp"
#include "network/publication.hpp"

namespace berth::network {

/// Where published ports lead to: the container's addresses on one network.
struct PortTarget {
  std::optional<IpAddress> v4, v6;
  bool routed_v4 = false, routed_v6 = false;  ///< the container is reached at its own address: no ports of the host
  bool relay_v6 = false;                      ///< without v6, TCP ports are taken at IPv6 addresses for a relay
  bool relay_datagrams_v6 = false;            ///< and UDP ports
  std::optional<IpAddress> default_address;   ///< where a request without an address binds; none: 0.0.0.0 and ::
};

class PortTable {
 public:
  /// Takes ports for all requests, or none. Without an address, the same port of 0.0.0.0 and of :: is taken, each as
  /// far as the container has such an address (for :: also the host). Requests that differ in their addresses alone get
  /// the same port. Throws `internal` with Docker's words: "Bind for 0.0.0.0:80 failed: port is already allocated",
  /// "failed to bind host port for 0.0.0.0:80:172.17.0.2:80/tcp: address already in use".
  std::vector<Publication> reserve(std::span<const PortRequest> requests, const PortTarget& target);
  void release(std::span<const Publication> publications);
  /// Takes what is in force already, whoever listens.
  void adopt(std::span<const Publication> publications);

 private:
  struct Taken {
    std::map<std::pair<Protocol, IpAddress>, PortSet> ports;
    /// Where the last search in this range ended: the next one goes on there, so that a port is not given to the next
    /// container while clients still believe in the last.
    std::map<std::array<std::uint16_t, 2>, std::uint16_t> last;

    [[nodiscard]] bool is_free(Protocol protocol, const IpAddress& address, std::uint16_t port) const;
    void set(const Publication& publication, bool taken);
  };
  struct Group;

  static std::vector<Publication> reserve(Taken& taken, const Group& group);
  static Publication take_exact(Taken& taken, const Group& group, const IpAddress& address);
  static std::uint16_t find_port(Taken& taken, const Group& group);

  Guarded<Taken> taken_;
};

/// How many UDP ports of IPv6 addresses such a target would have relayed.
std::size_t count_relayed_datagram_ports(std::span<const PortRequest> requests, const PortTarget& target);

/// The ephemeral ports of the calling thread's namespace.
std::array<std::uint16_t, 2> ephemeral_ports();

}  // namespace berth::network

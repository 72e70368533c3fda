// What the kernel cannot translate: connections by IPv6 to a container that has only IPv4, and with br_netfilter those
// from ::1 to one that has IPv6. It redirects them to a listener of the host; whoever serves that asks for the port
// that was meant and passes the bytes on. Datagrams do not tell it, so each of their ports has a socket of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/fd.hpp"
#include "base/fd_passing.hpp"
#include "base/undo.hpp"
#include "network/publication.hpp"

namespace berth::network {

struct Relay {
  /// A published UDP port, and the host's socket that is bound to it.
  struct DatagramPort {
    UniqueFd socket;
    IpAddress container = IpAddress::any(false);
    std::uint16_t port = 0;  ///< the container's
  };

  UniqueFd listener;                      ///< TCP, of the host's namespace, on a port of the kernel's choice
  std::vector<Publication> publications;  ///< that lead there
  std::vector<DatagramPort> datagrams;
  /// Runs when this has been handed over, and with it what was there before is closed.
  std::unique_ptr<Undo> afterwards;

  [[nodiscard]] bool is_needed() const noexcept { return listener || !datagrams.empty(); }
};

/// How many UDP ports of a container are relayed; of one that has more, none is: each takes a socket.
inline constexpr std::size_t max_relayed_datagram_ports = max_passed_fds - 1;

/// Makes a listener for those TCP ports of `publications` that need one, and enters its port there, and sockets for
/// such UDP ports; nothing if none needs one. Throws if they cannot be had.
Relay make_relay(std::vector<Publication>& publications);

/// Whether who has these sockets relays all of `publications` that need it, as far as the sockets' ports tell.
bool are_relayed(std::span<const Publication> publications, std::span<const UniqueFd> sockets);

}  // namespace berth::network

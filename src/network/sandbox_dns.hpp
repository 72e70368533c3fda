// The way from a container's port 53 of 127.0.0.11 to the sockets of its resolver.
//
// Port 53 itself stays free in the sandbox: a program may listen on it, on all addresses too. The sockets are bound to
// ports of the kernel's choice, and a small table of rules in the sandbox writes that port into packets to 127.0.0.11
// port 53, and 53 into those that come back. It does so without connection tracking, which would cost every other
// packet of the container time and remember every query for half a minute.
#pragma once

#include <boost/describe.hpp>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/fd.hpp"
#include "dns/dns.hpp"

namespace berth::network {

/// 0: none yet.
struct ResolverPorts {
  std::uint16_t udp = 0;
  std::uint16_t tcp = 0;

  friend bool operator==(const ResolverPorts&, const ResolverPorts&) = default;
};
BOOST_DESCRIBE_STRUCT(ResolverPorts, (), (udp, tcp))

struct ResolverSockets {
  dns::Sockets sockets;
  ResolverPorts ports;
};

/// Opens the sockets in the sandbox and makes the rules, which take the place of older ones. `wanted`: the ports that
/// it had before; others if a program has them now.
ResolverSockets open_resolver_sockets(FdRef netns, ResolverPorts wanted = {});

/// Copies of the sockets, for whoever keeps them while no daemon runs: queries wait in them for the next one.
std::vector<UniqueFd> copies_of(const ResolverSockets& resolver);
/// What such copies have become; nothing if these are none, or not those of these ports.
std::optional<ResolverSockets> find_resolver_sockets(std::vector<UniqueFd> kept, ResolverPorts wanted);

}  // namespace berth::network

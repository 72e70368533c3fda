// What the kernel cannot translate: connections by IPv6 to a container that has only IPv4, and with br_netfilter those
// from ::1 to one that has IPv6. It redirects them to a listener of the host; whoever serves that asks for the port
// that was meant and passes the bytes on.
#pragma once

#include <vector>

#include "base/fd.hpp"
#include "network/publication.hpp"

namespace berth::network {

struct Relay {
  UniqueFd listener;                      ///< TCP, of the host's namespace, on a port of the kernel's choice
  std::vector<Publication> publications;  ///< that lead there
};

/// Makes a listener for those of `publications` that need one, and enters its port there; without such, no listener.
Relay make_relay(std::vector<Publication>& publications);

}  // namespace berth::network

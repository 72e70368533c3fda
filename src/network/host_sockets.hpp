// What the host's own processes listen on.
#pragma once

#include <bitset>
#include <optional>

#include "network/endpoint.hpp"

namespace berth::network {

using PortSet = std::bitset<65536>;

/// The ports on which somebody in the calling thread's namespace listens, on whatever address. Nothing if the kernel
/// does not tell (a module for sock_diag(7) may be missing).
std::optional<PortSet> find_listening_ports(Protocol protocol);

}  // namespace berth::network

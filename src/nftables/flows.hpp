// Flows that the kernel remembers. Address translation is decided by the first packet of a flow and holds for as long
// as the flow goes on: a sender of UDP who never pauses would go on to a container that has gone, or past one that has
// come.
#pragma once

#include <cstdint>
#include <vector>

#include "base/ip.hpp"

namespace berth::nftables {

/// UDP flows by what their first packet was sent to. Of any address, if that is 0.0.0.0 or ::.
struct UdpFlows {
  IpAddress address = IpAddress::any(false);
  std::uint16_t port = 0;
};

/// Forgets these flows of the calling thread's network namespace: the next packet of each is judged anew.
void forget(const std::vector<UdpFlows>& flows);

/// The same by a list of all flows that there are, which takes its time: for kernels that are not told a part of a flow
/// (Debian 12's 6.1 is one). What cannot be forgotten is logged.
void forget_one_by_one(const std::vector<UdpFlows>& flows);

}  // namespace berth::nftables

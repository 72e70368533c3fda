// Connections of this host to ports of its 127.0.0.1 that go to another address from the start: BPF programs at the
// system calls of sockets.
//
// NAT does the same packet by packet. Here the destination of connect() is another one, and the connection is an
// ordinary one that nobody has to translate. getpeername() and getsockname() go on to say what the program meant.
//
//   ConnectRedirect redirect{cgroup_directory};       // of processes in this cgroup and below
//   redirect.set({8080, 16}, {address, 8080, 80});    // 127.0.0.1:8080 is address:80
//   redirect.set({9216, 10}, {address, 9216, 9216});  // 9216 to 9279, all ports whose first 10 bits are these
//
// Only TCP, only to 127.0.0.1 exactly, only of sockets in the network namespace that the object was made in, and that
// have chosen no address and no link of their own: one that is bound to 127.0.0.1 could not send to a bridge. All
// others connect as ever. What has been connected stays so when an element is removed, or the object is gone.
#pragma once

#include <cstdint>

#include "base/fd.hpp"
#include "base/ip.hpp"

namespace berth::kernel {

/// The ports whose first `bits` of 16 bits are those of `port`. Prefixes of one object do not overlap.
struct PortPrefix {
  std::uint16_t port = 0;
  unsigned bits = 16;

  friend auto operator<=>(const PortPrefix&, const PortPrefix&) = default;
};

struct RedirectTarget {
  IpAddress address;                ///< of IPv4
  std::uint16_t first_outside = 0;  ///< this port of 127.0.0.1 leads to `first_inside`, the next one to the next
  std::uint16_t first_inside = 0;
};

class ConnectRedirect {
 public:
  /// For sockets of the calling thread's network namespace, in a cgroup of version 2. It takes Linux 5.14. Throws what
  /// the kernel says if it cannot be had: EPERM, EINVAL and others.
  explicit ConnectRedirect(FdRef cgroup_directory);

  /// Replaces what was said of the prefix.
  void set(const PortPrefix& ports, const RedirectTarget& target);
  /// Does nothing if nothing was said of it.
  void remove(const PortPrefix& ports);

 private:
  UniqueFd targets_;
  UniqueFd meant_;  ///< beside a socket: what its program meant
  UniqueFd peer_name_, own_name_, connect_;
};

}  // namespace berth::kernel

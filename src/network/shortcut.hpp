// The short way to published ports for programs of this host: connections to 127.0.0.1 go to the container's own
// address from the start (linux/connect_redirect), and no packet of theirs is translated.
//
// The firewall serves all ports by itself, also these: a shortcut that cannot be had, or was lost with the daemon,
// costs speed and nothing else. It is for TCP by IPv4, for ports published on 127.0.0.1 or on all addresses.
//
// Uses: linux.   Threads: one at a time.
#pragma once

#include <memory>
#include <set>
#include <span>
#include <vector>

#include "network/publication.hpp"

namespace berth::kernel {
class ConnectRedirect;
}

namespace berth::network {

/// Whether the short way leads to this one.
bool has_shortcut(const Publication& publication);

/// Ports whose first `bits` of 16 bits are those of `first`.
struct PortBlock {
  std::uint16_t first = 0;
  unsigned bits = 16;

  friend bool operator==(const PortBlock&, const PortBlock&) = default;
};

/// The fewest blocks that are these ports together, in order. `count` ports from `first` on, the last is 65535 at most.
std::vector<PortBlock> split_into_blocks(std::uint16_t first, unsigned count);

class Shortcut {
 public:
  Shortcut();
  ~Shortcut();
  Shortcut(Shortcut&&) noexcept;
  Shortcut& operator=(Shortcut&&) noexcept;

  /// For the calling thread's network namespace, and processes in the cgroup hierarchy that is mounted here. The log
  /// says why if it cannot be had.
  void open() noexcept;
  [[nodiscard]] bool is_open() const noexcept { return redirect_ != nullptr; }

  /// From now on it leads to those of them that have one, and to no others. Does nothing unless it is open. If the
  /// kernel refuses, it is closed, and the log says so.
  void lead_to(const std::set<Publication>& publications) noexcept;

 private:
  void remove(const Publication& publication);
  void add(const Publication& publication);

  std::unique_ptr<kernel::ConnectRedirect> redirect_;
  std::set<Publication> present_;
};

}  // namespace berth::network

// Published ports for those who come by IPv6 to a container that has only IPv4, and for the host's own connections to
// ::1 where br_netfilter would lose what comes back. The kernel rewrites an address into another of its own family
// only, so it redirects such connections to the one listener of the container's shim, which passes the bytes on.
// Whatever has a way in the kernel never comes here.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "shim/monitor/loop.hpp"
#include "shim/protocol.hpp"

namespace berth::shim {

/// TCP only. Its connections live as long as the container, through any restart of the daemon.
class PortRelay {
 public:
  explicit PortRelay(Loop& loop);
  ~PortRelay();

  /// Takes connections of `listener` from now on, in place of the one before; those that are there go on. A connection
  /// goes where the port that its client meant leads; one that was meant for none of the targets is closed.
  void listen(UniqueFd listener, std::vector<RelayTarget> targets);
  [[nodiscard]] FdRef listener() const noexcept { return listener_; }
  /// Ends all.
  void stop() noexcept;

  /// Forgets connections that have ended. Call after each event.
  void step();

 private:
  class Connection;

  void accept();

  Loop& loop_;
  UniqueFd listener_;
  std::unique_ptr<Watch> listener_watch_;
  std::vector<RelayTarget> targets_;
  std::list<std::unique_ptr<Connection>> connections_;
  std::vector<std::list<std::unique_ptr<Connection>>::iterator> ended_;
};

}  // namespace berth::shim

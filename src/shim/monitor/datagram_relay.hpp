// Published UDP ports for those who come by IPv6 to a container that has only IPv4. Each port has a socket of the
// host's; a client's datagrams go on through a socket of their own, so that the container's answers find their way
// back.
#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <memory>
#include <vector>

#include "base/fd.hpp"
#include "base/socket_address.hpp"
#include "shim/monitor/loop.hpp"

namespace berth::shim {

class DatagramRelay {
 public:
  struct Port {
    UniqueFd socket;  ///< IPv6, bound, with IPV6_RECVPKTINFO
    SocketAddress container;
  };

  /// A client that has neither sent nor got anything for `patience` is forgotten, as docker-proxy does.
  explicit DatagramRelay(Loop& loop, std::chrono::milliseconds patience = std::chrono::seconds{90});
  ~DatagramRelay();

  /// Serves these ports from now on, in place of those before, whose clients are forgotten.
  void listen(std::vector<Port> ports);
  /// Ends all.
  void stop() noexcept;
  /// Those sockets.
  [[nodiscard]] std::vector<FdRef> sockets() const;
  /// How many clients it knows.
  [[nodiscard]] std::size_t flows() const noexcept { return flows_.size(); }

 private:
  struct Listener;
  struct Client;
  struct Flow;

  void receive(const Listener& listener);
  Flow* flow_of(const Listener& listener, const Client& client);
  void use(Flow* flow);
  void answer(Flow& flow);
  void forget_idle();
  void set_timer(bool on) const;

  Loop& loop_;
  std::chrono::milliseconds patience_;
  UniqueFd timer_;
  std::unique_ptr<Watch> timer_watch_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::list<std::unique_ptr<Flow>> flows_;  ///< the one that was used last comes first
};

}  // namespace berth::shim

#include "shim/monitor/port_relay.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <functional>
#include <string_view>

#include "base/error.hpp"
#include "base/socket_address.hpp"

namespace berth::shim {
namespace {

/// IP6T_SO_ORIGINAL_DST of linux/netfilter_ipv6/ip6_tables.h, which no C++ compiler takes.
constexpr int original_destination = 80;

/// The port that the client connected to, before the kernel redirected it to the listener.
std::optional<std::uint16_t> meant_port(FdRef connection) {
  sockaddr_in6 address{};
  socklen_t size = sizeof address;
  if (::getsockopt(connection.get(), SOL_IPV6, original_destination, &address, &size) < 0) {
    size = sizeof address;  // it was not redirected
    if (::getsockname(connection.get(), reinterpret_cast<sockaddr*>(&address), &size) < 0) return std::nullopt;
  }
  return ntohs(address.sin6_port);
}

std::optional<SocketAddress> address_behind(std::uint16_t port, const std::vector<RelayTarget>& targets) {
  for (const auto& target : targets) {
    if (port < target.host_first || port > target.host_last) continue;
    const auto inside = static_cast<std::uint16_t>(target.container_first + (port - target.host_first));
    if (const auto address = find_ip(target.address)) return make_socket_address(*address, inside);
  }
  return std::nullopt;
}

/// A socket on its way there; empty if there is none.
UniqueFd begin_connect(const SocketAddress& address) {
  UniqueFd socket{::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!socket) return socket;
  const bool begun = ::connect(socket.get(), address.generic(), address.size) == 0;
  if (!begun && errno != EINPROGRESS) socket.reset();
  return socket;
}

void send_at_once(FdRef socket) {
  const int on = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

class PortRelay::Connection {
 public:
  Connection(Loop& loop, UniqueFd client, UniqueFd container, std::function<void()> ended)
      : loop_(loop),
        ended_(std::move(ended)),
        sides_{Side{loop, std::move(client), [this](std::uint32_t events) { ready(0, events); }},
               Side{loop, std::move(container), [this](std::uint32_t events) { ready(1, events); }}} {
    for (auto& side : sides_) send_at_once(side.socket);
    sides_[1].is_connecting = true;
    watch();
  }

 private:
  struct Side {
    Side(Loop& loop, UniqueFd connected, Watch::Ready ready)
        : socket(std::move(connected)), watch(loop, socket, std::move(ready)) {}
    UniqueFd socket;
    std::string unsent;          ///< to this side
    bool is_connecting = false;  ///< to the container
    bool has_ended = false;      ///< no more comes from it
    bool is_closed = false;      ///< no more goes to it
    Watch watch;
  };

  void ready(std::size_t index, std::uint32_t events) {
    if (is_done_) return;
    auto& side = sides_.at(index);
    auto& other = sides_.at(1 - index);
    side.is_connecting = false;  // or it has failed, which the first call says
    if ((events & EPOLLERR) != 0) {
      end_sending(side);
    } else if ((events & EPOLLOUT) != 0) {
      flush(side);
    }
    bool works = true;
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && !side.has_ended && other.unsent.empty()) {
      works = receive(side, other);
    }
    for (auto* from : {&side, &other}) {
      auto& to = from == &side ? other : side;
      if (!from->has_ended || to.is_closed || !to.unsent.empty()) continue;
      ::shutdown(to.socket.get(), SHUT_WR);
      to.is_closed = true;
    }
    if (!works || (side.is_closed && other.is_closed)) {
      is_done_ = true;
      for (auto& each : sides_) each.watch.clear();
      ended_();
    } else {
      watch();
    }
  }

  /// What cannot be sent on at once is kept, and no more is read until it is gone.
  bool receive(Side& from, Side& to) {
    const auto buffer = loop_.scratch();
    const auto count = ::recv(from.socket.get(), buffer.data(), buffer.size(), 0);
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    if (count == 0) {
      from.has_ended = true;
      return true;
    }
    if (to.is_closed) return true;
    to.unsent.assign(buffer.data(), static_cast<std::size_t>(count));
    if (!to.is_connecting) flush(to);
    return true;
  }

  /// Whoever takes no more may have answered before, and that is still to be read.
  static void end_sending(Side& side) {
    side.unsent.clear();
    side.is_closed = true;
  }

  static void flush(Side& side) {
    std::string_view rest = side.unsent;
    while (!rest.empty()) {
      const auto count = ::send(side.socket.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
      if (count >= 0) {
        rest.remove_prefix(static_cast<std::size_t>(count));
      } else if (errno == EAGAIN) {
        break;
      } else if (errno != EINTR) {
        return end_sending(side);
      }
    }
    side.unsent = std::string{rest};  // and not erase(): an idle connection keeps no memory
  }

  void watch() {
    for (std::size_t index = 0; index < sides_.size(); ++index) {
      auto& side = sides_.at(index);
      const bool reads = !side.has_ended && !side.is_connecting && sides_.at(1 - index).unsent.empty();
      const bool writes = side.is_connecting || !side.unsent.empty();
      if (reads || writes) {
        side.watch.set((reads ? EPOLLIN : 0U) | (writes ? EPOLLOUT : 0U));
      } else {
        side.watch.clear();  // a hang-up cannot be masked, and would be told again and again
      }
    }
  }

  Loop& loop_;
  std::function<void()> ended_;
  std::array<Side, 2> sides_;  ///< the client and the container
  bool is_done_ = false;
};

PortRelay::PortRelay(Loop& loop) : loop_(loop) {}
PortRelay::~PortRelay() = default;

void PortRelay::listen(UniqueFd listener, std::vector<RelayTarget> targets) {
  listener_watch_.reset();
  listener_ = std::move(listener);
  targets_ = std::move(targets);
  if (!listener_) return;
  listener_watch_ = std::make_unique<Watch>(loop_, listener_, [this](std::uint32_t) { accept(); });
  listener_watch_->set(EPOLLIN);
}

void PortRelay::stop() noexcept {
  listener_watch_.reset();
  listener_.reset();
  ended_.clear();
  connections_.clear();
}

void PortRelay::accept() {
  UniqueFd client{::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
  if (!client) {
    // Out of descriptors: those who wait get their turn when a connection ends.
    if (errno == EMFILE || errno == ENFILE) listener_watch_->clear();
    return;
  }
  const auto port = meant_port(client);
  const auto address = port ? address_behind(*port, targets_) : std::nullopt;
  auto container = address ? begin_connect(*address) : UniqueFd{};
  if (!container) return;
  const auto entry = connections_.emplace(connections_.end());
  *entry = std::make_unique<Connection>(loop_, std::move(client), std::move(container),
                                        [this, entry] { ended_.push_back(entry); });
}

void PortRelay::step() {
  if (ended_.empty()) return;
  for (const auto& entry : ended_) connections_.erase(entry);
  ended_.clear();
  if (listener_watch_) listener_watch_->set(EPOLLIN);
}

}  // namespace berth::shim

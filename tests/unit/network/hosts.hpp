// Hosts as network namespaces with links between them, servers and clients on them.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/file.hpp"
#include "base/ip.hpp"
#include "base/strings.hpp"
#include "linux/namespaces.hpp"
#include "netlink/netlink.hpp"

namespace berth::network::test {

/// A network namespace. What runs `in` it runs on a thread of its own.
class Host {
 public:
  Host() : namespace_(kernel::make_network_namespace()), socket_(netlink::Socket::in(namespace_)) {}

  void in(const std::function<void()>& action) const {
    std::exception_ptr failure;
    std::jthread{[&] {
      try {
        kernel::enter_namespace(namespace_, CLONE_NEWNET, "for a test");
        action();
      } catch (...) {
        failure = std::current_exception();
      }
    }}.join();
    if (failure) std::rethrow_exception(failure);
  }

  std::uint32_t index(const std::string& link) {
    const auto found = socket_.find_link(link);
    if (!found) throw Error{Kind::not_found, "no link {}", link};
    return found->index;
  }
  /// The end `name` of a pair whose other end is in `peer`; both are up.
  void connect(const std::string& name, Host& peer, const std::string& peer_name) {
    socket_.apply(netlink::Request{}.add_veth({.name = name, .up = true}, {.name = peer_name}, peer.namespace_));
    peer.socket_.apply(netlink::Request{}.change_link(peer.index(peer_name), {.up = true}));
  }
  void add_bridge(const std::string& name) { socket_.apply(netlink::Request{}.add_bridge({.name = name, .up = true})); }
  void add_port(const std::string& bridge, const std::string& port) {
    const auto number = index(port);
    socket_.apply(netlink::Request{}.change_link(number, {.master = index(bridge)}).set_hairpin(number, true));
  }
  void add_address(const std::string& link, const std::string& address) {
    socket_.apply(netlink::Request{}.add_address(index(link), parse_cidr(address)));
  }
  void add_default_route(const std::string& gateway) {
    socket_.apply(netlink::Request{}.add_default_route(parse_ip(gateway)));
  }
  void add_route(const std::string& destination, const std::string& gateway) {
    socket_.apply(netlink::Request{}.add_route({.destination = parse_cidr(destination), .gateway = parse_ip(gateway)}));
  }
  void set(const std::string& sysctl, const std::string& value) const {
    in([&] { write_file("/proc/sys/net/" + sysctl, value); });
  }
  [[nodiscard]] std::string get(const std::string& sysctl) const {
    std::string value;
    in([&] { value = std::string{trim(read_file("/proc/sys/net/" + sysctl))}; });
    return value;
  }

  [[nodiscard]] FdRef netns() const noexcept { return namespace_; }
  netlink::Socket& socket() { return socket_; }

 private:
  UniqueFd namespace_;
  netlink::Socket socket_;
};

struct SocketAddress {
  SocketAddress() = default;
  SocketAddress(const IpAddress& address, std::uint16_t port) {
    if (address.is_v6()) {
      v6.sin6_family = AF_INET6;
      v6.sin6_port = htons(port);
      std::memcpy(&v6.sin6_addr, address.bytes().data(), 16);
      length = sizeof v6;
    } else {
      v4.sin_family = AF_INET;
      v4.sin_port = htons(port);
      std::memcpy(&v4.sin_addr, address.bytes().data(), 4);
      length = sizeof v4;
    }
  }
  [[nodiscard]] IpAddress address() const {
    const auto* bytes = v4.sin_family == AF_INET6 ? reinterpret_cast<const std::uint8_t*>(&v6.sin6_addr)
                                                  : reinterpret_cast<const std::uint8_t*>(&v4.sin_addr);
    return IpAddress{std::span{bytes, v4.sin_family == AF_INET6 ? std::size_t{16} : std::size_t{4}}};
  }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(this); }

  union {
    sockaddr_in v4{};
    sockaddr_in6 v6;
  };
  socklen_t length = sizeof(sockaddr_in6);
};

inline UniqueFd open_socket(const Host& host, const IpAddress& address, bool udp) {
  UniqueFd socket;
  host.in([&] { socket.reset(::socket(address.family(), (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0)); });
  if (!socket) throw Error::from_errno(errno, "socket");
  return socket;
}

inline bool is_readable(FdRef socket, int milliseconds) {
  pollfd wait{.fd = socket.get(), .events = POLLIN, .revents = 0};
  return ::poll(&wait, 1, milliseconds) == 1;
}

/// A socket that is bound, and, but for UDP, listens.
inline UniqueFd listen(const Host& host, const std::string& address, std::uint16_t port, bool udp = false) {
  auto socket = open_socket(host, parse_ip(address), udp);
  SocketAddress own{parse_ip(address), port};
  const int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(socket.get(), own.get(), own.length) < 0) throw Error::from_errno(errno, "bind {}", port);
  if (!udp && ::listen(socket.get(), 64) < 0) throw Error::from_errno(errno, "listen on {}", port);
  return socket;
}

/// Answers every connection, or datagram, with its word and where that came from: "web 10.0.0.2".
class Server {
 public:
  Server(const Host& host, const std::string& address, std::uint16_t port, std::string word, bool udp = false)
      : socket_(listen(host, address, port, udp)), end_(make_eventfd()), word_(std::move(word)), udp_(udp) {
    thread_ = std::jthread{[this] { serve(); }};
  }
  ~Server() {
    const std::uint64_t one = 1;
    write_all(end_, {reinterpret_cast<const char*>(&one), sizeof one});
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

 private:
  void serve() {
    for (;;) {
      std::array<pollfd, 2> waits{{{socket_.get(), POLLIN, 0}, {end_.get(), POLLIN, 0}}};
      ::poll(waits.data(), waits.size(), -1);
      if (waits[1].revents != 0) return;
      SocketAddress peer;
      if (udp_) {
        std::array<char, 64> question{};
        ::recvfrom(socket_.get(), question.data(), question.size(), 0, peer.get(), &peer.length);
        const auto answer = word_ + " " + to_string(peer.address());
        ::sendto(socket_.get(), answer.data(), answer.size(), 0, peer.get(), peer.length);
      } else {
        const UniqueFd connection{::accept4(socket_.get(), peer.get(), &peer.length, SOCK_CLOEXEC)};
        const auto answer = word_ + " " + to_string(peer.address());
        if (connection) ::send(connection.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
      }
    }
  }

  UniqueFd socket_, end_;
  std::string word_;
  bool udp_;
  std::jthread thread_;
};

/// How long a client waits before it says that nobody is there: packets here take microseconds.
constexpr int patience = 400;

/// A connected socket; empty if nobody answers.
inline UniqueFd connect(const Host& host, const std::string& address, std::uint16_t port) {
  auto socket = open_socket(host, parse_ip(address), false);
  set_nonblocking(socket, true);
  SocketAddress to{parse_ip(address), port};
  if (::connect(socket.get(), to.get(), to.length) < 0 && errno != EINPROGRESS) return {};
  pollfd wait{.fd = socket.get(), .events = POLLOUT, .revents = 0};
  if (::poll(&wait, 1, patience) != 1) return {};
  int error = 0;
  socklen_t length = sizeof error;
  ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &length);
  if (error != 0) return {};
  return socket;
}

/// What a server answers to a client on this host; "nobody" if it cannot be reached.
inline std::string ask(const Host& host, const std::string& address, std::uint16_t port, bool udp = false) {
  UniqueFd socket;
  if (udp) {
    socket = open_socket(host, parse_ip(address), true);
    SocketAddress to{parse_ip(address), port};
    if (::connect(socket.get(), to.get(), to.length) < 0 || ::send(socket.get(), "?", 1, 0) < 0) return "nobody";
  } else {
    socket = connect(host, address, port);
  }
  if (!socket || !is_readable(socket, patience)) return "nobody";
  std::array<char, 128> answer{};
  const auto count = ::recv(socket.get(), answer.data(), answer.size(), 0);
  return count <= 0 ? "nobody" : std::string{answer.data(), static_cast<std::size_t>(count)};
}

}  // namespace berth::network::test

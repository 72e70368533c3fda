// A server on loopback with one sandbox, and name servers for it to ask.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/guarded.hpp"
#include "dns/dns.hpp"
#include "wire.hpp"

namespace berth::dns::test {

using namespace std::chrono_literals;

inline sockaddr_in loopback(unsigned last, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(0x7f000000U + last);
  return address;
}

inline UniqueFd make_socket(int type, const sockaddr_in& address) {
  UniqueFd socket{::socket(AF_INET, type | SOCK_CLOEXEC, 0)};
  const int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) return {};
  if (type == SOCK_STREAM) ::listen(socket.get(), 128);
  return socket;
}

inline std::uint16_t port_of(FdRef socket) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

/// Both sockets on one port.
inline Sockets make_sockets(unsigned last = 1, std::uint16_t port = 0) {
  for (int i = 0; i < 100; ++i) {
    Sockets sockets{.udp = make_socket(SOCK_DGRAM, loopback(last, port)), .tcp = {}};
    if (sockets.udp) sockets.tcp = make_socket(SOCK_STREAM, loopback(last, port_of(sockets.udp)));
    if (sockets.tcp) return sockets;
  }
  throw Error{Kind::internal, "no port is free"};
}

inline bool wait_readable(FdRef fd, std::chrono::milliseconds longest) {
  pollfd wanted{.fd = fd.get(), .events = POLLIN, .revents = 0};
  return ::poll(&wanted, 1, static_cast<int>(longest.count())) > 0;
}

inline std::string receive(FdRef socket) {
  std::string buffer(65536, '\0');
  const auto size = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
  buffer.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return buffer;
}

/// Asks again and again for at most five seconds.
inline bool eventually(const std::function<bool()>& holds) {
  const auto deadline = std::chrono::steady_clock::now() + 5s;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
  }
  return true;
}

/// A name server on 127.0.0.<last>.
class FakeUpstream {
 public:
  /// What it answers; nothing: it is silent.
  using Answer = std::function<std::optional<std::string>(const std::string& query, bool tcp)>;

  explicit FakeUpstream(Answer answer, unsigned last = 1, std::uint16_t port = 0)
      : answer_(std::move(answer)), sockets_(make_sockets(last, port)), port_(port_of(sockets_.udp)) {
    thread_ = std::jthread{[this](const std::stop_token& stop) { run(stop); }};
  }
  ~FakeUpstream() {
    thread_.request_stop();
    thread_.join();
  }

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] int asked() const { return asked_; }
  [[nodiscard]] std::set<std::uint16_t> ids() const {
    return ids_.with([](const auto& ids) { return ids; });
  }
  [[nodiscard]] std::set<std::uint16_t> ports() const {
    return ports_.with([](const auto& ports) { return ports; });
  }

 private:
  void run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      std::array<pollfd, 2> wanted{{{sockets_.udp.get(), POLLIN, 0}, {sockets_.tcp.get(), POLLIN, 0}}};
      ::poll(wanted.data(), wanted.size(), 20);
      if ((wanted[0].revents & POLLIN) != 0) serve_udp();
      if ((wanted[1].revents & POLLIN) != 0) serve_tcp();
    }
  }
  std::optional<std::string> note_and_answer(const std::string& query, bool tcp) {
    ids_.with([&](auto& ids) { ids.insert(static_cast<std::uint16_t>(query[0] << 8 | (query[1] & 0xff))); });
    ++asked_;
    return answer_(query, tcp);
  }
  void serve_udp() {
    std::string buffer(65536, '\0');
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    const auto count =
        ::recvfrom(sockets_.udp.get(), buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&peer), &size);
    if (count <= 0) return;
    buffer.resize(static_cast<std::size_t>(count));
    ports_.with([&](auto& ports) { ports.insert(ntohs(peer.sin_port)); });
    if (const auto answer = note_and_answer(buffer, false))
      ::sendto(sockets_.udp.get(), answer->data(), answer->size(), 0, reinterpret_cast<sockaddr*>(&peer), size);
  }
  void serve_tcp() {
    UniqueFd connection{::accept(sockets_.tcp.get(), nullptr, nullptr)};
    const auto framed = receive(connection);
    if (framed.size() < 3) return;
    if (const auto answer = note_and_answer(framed.substr(2), true))
      write_all(connection, number(static_cast<unsigned>(answer->size())) + *answer);
    else
      silent_.push_back(std::move(connection));
  }

  Answer answer_;
  Sockets sockets_;
  std::uint16_t port_;
  std::atomic<int> asked_ = 0;
  std::vector<UniqueFd> silent_;  ///< connections without an answer
  Guarded<std::set<std::uint16_t>> ids_;
  Guarded<std::set<std::uint16_t>> ports_;
  std::jthread thread_;
};

inline FakeUpstream::Answer address_answer(unsigned last_byte, unsigned ttl = 300) {
  return [=](const std::string& query, bool) -> std::optional<std::string> {
    return answer_to(query, {{.ttl = ttl, .content = v4(192, 0, 2, last_byte)}});
  };
}

inline FakeUpstream::Answer code_answer(unsigned code) {
  return [=](const std::string& query, bool) -> std::optional<std::string> {
    return answer_to(query, {}, code, 0x8180, 10);
  };
}

inline const FakeUpstream::Answer silence = [](const std::string&, bool) { return std::nullopt; };

/// web has two addresses of version 4, many has a hundred, broken throws.
class FixedZone : public Zone {
 public:
  [[nodiscard]] std::optional<std::vector<IpAddress>> find_addresses(std::string_view name, bool v6) const override {
    if (name == "broken") throw Error{Kind::internal, "the zone is broken"};
    if (name == "many") {
      std::vector<IpAddress> all;
      for (std::uint32_t i = 0; i < 100 && !v6; ++i) all.push_back(IpAddress::v4(0x0a000001 + i));
      return all;
    }
    if (name != "web" && name != "web.mynet") return std::nullopt;
    if (v6) return std::vector<IpAddress>{};
    return std::vector{parse_ip("172.18.0.2"), parse_ip("172.18.0.3")};
  }
  [[nodiscard]] std::optional<std::string> find_name(const IpAddress& address) const override {
    return address == parse_ip("172.18.0.2") ? std::optional<std::string>{"web.mynet"} : std::nullopt;
  }
};

/// A server on loopback, its settings quick.
class DnsServer : public testing::Test {
 protected:
  DnsServer() : directory_(fs::temp_directory_path(), "berth-dns-test-") {
    settings_.host_resolv_conf = directory_.path() / "resolv.conf";
    settings_.patience = 200ms;
    settings_.give_up = 800ms;
    write_host("nameserver 127.0.0.1\n");
  }

  void write_host(const std::string& text) { replace_file(settings_.host_resolv_conf, text, 0644, false); }

  /// A server with one sandbox.
  void start(std::uint16_t upstream_port, Upstreams upstreams = {}) {
    settings_.upstream_port = upstream_port;
    server_.emplace(settings_);
    auto sockets = make_sockets();
    port_ = port_of(sockets.udp);
    server_->add("web", std::move(sockets), std::make_shared<FixedZone>(), std::move(upstreams));
  }

  [[nodiscard]] UniqueFd connect(int type) const {
    UniqueFd socket{::socket(AF_INET, type | SOCK_CLOEXEC, 0)};
    const auto address = loopback(1, port_);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0)
      throw Error::from_errno(errno, "connect");
    return socket;
  }

  /// Empty if there is none within three seconds.
  [[nodiscard]] std::string ask_bytes(const std::string& query) const {
    const auto socket = connect(SOCK_DGRAM);
    write_all(socket, query);
    return wait_readable(socket, 3s) ? receive(socket) : "";
  }
  [[nodiscard]] std::string ask(const std::string& name, const Asked& asked = {}) const {
    return ask_bytes(query(name, asked));
  }

  [[nodiscard]] static std::string receive_framed(FdRef socket) {
    std::string received;
    while (wait_readable(socket, 3s)) {
      const auto more = receive(socket);
      if (more.empty()) break;
      received += more;
      if (received.size() >= 2 &&
          received.size() >= 2 + (static_cast<std::size_t>(static_cast<std::uint8_t>(received[0])) << 8U |
                                  static_cast<std::uint8_t>(received[1]))) {
        break;
      }
    }
    return received.size() < 2 ? "" : received.substr(2);
  }
  [[nodiscard]] static std::string framed(const std::string& message) {
    return number(static_cast<unsigned>(message.size())) + message;
  }
  [[nodiscard]] std::string ask_tcp(const std::string& name, const Asked& asked = {}) const {
    const auto socket = connect(SOCK_STREAM);
    write_all(socket, framed(query(name, asked)));
    return receive_framed(socket);
  }

  TempDir directory_;
  Settings settings_;
  std::optional<Server> server_;
  std::uint16_t port_ = 0;
};

}  // namespace berth::dns::test

#include "network/sandbox_dns.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <exception>
#include <functional>
#include <thread>

#include "base/error.hpp"
#include "linux/namespaces.hpp"

namespace berth::network {
namespace {

constexpr std::uint32_t resolver = 0x7f00000b;
constexpr std::uint32_t loopback = 0x7f000001;
constexpr std::uint32_t any = 0;

sockaddr_in address(std::uint32_t number, std::uint16_t port) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(port);
  name.sin_addr.s_addr = htonl(number);
  return name;
}

UniqueFd bound(int type, const sockaddr_in& name) {
  UniqueFd socket{::socket(AF_INET, type | SOCK_CLOEXEC, 0)};
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) < 0)
    throw Error::from_errno(errno, "bind");
  if (type == SOCK_STREAM) ::listen(socket.get(), 8);
  return socket;
}

UniqueFd connected(int type, const sockaddr_in& name) {
  UniqueFd socket{::socket(AF_INET, type | SOCK_CLOEXEC, 0)};
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) < 0)
    throw Error::from_errno(errno, "connect");
  return socket;
}

std::string receive(FdRef socket) {
  pollfd wanted{.fd = socket.get(), .events = POLLIN, .revents = 0};
  if (::poll(&wanted, 1, 3000) <= 0) return "nothing came";
  std::string buffer(256, '\0');
  return buffer.substr(0, read_some(socket, buffer));
}

/// Sends back what has come first, backwards.
void answer_datagram(FdRef socket) {
  pollfd wanted{.fd = socket.get(), .events = POLLIN, .revents = 0};
  if (::poll(&wanted, 1, 3000) <= 0) throw Error{Kind::internal, "no query came"};
  std::string buffer(256, '\0');
  sockaddr_in peer{};
  socklen_t size = sizeof peer;
  const auto count =
      ::recvfrom(socket.get(), buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&peer), &size);
  if (count < 0) throw Error::from_errno(errno, "receive");
  const std::string answer{buffer.rend() - count, buffer.rend()};
  ::sendto(socket.get(), answer.data(), answer.size(), 0, reinterpret_cast<const sockaddr*>(&peer), size);
}

class SandboxDns : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to make network namespaces";
    netns_ = kernel::make_network_namespace();
  }

  /// As a program in the container does it.
  void inside(const std::function<void()>& function) const {
    std::exception_ptr failure;
    std::jthread{[&] {
      try {
        kernel::enter_namespace(netns_, CLONE_NEWNET, "for a test");
        function();
      } catch (...) {
        failure = std::current_exception();
      }
    }}.join();
    if (failure) std::rethrow_exception(failure);
  }

  UniqueFd netns_;
};

TEST_F(SandboxDns, QueriesToPort53ComeToTheSocketsAndAnswersFromPort53) {
  const auto opened = open_resolver_sockets(netns_);
  EXPECT_NE(opened.ports.udp, 0);
  EXPECT_NE(opened.ports.tcp, 0);
  inside([&] {
    const auto udp = connected(SOCK_DGRAM, address(resolver, 53));
    write_all(udp, "abc");
    answer_datagram(opened.sockets.udp);
    EXPECT_EQ(receive(udp), "cba");

    const auto tcp = connected(SOCK_STREAM, address(resolver, 53));
    write_all(tcp, "question");
    const UniqueFd accepted{::accept(opened.sockets.tcp.get(), nullptr, nullptr)};
    EXPECT_EQ(receive(accepted), "question");
    write_all(accepted, "answer");
    EXPECT_EQ(receive(tcp), "answer");
  });
}

TEST_F(SandboxDns, Port53IsFreeForPrograms) {
  const auto opened = open_resolver_sockets(netns_);
  inside([&] {
    const auto own_udp = bound(SOCK_DGRAM, address(any, 53));
    const auto own_tcp = bound(SOCK_STREAM, address(any, 53));
    const auto to_own = connected(SOCK_DGRAM, address(loopback, 53));
    write_all(to_own, "own");
    EXPECT_EQ(receive(own_udp), "own");
    const auto to_resolver = connected(SOCK_DGRAM, address(resolver, 53));
    write_all(to_resolver, "abc");
    answer_datagram(opened.sockets.udp);
    EXPECT_EQ(receive(to_resolver), "cba");
  });
}

TEST_F(SandboxDns, NothingIsTracked) {
  const auto opened = open_resolver_sockets(netns_);
  inside([&] {
    const auto udp = connected(SOCK_DGRAM, address(resolver, 53));
    write_all(udp, "abc");
    EXPECT_EQ(receive(opened.sockets.udp), "abc");
    const UniqueFd counter{::open("/proc/thread-self/net/stat/nf_conntrack", O_RDONLY | O_CLOEXEC)};
    if (!counter) GTEST_SKIP() << "this kernel does not tell how many connections it tracks";
    const auto text = read_to_end(counter, 1 << 20);
    EXPECT_TRUE(text.substr(text.find('\n') + 1).starts_with("00000000")) << text;
  });
}

TEST_F(SandboxDns, AreOpenedAgainOnTheSamePorts) {
  ResolverPorts ports;
  {
    const auto opened = open_resolver_sockets(netns_);
    ports = opened.ports;
    inside([&] {
      const auto tcp = connected(SOCK_STREAM, address(resolver, 53));
      const UniqueFd accepted{::accept(opened.sockets.tcp.get(), nullptr, nullptr)};
      EXPECT_TRUE(accepted);
    });
  }
  const auto again = open_resolver_sockets(netns_, ports);
  EXPECT_EQ(again.ports, ports);
  inside([&] {
    const auto udp = connected(SOCK_DGRAM, address(resolver, 53));
    write_all(udp, "abc");
    answer_datagram(again.sockets.udp);
    EXPECT_EQ(receive(udp), "cba");
  });
}

TEST_F(SandboxDns, AreOpenedOnOtherPortsIfAProgramHasTheOldOnes) {
  auto ports = open_resolver_sockets(netns_).ports;
  inside([&] {
    const auto thief = bound(SOCK_DGRAM, address(any, ports.udp));
    const auto again = open_resolver_sockets(netns_, ports);
    EXPECT_NE(again.ports.udp, ports.udp);
    EXPECT_EQ(again.ports.tcp, ports.tcp);
    const auto udp = connected(SOCK_DGRAM, address(resolver, 53));
    write_all(udp, "abc");
    answer_datagram(again.sockets.udp);
    EXPECT_EQ(receive(udp), "cba");
  });
}

}  // namespace
}  // namespace berth::network

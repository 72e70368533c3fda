#include "shim/monitor/port_relay.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <string>

#include "base/error.hpp"

namespace berth::shim {
namespace {

using std::chrono::milliseconds;

UniqueFd listen_on(int family) {
  UniqueFd socket{::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_addr = in6addr_loopback;
  const auto* address =
      family == AF_INET ? reinterpret_cast<const sockaddr*>(&v4) : reinterpret_cast<const sockaddr*>(&v6);
  EXPECT_EQ(::bind(socket.get(), address, family == AF_INET ? sizeof v4 : sizeof v6), 0);
  EXPECT_EQ(::listen(socket.get(), 16), 0);
  return socket;
}

std::uint16_t port_of(FdRef socket) {
  sockaddr_in6 address{};  // the port is at the same place in both families
  socklen_t size = sizeof address;
  ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin6_port);
}

/// A relay in front of a server of IPv4; the test plays the client, the server and the loop.
struct PortRelayTest : testing::Test {
  Loop loop;
  PortRelay relay{loop};
  UniqueFd server = listen_on(AF_INET);
  std::uint16_t port = 0;

  void relay_to(std::uint16_t container_port, int host_offset = 0) {
    auto listener = listen_on(AF_INET6);
    port = port_of(listener);
    const auto meant = static_cast<std::uint16_t>(port + host_offset);
    relay.listen(std::move(listener), {{meant, meant, "127.0.0.1", container_port}});
  }

  void run(milliseconds patience = milliseconds{20}) {
    while (loop.run_once(patience)) relay.step();
  }

  UniqueFd connect() {
    UniqueFd socket{::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_loopback;
    address.sin6_port = htons(port);
    EXPECT_EQ(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    run();
    return socket;
  }

  UniqueFd accepted() { return UniqueFd{::accept4(server.get(), nullptr, nullptr, SOCK_CLOEXEC)}; }

  /// What has arrived; empty at the end of the connection.
  std::optional<std::string> receive(FdRef socket, milliseconds patience = milliseconds{20}) {
    run(patience);
    std::array<char, 64 << 10> bytes;
    const auto count = ::recv(socket.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    return count < 0 ? std::nullopt : std::optional{std::string(bytes.data(), static_cast<std::size_t>(count))};
  }
};

TEST_F(PortRelayTest, BytesGoBothWays) {
  relay_to(port_of(server));
  const auto client = connect();
  const auto container = accepted();
  ASSERT_TRUE(container);
  ::send(client.get(), "ask", 3, 0);
  EXPECT_EQ(receive(container), "ask");
  ::send(container.get(), "answer", 6, 0);
  EXPECT_EQ(receive(client), "answer");
}

TEST_F(PortRelayTest, TheEndOfOneDirectionLeavesTheOther) {
  relay_to(port_of(server));
  const auto client = connect();
  const auto container = accepted();
  ASSERT_TRUE(container);
  ::shutdown(client.get(), SHUT_WR);
  EXPECT_EQ(receive(container), "");
  ::send(container.get(), "late", 4, 0);
  EXPECT_EQ(receive(client), "late");
  ::shutdown(container.get(), SHUT_WR);
  EXPECT_EQ(receive(client), "");
}

TEST_F(PortRelayTest, AnswerOfAContainerThatClosesWithoutReadingArrives) {
  relay_to(port_of(server));
  for (const bool asked_before : {true, false}) {
    const auto client = connect();
    auto container = accepted();
    ASSERT_TRUE(container);
    if (asked_before) {
      ::send(client.get(), "ask", 3, 0);
      run();
    }
    ::send(container.get(), "answer", 6, 0);
    container.reset();
    if (!asked_before) ::send(client.get(), "ask", 3, 0);
    EXPECT_EQ(receive(client), "answer");
    EXPECT_EQ(receive(client).value_or(""), "");
  }
}

TEST_F(PortRelayTest, ASlowReaderLosesNothing) {
  relay_to(port_of(server));
  const auto client = connect();
  const auto container = accepted();
  ASSERT_TRUE(container);
  const std::string block(64U << 10U, 'x');
  std::size_t sent = 0;
  for (int round = 0; round < 200; ++round) {
    const auto count = ::send(client.get(), block.data(), block.size(), MSG_DONTWAIT);
    if (count > 0) sent += static_cast<std::size_t>(count);
    run(milliseconds{0});
  }
  ::shutdown(client.get(), SHUT_WR);
  std::size_t received = 0;
  for (;;) {
    const auto bytes = receive(container, milliseconds{0});
    if (bytes && bytes->empty()) break;
    if (bytes) received += bytes->size();
  }
  EXPECT_GT(sent, 1U << 20U);  // more than the sockets' own buffers hold at first
  EXPECT_EQ(received, sent);
}

TEST_F(PortRelayTest, ConnectionsThatWereMeantForNoTargetAreClosed) {
  relay_to(port_of(server), 1);
  const auto client = connect();
  EXPECT_FALSE(accepted());
  EXPECT_EQ(receive(client), "");
}

TEST_F(PortRelayTest, AContainerThatDoesNotListenEndsTheConnection) {
  const auto free = port_of(listen_on(AF_INET));
  relay_to(free);
  const auto client = connect();
  EXPECT_EQ(receive(client).value_or(""), "");
}

TEST_F(PortRelayTest, StopEndsWhatIsThere) {
  relay_to(port_of(server));
  const auto client = connect();
  const auto container = accepted();
  ASSERT_TRUE(container);
  relay.stop();
  EXPECT_EQ(receive(client), "");
  EXPECT_EQ(receive(container), "");
}

TEST_F(PortRelayTest, AnotherListenerLeavesConnectionsAsTheyAre) {
  relay_to(port_of(server));
  const auto client = connect();
  const auto container = accepted();
  ASSERT_TRUE(container);
  relay.listen(UniqueFd{}, {});
  ::send(client.get(), "ask", 3, 0);
  EXPECT_EQ(receive(container), "ask");
}

}  // namespace
}  // namespace berth::shim

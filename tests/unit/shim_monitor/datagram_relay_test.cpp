#include "shim/monitor/datagram_relay.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <optional>
#include <string>

#include "base/ip.hpp"

namespace berth::shim {
namespace {

using std::chrono::milliseconds;

UniqueFd bind_at(const char* address, std::uint16_t port = 0) {
  const auto name = make_socket_address(parse_ip(address), port);
  UniqueFd socket{::socket(name.storage.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  const int on = 1;
  if (name.storage.ss_family == AF_INET6) ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
  EXPECT_EQ(::bind(socket.get(), name.generic(), name.size), 0);
  return socket;
}

std::uint16_t port_of(FdRef socket) {
  return find_bound_port(socket).value_or(0);
}

/// A relay in front of a server of IPv4; the test plays clients, server and loop.
struct DatagramRelayTest : testing::Test {
  Loop loop;
  UniqueFd server = bind_at("127.0.0.1");
  std::uint16_t port = 0;

  void serve(DatagramRelay& relay) {
    auto socket = bind_at("::");
    port = port_of(socket);
    std::vector<DatagramRelay::Port> ports;
    ports.push_back({std::move(socket), make_socket_address(parse_ip("127.0.0.1"), port_of(server))});
    relay.listen(std::move(ports));
  }

  void run() {
    while (loop.run_once(milliseconds{20})) {
    }
  }

  UniqueFd client() const {
    auto socket = bind_at("::1");
    const auto name = make_socket_address(parse_ip("::1"), port);
    EXPECT_EQ(::connect(socket.get(), name.generic(), name.size), 0);  // takes answers from nowhere else
    return socket;
  }

  void send(FdRef socket, std::string_view text) {
    EXPECT_EQ(::send(socket.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
    run();
  }

  struct Datagram {
    std::string text;
    SocketAddress from;
  };

  static std::optional<Datagram> receive(FdRef socket) {
    Datagram got;
    std::array<char, 64 << 10> bytes;
    got.from.size = sizeof got.from.storage;
    const auto size = ::recvfrom(socket.get(), bytes.data(), bytes.size(), MSG_DONTWAIT,
                                 reinterpret_cast<sockaddr*>(&got.from.storage), &got.from.size);
    if (size < 0) return std::nullopt;
    got.text.assign(bytes.data(), static_cast<std::size_t>(size));
    return got;
  }

  void answer(const Datagram& question, std::string_view text) {
    ::sendto(server.get(), text.data(), text.size(), 0, question.from.generic(), question.from.size);
    run();
  }
};

TEST_F(DatagramRelayTest, EachClientGetsItsOwnAnswers) {
  DatagramRelay relay{loop};
  serve(relay);
  const auto one = client();
  const auto two = client();
  send(one, "one");
  send(two, "two");
  const auto first = receive(server);
  const auto second = receive(server);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->text, "one");
  EXPECT_EQ(relay.flows(), 2U);
  answer(*second, "to two");
  answer(*first, "to one");
  EXPECT_EQ(receive(one)->text, "to one");
  EXPECT_EQ(receive(two)->text, "to two");
  send(one, "again");
  EXPECT_EQ(receive(server)->text, "again");
  EXPECT_EQ(relay.flows(), 2U);
}

TEST_F(DatagramRelayTest, LargeAndEmptyDatagramsArePassedOnWhole) {
  DatagramRelay relay{loop};
  serve(relay);
  const auto socket = client();
  const std::string large(60'000, 'x');
  send(socket, large);
  const auto question = receive(server);
  ASSERT_TRUE(question);
  EXPECT_EQ(question->text, large);
  answer(*question, large);
  EXPECT_EQ(receive(socket)->text, large);
  send(socket, "");
  EXPECT_EQ(receive(server)->text, "");
}

TEST_F(DatagramRelayTest, ARefusedDatagramDoesNotTakeTheNextOneWithIt) {
  DatagramRelay relay{loop};
  serve(relay);
  const auto number = port_of(server);
  server.reset();
  const auto socket = client();
  EXPECT_EQ(::send(socket.get(), "nobody", 6, 0), 6);
  EXPECT_TRUE(loop.run_once(milliseconds{1000}));  // passed on; that it was refused waits to be heard
  server = bind_at("127.0.0.1", number);
  send(socket, "somebody");
  const auto got = receive(server);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->text, "somebody");
}

TEST_F(DatagramRelayTest, SilentClientsAreForgotten) {
  DatagramRelay relay{loop, milliseconds{5}};
  serve(relay);
  const auto socket = client();
  send(socket, "once");
  while (relay.flows() > 0) ASSERT_TRUE(loop.run_once(milliseconds{10'000}));
  EXPECT_FALSE(loop.run_once(milliseconds{20})) << "nothing ticks without clients";
  send(socket, "again");
  EXPECT_EQ(receive(server)->text, "once");
  EXPECT_EQ(receive(server)->text, "again");
}

TEST_F(DatagramRelayTest, AnswersKeepAClient) {
  DatagramRelay relay{loop, milliseconds{200}};
  serve(relay);
  const auto socket = client();
  send(socket, "subscribe");
  const auto question = receive(server);
  ASSERT_TRUE(question);
  const auto end = std::chrono::steady_clock::now() + milliseconds{700};
  while (std::chrono::steady_clock::now() < end) answer(*question, "news");  // each takes 20 ms at least
  EXPECT_EQ(relay.flows(), 1U);
}

TEST_F(DatagramRelayTest, ThereIsABoundToClients) {
  DatagramRelay relay{loop};
  serve(relay);
  for (int number = 0; number < 600; ++number) {
    const auto socket = client();
    ::send(socket.get(), "x", 1, 0);
    loop.run_once(milliseconds{20});
  }
  run();
  EXPECT_EQ(relay.flows(), 512U);
}

TEST_F(DatagramRelayTest, StoppedItGivesThePortBack) {
  DatagramRelay relay{loop};
  serve(relay);
  send(client(), "x");
  relay.stop();
  EXPECT_EQ(relay.flows(), 0U);
  EXPECT_EQ(port_of(bind_at("::", port)), port);
}

}  // namespace
}  // namespace berth::shim

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <thread>

#include "base/socket_address.hpp"
#include "fixture.hpp"

namespace berth::network {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class PublishTest : public NetworkTest {
 protected:
  Connections publish(Sandbox& sandbox, const std::string& network, std::uint16_t host_port,
                      const std::string& id = "c1") {
    const PortRequest port{
        .container_first = 80, .container_last = 80, .host_first = host_port, .host_last = host_port};
    return networks_->join(sandbox, {member(id), {{network, {}}}, {port}, {}});
  }
};

PortRequest datagram_ports(unsigned container_first, unsigned host_first, unsigned count,
                           std::optional<IpAddress> host_address = {}) {
  const auto number = [](unsigned port) { return static_cast<std::uint16_t>(port); };
  return {.protocol = Protocol::udp,
          .container_first = number(container_first),
          .container_last = number(container_first + count - 1),
          .host_address = host_address,
          .host_first = number(host_first),
          .host_last = number(host_first + count - 1)};
}

TEST_F(PublishTest, PortIsRecordedAndTakenUntilTheContainerLeaves) {
  auto sandbox = networks_->take_sandbox({});
  const auto ports = publish(sandbox, "bridge", 8080).publications;
  ASSERT_EQ(ports.size(), 2U);
  EXPECT_EQ(ports[0].host_first, 8080);
  EXPECT_EQ(to_string(ports[0].host_address), "0.0.0.0");
  EXPECT_EQ(to_string(ports[1].host_address), "::");
  start();
  auto other = networks_->take_sandbox({});
  EXPECT_THAT(failure_of([&] { publish(other, "bridge", 8080, "c2"); }),
              HasSubstr("Bind for 0.0.0.0:8080 failed: port is already allocated"));
  EXPECT_FALSE(networks_->connections("c2"));
  networks_->leave("c1");
  EXPECT_EQ(publish(other, "bridge", 8080, "c2").publications[0].host_first, 8080);
}

TEST_F(PublishTest, WhatComesByIpv6IsLeftToARelay) {
  auto sandbox = networks_->take_sandbox({});
  const auto v4 = publish(sandbox, "bridge", 8080).endpoints.front().v4.value().address;
  ASSERT_TRUE(sandbox.relay);
  EXPECT_TRUE(sandbox.relay->listener);
  ASSERT_EQ(sandbox.relay->publications.size(), 1U);
  const auto& publication = sandbox.relay->publications.front();
  EXPECT_EQ(publication.host_first, 8080);
  EXPECT_EQ(publication.container, v4);
  EXPECT_NE(publication.relay, 0);
}

TEST_F(PublishTest, DatagramPortsHaveASocketEach) {
  const auto join = [&](Sandbox& sandbox, std::uint16_t count) {
    const auto ports = datagram_ports(5000, 15000, count);
    return networks_->join(sandbox, {member("c1"), {{"bridge", {}}}, {ports}, {}}).publications;
  };
  auto sandbox = networks_->take_sandbox({});
  EXPECT_EQ(join(sandbox, 2).size(), 2U);
  ASSERT_TRUE(sandbox.relay);
  EXPECT_FALSE(sandbox.relay->listener);
  ASSERT_EQ(sandbox.relay->datagrams.size(), 2U);
  EXPECT_EQ(find_bound_port(sandbox.relay->datagrams[1].socket), 15001);
  EXPECT_EQ(sandbox.relay->datagrams[1].port, 5001);
  networks_->leave("c1");
  sandbox.relay.reset();
  auto next = networks_->take_sandbox({});
  const auto many = join(next, max_relayed_datagram_ports + 1);
  ASSERT_EQ(many.size(), 1U) << "more than are relayed: IPv4 alone";
  EXPECT_FALSE(many[0].host_address.is_v6());
  EXPECT_FALSE(next.relay);
}

TEST_F(PublishTest, NobodyElseTakesADatagramPortOver) {
  auto sandbox = networks_->take_sandbox({});
  const auto port = datagram_ports(53, 15353, 1, parse_ip("::1"));
  networks_->join(sandbox, {member("c1"), {{"bridge", {}}}, {port}, {}});
  ASSERT_TRUE(sandbox.relay);
  const auto name = make_socket_address(parse_ip("::1"), 15353);
  const auto bind = [&](int option) {
    const UniqueFd thief{::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    const int on = 1;
    ::setsockopt(thief.get(), SOL_SOCKET, option, &on, sizeof on);
    return ::bind(thief.get(), name.generic(), name.size) == 0 ? 0 : errno;
  };
  EXPECT_EQ(bind(SO_REUSEADDR), EADDRINUSE);
  int as_nobody = 0;
  std::thread{[&] {
    ::syscall(SYS_setresuid, 65534, 65534, 65534);  // of this thread alone
    as_nobody = bind(SO_REUSEPORT);
  }}.join();
  EXPECT_EQ(as_nobody, EADDRINUSE);
}

TEST_F(PublishTest, PortsThatCannotBeRelayedAreFreeAgain) {
  const auto ports = datagram_ports(5000, 15000, max_relayed_datagram_ports, parse_ip("::1"));
  auto sandbox = networks_->take_sandbox({});
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const auto free = static_cast<rlim_t>(UniqueFd{::dup(STDOUT_FILENO)}.get());
  const rlimit few{free + 10, before.rlim_max};  // enough to look at ports one by one, and not for all their sockets
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  const auto failure = failure_of([&] { networks_->join(sandbox, {member("c1"), {{"bridge", {}}}, {ports}, {}}); });
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_THAT(failure, HasSubstr("listen for datagrams at [::1]:150"));
  auto next = networks_->take_sandbox({});
  networks_->join(next, {member("c1"), {{"bridge", {}}}, {ports}, {}});
  ASSERT_TRUE(next.relay);
  EXPECT_EQ(next.relay->datagrams.size(), max_relayed_datagram_ports);
}

TEST_F(PublishTest, MoreDatagramPortsAtAnIpv6AddressThanAreRelayedAreRefused) {
  auto sandbox = networks_->take_sandbox({});
  const auto ports = datagram_ports(5000, 15000, 16, parse_ip("::1"));
  EXPECT_THAT(failure_of([&] {
                networks_->join(sandbox, {member("c1"), {{"bridge", {}}}, {ports}, {}});
              }),
              HasSubstr("no more than 15 UDP ports"));
}

TEST_F(PublishTest, RelayThatNobodyTookIsMadeAnew) {
  auto sandbox = networks_->take_sandbox({});
  publish(sandbox, "bridge", 8080);
  std::vector<UniqueFd> served;
  served.push_back(std::move(sandbox.relay->listener));
  sandbox.relay.reset();
  networks_->restore_relay(sandbox, "c1", served);
  EXPECT_FALSE(sandbox.relay) << "it is served";
  const auto port = networks_->connections("c1")->publications[1].relay;
  networks_->restore_relay(sandbox, "c1", {});
  ASSERT_TRUE(sandbox.relay);
  EXPECT_NE(networks_->connections("c1")->publications[1].relay, port);
}

TEST_F(PublishTest, PortsMoveWithTheDefaultRoute) {
  create("a", "10.1.0.0/24");
  auto sandbox = networks_->take_sandbox({});
  publish(sandbox, "bridge", 8080);
  networks_->connect(sandbox, member(), {"a", {}});  // "a" sorts before "bridge"
  EXPECT_THAT(default_gateways(sandbox.socket()), ElementsAre("10.1.0.1"));
  EXPECT_EQ(networks_->connections("c1")->publications[0].host_first, 8080);
  networks_->disconnect(&sandbox, "c1", "a");
  EXPECT_EQ(networks_->connections("c1")->publications[0].host_first, 8080);
  networks_->disconnect(&sandbox, "c1", "bridge");
  EXPECT_THAT(networks_->connections("c1")->publications, IsEmpty());
  auto other = networks_->take_sandbox({});
  EXPECT_THAT(failure_of([&] { publish(other, "a", 8080, "c2"); }), HasSubstr("port is already allocated"));
  sandbox.relay.reset();  // handed over
  other = networks_->take_sandbox({});
  EXPECT_EQ(publish(other, "a", 8080, "c2").publications[0].host_first, 8080);
}

TEST_F(PublishTest, InternalNetworkPublishesNothing) {
  CreateRequest request{.Name = "inside", .Internal = true};
  create(request);
  auto sandbox = networks_->take_sandbox({});
  EXPECT_THAT(publish(sandbox, "inside", 8080).publications, IsEmpty());
  EXPECT_THAT(default_gateways(sandbox.socket()), IsEmpty());
}

}  // namespace
}  // namespace berth::network

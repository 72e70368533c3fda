#include "network/firewall.hpp"

#include <gmock/gmock.h>

#include <chrono>

#include "hosts.hpp"
#include "nftables/nftables.hpp"

namespace berth::network {
namespace {

using test::ask;
using test::Host;
using test::Server;

const nftables::Table table{nftables::Family::inet, "berth"};

Publication published(const std::string& host, std::uint16_t host_port, const std::string& container,
                      std::uint16_t container_port, std::uint16_t count = 1) {
  return {.protocol = Protocol::tcp,
          .host_address = parse_ip(host),
          .host_first = host_port,
          .container = parse_ip(container),
          .container_first = container_port,
          .count = count};
}

/// A host with two bridges and two containers on the first, one on the second, and another host outside. The parameter
/// is what bridges show the firewall of frames that they pass on (net.bridge.bridge-nf-call-iptables).
class FirewallTraffic : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to make network namespaces";
    host_.emplace();
    add_bridge("one", "172.30.0.1/16", "fd00:30::1/64");
    add_bridge("two", "172.31.0.1/16", "fd00:31::1/64");
    join(web_.emplace(), "one", "172.30.0.2/16", "172.30.0.1", "fd00:30::2/64", "fd00:30::1");
    join(neighbour_.emplace(), "one", "172.30.0.3/16", "172.30.0.1", "fd00:30::3/64", "fd00:30::1");
    join(stranger_.emplace(), "two", "172.31.0.2/16", "172.31.0.1", "fd00:31::2/64", "fd00:31::1");
    outside_.emplace();
    host_->connect("uplink", *outside_, "eth0");
    host_->add_address("uplink", "192.0.2.1/24");
    host_->add_address("uplink", "2001:db8::1/64");
    outside_->add_address("eth0", "192.0.2.9/24");
    outside_->add_address("eth0", "2001:db8::9/64");
    // Somebody who knows how to reach the containers' own addresses.
    outside_->add_route("172.16.0.0/12", "192.0.2.1");
    outside_->add_route("fd00::/16", "2001:db8::1");
    host_->set("bridge/bridge-nf-call-iptables", GetParam());
    host_->set("bridge/bridge-nf-call-ip6tables", GetParam());
    host_->in([&] {
      firewall_.emplace();
      firewall_->restore(std::vector{one_, two_}, {});
      firewall_->enable_forwarding(false);
      firewall_->enable_forwarding(true);
    });
    web_server_.emplace(*web_, "::", 80, "web");
    neighbour_server_.emplace(*neighbour_, "::", 80, "neighbour");
    stranger_server_.emplace(*stranger_, "::", 80, "stranger");
    outside_server_.emplace(*outside_, "::", 80, "outside");
    // A bridge takes a moment until it says that it has a carrier, and IPv6 waits for that.
    for (const auto* address : {"fd00:30::2", "fd00:30::3", "fd00:31::2", "2001:db8::9"}) {
      for (int attempt = 0; attempt < 20 && ask(*host_, address, 80) == "nobody"; ++attempt) continue;
    }
  }

  void add_bridge(const std::string& name, const std::string& v4, const std::string& v6) {
    host_->add_bridge(name);
    host_->add_address(name, v4);
    host_->add_address(name, v6);
    host_->set("ipv4/conf/" + name + "/route_localnet", "1");
    host_->socket().apply(netlink::Request{}.add_route(
        {.destination = parse_cidr("::1/128"), .link = host_->index(name), .metric = 2048, .local = true}));
  }

  void join(Host& container, const std::string& bridge, const std::string& v4, const std::string& gateway,
            const std::string& v6, const std::string& gateway6) {
    const auto port = "port" + std::to_string(++ports_);
    host_->connect(port, container, "eth0");
    host_->add_port(bridge, port);
    container.add_address("eth0", v4);
    container.add_default_route(gateway);
    container.add_address("eth0", v6);
    container.add_default_route(gateway6);
  }

  void publish(const Publication& publication) {
    host_->in([&] { firewall_->publish(std::vector{publication}); });
  }

  void with_nftables(const std::function<void(nftables::Socket&)>& action) {
    host_->in([&] {
      nftables::Socket socket;
      action(socket);
    });
  }

  BridgeRules one_{.link = "one", .subnets = {parse_cidr("172.30.0.0/16"), parse_cidr("fd00:30::/64")}};
  BridgeRules two_{.link = "two", .subnets = {parse_cidr("172.31.0.0/16"), parse_cidr("fd00:31::/64")}};
  int ports_ = 0;
  std::optional<Host> host_, web_, neighbour_, stranger_, outside_;
  std::optional<Firewall> firewall_;
  std::optional<Server> web_server_, neighbour_server_, stranger_server_, outside_server_;
};

INSTANTIATE_TEST_SUITE_P(BridgeNetfilter, FirewallTraffic, testing::Values("0", "1"),
                         [](const auto& chosen) { return std::string{chosen.param} == "0" ? "Off" : "On"; });

TEST_P(FirewallTraffic, PublishedPortAnswersEverywhereAndKeepsTheSourceFromOutside) {
  publish(published("0.0.0.0", 8080, "172.30.0.2", 80));
  EXPECT_EQ(ask(*outside_, "192.0.2.1", 8080), "web ::ffff:192.0.2.9");
  EXPECT_EQ(ask(*host_, "127.0.0.1", 8080), "web ::ffff:172.30.0.1");
  EXPECT_EQ(ask(*host_, "192.0.2.1", 8080), "web ::ffff:192.0.2.1");
  EXPECT_EQ(ask(*host_, "172.30.0.1", 8080), "web ::ffff:172.30.0.1");
  EXPECT_EQ(ask(*host_, "172.30.0.2", 80), "web ::ffff:172.30.0.1");
  EXPECT_EQ(ask(*stranger_, "192.0.2.1", 8080), "web ::ffff:172.30.0.1") << "from another network";
  EXPECT_EQ(ask(*outside_, "192.0.2.1", 8081), "nobody");
}

TEST_P(FirewallTraffic, PublishedPortOfIPv6AnswersEverywhere) {
  publish(published("::", 8080, "fd00:30::2", 80));
  EXPECT_EQ(ask(*outside_, "2001:db8::1", 8080), "web 2001:db8::9");
  if (GetParam() == std::string_view{"0"}) {
    EXPECT_EQ(ask(*host_, "::1", 8080), "web fd00:30::1");
  } else {
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(ask(*host_, "::1", 8080), "nobody");
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds{test::patience / 2}) << "at once";
  }
  EXPECT_EQ(ask(*host_, "2001:db8::1", 8080), "web 2001:db8::1");
  EXPECT_EQ(ask(*neighbour_, "2001:db8::1", 8080), "web fd00:30::1");
  EXPECT_EQ(ask(*web_, "2001:db8::1", 8080), "web fd00:30::1");
  EXPECT_EQ(ask(*stranger_, "2001:db8::1", 8080), "web fd00:30::1");
}

TEST_P(FirewallTraffic, RelayServesTheLoopbackAddressWhereTheKernelCannot) {
  const Server relay{*host_, "::1", 41000, "relay"};
  auto publication = published("::", 8080, "fd00:30::2", 80);
  publication.relay = 41000;
  publish(publication);
  const bool lost = GetParam() == std::string_view{"1"};
  EXPECT_EQ(ask(*host_, "::1", 8080), lost ? "relay ::1" : "web fd00:30::1");
  EXPECT_EQ(ask(*host_, "2001:db8::1", 8080), "web 2001:db8::1");
  EXPECT_EQ(ask(*outside_, "2001:db8::1", 8080), "web 2001:db8::9");
  firewall_->withdraw(std::array{publication});
  EXPECT_EQ(ask(*host_, "::1", 8080), "nobody");
  EXPECT_TRUE(firewall_->is_whole());
}

TEST_P(FirewallTraffic, ContainersReachThemselvesAndNeighboursByPublishedPorts) {
  publish(published("0.0.0.0", 8080, "172.30.0.2", 80));
  EXPECT_EQ(ask(*neighbour_, "192.0.2.1", 8080), "web ::ffff:172.30.0.1");
  EXPECT_EQ(ask(*web_, "192.0.2.1", 8080), "web ::ffff:172.30.0.1");
  EXPECT_EQ(ask(*web_, "172.30.0.1", 8080), "web ::ffff:172.30.0.1");
}

TEST_P(FirewallTraffic, ContainersReachTheWorldByTheHostsAddress) {
  EXPECT_EQ(ask(*web_, "192.0.2.9", 80), "outside ::ffff:192.0.2.1");
  EXPECT_EQ(ask(*web_, "2001:db8::9", 80), "outside 2001:db8::1");
  EXPECT_EQ(ask(*web_, "172.30.0.3", 80), "neighbour ::ffff:172.30.0.2");
  EXPECT_EQ(ask(*web_, "fd00:30::3", 80), "neighbour fd00:30::2");
}

TEST_P(FirewallTraffic, WhatIsNotPublishedIsReachedByNeighboursAlone) {
  EXPECT_EQ(ask(*stranger_, "172.30.0.2", 80), "nobody");
  EXPECT_EQ(ask(*stranger_, "fd00:30::2", 80), "nobody");
  EXPECT_EQ(ask(*outside_, "172.30.0.2", 80), "nobody");
  EXPECT_EQ(ask(*outside_, "fd00:30::2", 80), "nobody");
  publish(published("0.0.0.0", 8080, "172.30.0.2", 80));
  EXPECT_EQ(ask(*outside_, "172.30.0.2", 80), "nobody") << "published is the host's port, not the container's";
}

TEST_P(FirewallTraffic, InternalNetworkHasNoWayInOrOut) {
  one_.internal = true;
  firewall_->add_bridge(one_);
  publish(published("0.0.0.0", 8081, "172.31.0.2", 80));
  EXPECT_EQ(ask(*web_, "172.30.0.3", 80), "neighbour ::ffff:172.30.0.2");
  EXPECT_EQ(ask(*host_, "172.30.0.2", 80), "web ::ffff:172.30.0.1");
  EXPECT_EQ(ask(*web_, "192.0.2.9", 80), "nobody");
  EXPECT_EQ(ask(*web_, "2001:db8::9", 80), "nobody");
  EXPECT_EQ(ask(*web_, "192.0.2.1", 8081), "nobody") << "not even a published port of another network";
  EXPECT_EQ(ask(*stranger_, "172.30.0.2", 80), "nobody");
  EXPECT_EQ(ask(*outside_, "172.30.0.2", 80), "nobody");
}

TEST_P(FirewallTraffic, PortOfOneAddressAnswersThereAlone) {
  publish(published("127.0.0.1", 8080, "172.30.0.2", 80));
  publish(published("192.0.2.1", 8081, "172.30.0.2", 80));
  EXPECT_EQ(ask(*host_, "127.0.0.1", 8080), "web ::ffff:172.30.0.1");
  EXPECT_EQ(ask(*host_, "192.0.2.1", 8080), "nobody");
  EXPECT_EQ(ask(*outside_, "192.0.2.1", 8080), "nobody");
  EXPECT_EQ(ask(*outside_, "192.0.2.1", 8081), "web ::ffff:192.0.2.9");
  EXPECT_EQ(ask(*host_, "127.0.0.1", 8081), "nobody");
  // Whoever sends packets for 127.0.0.1 to the host, from outside or from a container.
  for (auto* sender : {&*outside_, &*neighbour_}) {
    sender->set("ipv4/conf/eth0/route_localnet", "1");
    sender->socket().apply(netlink::Request{}.remove_address(sender->index("lo"), parse_cidr("127.0.0.1/8")));
    sender->add_route("127.0.0.0/8", sender == &*outside_ ? "192.0.2.1" : "172.30.0.1");
    EXPECT_EQ(ask(*sender, "127.0.0.1", 8080), "nobody");
  }
}

TEST_P(FirewallTraffic, RelayOfTheHostIsReachedByIPv6AtThePublishedPort) {
  const Server relay{*host_, "::", 41000, "relay"};
  auto publication = published("::", 8080, "172.30.0.2", 80);
  publication.relay = 41000;
  publish(publication);
  EXPECT_EQ(ask(*outside_, "2001:db8::1", 8080), "relay 2001:db8::9");
  EXPECT_EQ(ask(*host_, "::1", 8080), "relay ::1");
  EXPECT_EQ(ask(*outside_, "192.0.2.1", 8080), "nobody");
  EXPECT_EQ(ask(*neighbour_, "2001:db8::1", 8080), "relay fd00:30::3");
}

TEST_P(FirewallTraffic, WithdrawnPortAnswersNoMore) {
  const std::vector publications{published("0.0.0.0", 8080, "172.30.0.2", 80),
                                 published("0.0.0.0", 9000, "172.30.0.2", 9000, 100)};
  firewall_->publish(publications);
  EXPECT_EQ(ask(*outside_, "192.0.2.1", 8080), "web ::ffff:192.0.2.9");
  firewall_->withdraw(publications);
  firewall_->withdraw(publications);
  EXPECT_EQ(ask(*outside_, "192.0.2.1", 8080), "nobody");
  with_nftables([](auto& nft) {
    for (const auto* set : {"ports4", "anyports4", "ranges4"}) EXPECT_TRUE(nft.elements(table, set).empty()) << set;
  });
}

TEST_P(FirewallTraffic, TenThousandPortsAreOneElement) {
  publish(published("0.0.0.0", 10000, "172.30.0.2", 10000, 10000));
  const Server first{*web_, "0.0.0.0", 10000, "first"};
  const Server last{*web_, "0.0.0.0", 19999, "last"};
  EXPECT_EQ(ask(*outside_, "192.0.2.1", 10000), "first 192.0.2.9");
  EXPECT_EQ(ask(*outside_, "192.0.2.1", 19999), "last 192.0.2.9");
  EXPECT_EQ(ask(*host_, "127.0.0.1", 19999), "last 172.30.0.1");
  EXPECT_EQ(ask(*outside_, "192.0.2.1", 20000), "nobody");
  with_nftables([](auto& nft) { EXPECT_EQ(nft.elements(table, "ranges4").size(), 1U); });
}

TEST_P(FirewallTraffic, DatagramsAreAnsweredFromThePublishedPort) {
  const Server server{*web_, "172.30.0.2", 5353, "datagram", true};
  auto publication = published("0.0.0.0", 5300, "172.30.0.2", 5353);
  publication.protocol = Protocol::udp;
  publish(publication);
  EXPECT_EQ(ask(*outside_, "192.0.2.1", 5300, true), "datagram 192.0.2.9");
  EXPECT_EQ(ask(*host_, "127.0.0.1", 5300, true), "datagram 172.30.0.1");
  EXPECT_EQ(ask(*outside_, "192.0.2.1", 5300), "nobody") << "by TCP";
}

TEST_P(FirewallTraffic, WhoeverGoesOnSendingDatagramsReachesThePresentContainer) {
  const Server first{*web_, "172.30.0.2", 5353, "first", true};
  const Server second{*neighbour_, "172.30.0.3", 5353, "second", true};
  auto publication = published("0.0.0.0", 5300, "172.30.0.2", 5353);
  publication.protocol = Protocol::udp;
  const auto client = open_socket(*outside_, parse_ip("192.0.2.9"), true);
  test::SocketAddress to{parse_ip("192.0.2.1"), 5300};
  const auto answer = [&] {
    ::sendto(client.get(), "?", 1, 0, to.get(), to.length);
    std::array<char, 64> bytes{};
    const auto count =
        test::is_readable(client, test::patience) ? ::recv(client.get(), bytes.data(), bytes.size(), 0) : 0;
    return std::string{bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0))};
  };
  EXPECT_EQ(answer(), "") << "nobody is published, and the kernel remembers that";
  publish(publication);
  EXPECT_EQ(answer(), "first 192.0.2.9");
  host_->in([&] { firewall_->withdraw(std::vector{publication}); });
  EXPECT_EQ(answer(), "");
  publication.container = parse_ip("172.30.0.3");
  publish(publication);
  EXPECT_EQ(answer(), "second 192.0.2.9");
}

TEST_P(FirewallTraffic, RoutedNetworkIsReachedAtItsOwnAddressOnPublishedPortsAlone) {
  one_.v4 = one_.v6 = GatewayMode::routed;
  firewall_->add_bridge(one_);
  const Server other{*web_, "::", 81, "other"};
  publish({.host_first = 0, .container = parse_ip("172.30.0.2"), .container_first = 80});
  EXPECT_EQ(ask(*outside_, "172.30.0.2", 80), "web ::ffff:192.0.2.9");
  EXPECT_EQ(ask(*outside_, "172.30.0.2", 81), "nobody");
  EXPECT_EQ(ask(*outside_, "fd00:30::2", 80), "nobody");
  outside_->add_default_route("192.0.2.1");
  EXPECT_EQ(ask(*web_, "192.0.2.9", 80), "outside ::ffff:172.30.0.2") << "no translation";
}

TEST_P(FirewallTraffic, UnprotectedNetworkIsReachedFromOutsideButNotFromOtherNetworks) {
  one_.v4 = one_.v6 = GatewayMode::nat_unprotected;
  firewall_->add_bridge(one_);
  EXPECT_EQ(ask(*outside_, "172.30.0.2", 80), "web ::ffff:192.0.2.9");
  EXPECT_EQ(ask(*outside_, "fd00:30::2", 80), "web 2001:db8::9");
  EXPECT_EQ(ask(*stranger_, "172.30.0.2", 80), "nobody");
}

TEST_P(FirewallTraffic, WithoutIccNeighboursReachPublishedPortsAlone) {
  one_.icc = false;
  firewall_->add_bridge(one_);
  publish(published("0.0.0.0", 8080, "172.30.0.2", 80));
  // As if the ports of the bridge were isolated: by way of the host.
  neighbour_->add_route("172.30.0.2/32", "172.30.0.1");
  EXPECT_EQ(ask(*neighbour_, "172.30.0.2", 80), "nobody");
  EXPECT_EQ(ask(*neighbour_, "192.0.2.1", 8080), "web ::ffff:172.30.0.1");
}

TEST_P(FirewallTraffic, HostDoesNotRouteForOthersBecauseOfUs) {
  Host beyond;
  host_->connect("other", beyond, "eth0");
  host_->add_address("other", "198.51.100.1/24");
  beyond.add_address("eth0", "198.51.100.2/24");
  beyond.add_default_route("198.51.100.1");
  const Server server{beyond, "198.51.100.2", 80, "beyond"};
  outside_->add_route("198.51.100.0/24", "192.0.2.1");
  EXPECT_EQ(host_->get("ipv4/ip_forward"), "1");
  EXPECT_EQ(ask(*outside_, "198.51.100.2", 80), "nobody");
  with_nftables([](auto& nft) {
    nft.apply(nftables::Transaction{}.add_rule(
        table, "berth-user", {"", {nftables::is(nftables::oifname, nftables::link("other")), nftables::accept()}}));
    nft.apply(nftables::Transaction{}.add_rule(
        table, "berth-user", {"", {nftables::is(nftables::iifname, nftables::link("other")), nftables::accept()}}));
  });
  EXPECT_EQ(ask(*outside_, "198.51.100.2", 80), "beyond 192.0.2.9");
}

TEST_P(FirewallTraffic, RemovedTableIsRepairedAndConnectionsGoOn) {
  publish(published("0.0.0.0", 8080, "172.30.0.2", 80));
  publish(published("0.0.0.0", 8081, "172.30.0.2", 81));
  EXPECT_TRUE(firewall_->is_whole());
  const auto listener = test::listen(*web_, "172.30.0.2", 81);
  const auto client = test::connect(*outside_, "192.0.2.1", 8081);
  const UniqueFd server{::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)};
  ASSERT_TRUE(client && server);
  firewall_->heal();
  with_nftables([](auto& nft) { nft.apply(nftables::Transaction{}.remove_table(table)); });
  EXPECT_FALSE(firewall_->is_whole());
  EXPECT_TRUE(test::is_readable(firewall_->changes(), 5000));
  EXPECT_TRUE(firewall_->heal());
  EXPECT_FALSE(firewall_->heal()) << "its own changes are none";
  EXPECT_TRUE(firewall_->is_whole());
  EXPECT_EQ(ask(*outside_, "192.0.2.1", 8080), "web ::ffff:192.0.2.9");
  for (const auto& [from, to] : {std::pair{FdRef{client}, FdRef{server}}, {FdRef{server}, FdRef{client}}}) {
    std::array<char, 8> word{};
    EXPECT_EQ(::send(from.get(), "still", 5, MSG_NOSIGNAL), 5);
    EXPECT_TRUE(test::is_readable(to, test::patience));
    EXPECT_EQ(::recv(to.get(), word.data(), word.size(), 0), 5) << "on a connection from before";
  }
}

TEST_P(FirewallTraffic, DamageIsRepairedWithoutTouchingWhatIsRight) {
  publish(published("0.0.0.0", 8080, "172.30.0.2", 80));
  const auto in_forward = [&] {
    std::vector<std::uint64_t> handles;
    with_nftables([&](auto& nft) {
      for (const auto& rule : nft.rules(table)) {
        if (rule.chain == "forward") handles.push_back(rule.handle);
      }
    });
    return handles;
  };
  const auto rules = in_forward();
  with_nftables(
      [](auto& nft) { nft.apply(nftables::Transaction{}.flush_set(table, {.name = "anyports4", .key = {}})); });
  EXPECT_TRUE(firewall_->heal());
  EXPECT_EQ(in_forward(), rules) << "an element was missing, no rule";
  EXPECT_EQ(ask(*outside_, "192.0.2.1", 8080), "web ::ffff:192.0.2.9");

  with_nftables([&](auto& nft) {
    nft.apply(nftables::Transaction{}
                  .remove_rule(table, "forward", rules.front())
                  .add_rule(table, "postrouting", {"somebody's", {nftables::counter()}}));
  });
  EXPECT_TRUE(firewall_->heal());
  EXPECT_TRUE(firewall_->is_whole());
  EXPECT_EQ(in_forward().size(), rules.size());
}

TEST_P(FirewallTraffic, ChangeToADamagedTableRepairsIt) {
  with_nftables([](auto& nft) { nft.apply(nftables::Transaction{}.remove_table(table)); });
  publish(published("0.0.0.0", 8080, "172.30.0.2", 80));
  EXPECT_EQ(ask(*outside_, "192.0.2.1", 8080), "web ::ffff:192.0.2.9");
  with_nftables([](auto& nft) { nft.apply(nftables::Transaction{}.remove_table(table)); });
  firewall_->withdraw(std::vector{published("0.0.0.0", 8080, "172.30.0.2", 80)});
  EXPECT_TRUE(firewall_->is_whole());
}

TEST_P(FirewallTraffic, ChainOfTheAdministratorIsFirstAndKept) {
  publish(published("0.0.0.0", 8080, "172.30.0.2", 80));
  publish(published("0.0.0.0", 8081, "172.30.0.2", 80));
  with_nftables([](auto& nft) {
    using namespace nftables;
    nft.apply(Transaction{}.add_rule(table, "berth-user",
                                     {"", {is(iifname, link("uplink")), is(ct_original_dport, port(8080)), drop()}}));
    nft.apply(Transaction{}.flush_chain(table, "forward"));
  });
  EXPECT_TRUE(firewall_->heal());
  EXPECT_EQ(ask(*outside_, "192.0.2.1", 8080), "nobody");
  EXPECT_EQ(ask(*outside_, "192.0.2.1", 8081), "web ::ffff:192.0.2.9");
  EXPECT_EQ(ask(*host_, "127.0.0.1", 8080), "web ::ffff:172.30.0.1");
}

TEST_P(FirewallTraffic, AnotherDaemonTakesOverWhatIsThere) {
  const std::vector publications{published("0.0.0.0", 8080, "172.30.0.2", 80)};
  firewall_->publish(publications);
  publish(published("0.0.0.0", 8081, "172.30.0.2", 80));
  firewall_.reset();
  EXPECT_EQ(ask(*outside_, "192.0.2.1", 8080), "web ::ffff:192.0.2.9") << "nobody is needed for that";
  host_->in([&] { firewall_.emplace(); });
  firewall_->restore(std::vector{one_, two_}, publications);
  EXPECT_EQ(ask(*outside_, "192.0.2.1", 8080), "web ::ffff:192.0.2.9");
  EXPECT_EQ(ask(*outside_, "192.0.2.1", 8081), "nobody") << "its container is gone";
  EXPECT_TRUE(firewall_->is_whole());
  with_nftables([](auto& nft) { EXPECT_EQ(nft.elements(table, "forwarding").size(), 2U); });
  firewall_->remove();
  with_nftables([](auto& nft) { EXPECT_FALSE(nft.has_table(table)); });
}

TEST_P(FirewallTraffic, RemovedBridgeLeavesNoElement) {
  firewall_->remove_bridge("two");
  firewall_->remove_bridge("one");
  firewall_->remove_bridge("none such");
  with_nftables([](auto& nft) {
    for (const auto& set : nft.sets(table)) {
      if (set.name == "forwarding" || set.name == "refused") continue;
      EXPECT_TRUE(nft.elements(table, set.name).empty()) << set.name;
    }
  });
  EXPECT_TRUE(firewall_->is_whole());
}

/// The host's own rules: what comes in is dropped, but for a few ports.
void add_host_policy(nftables::Socket& nft) {
  using namespace nftables;
  const Table own{Family::inet, "host"};
  Transaction transaction;
  transaction.add_table(own)
      .add_chain(own, {.name = "input", .base = BaseChain{Type::filter, Hook::input, priority_filter, Policy::drop}})
      .add_rule(own, "input", {"", {has(ct_state, state_established | state_related), accept()}})
      .add_rule(own, "input", {"", {is(iifname, link("lo")), accept()}})
      .add_rule(own, "input", {"", {is(l4proto, protocol(IPPROTO_ICMPV6)), accept()}});
  for (const std::uint16_t open : std::array<std::uint16_t, 2>{8080, 10005}) {
    transaction.add_rule(own, "input", {"", {is(th_dport, port(open)), accept()}});
  }
  nft.apply(transaction);
}

TEST_P(FirewallTraffic, PublishedPortObeysTheHostsRulesForWhatComesIn) {
  const Server datagrams{*web_, "172.30.0.2", 5353, "datagram", true};
  const Server ranged{*web_, "::", 10005, "ranged"};
  host_->in([&] {
    std::vector<Publication> publications;
    for (const std::uint16_t host_port : std::array<std::uint16_t, 2>{8080, 8081}) {
      publications.push_back(published("0.0.0.0", host_port, "172.30.0.2", 80));
      publications.push_back(published("::", host_port, "fd00:30::2", 80));
      publications.push_back(published("0.0.0.0", host_port, "172.30.0.2", 5353));
      publications.back().protocol = Protocol::udp;
    }
    publications.push_back(published("0.0.0.0", 10000, "172.30.0.2", 10000, 100));
    firewall_->publish(publications);
  });
  EXPECT_EQ(ask(*outside_, "192.0.2.1", 8081), "web ::ffff:192.0.2.9") << "there are no rules";

  with_nftables(add_host_policy);
  host_->in([&] { firewall_->heal(); });
  EXPECT_EQ(ask(*outside_, "192.0.2.1", 8080), "web ::ffff:192.0.2.9");
  EXPECT_EQ(ask(*outside_, "192.0.2.1", 8081), "nobody");
  EXPECT_EQ(ask(*outside_, "2001:db8::1", 8080), "web 2001:db8::9");
  EXPECT_EQ(ask(*outside_, "2001:db8::1", 8081), "nobody");
  EXPECT_EQ(ask(*outside_, "192.0.2.1", 8080, true), "datagram 192.0.2.9");
  EXPECT_EQ(ask(*outside_, "192.0.2.1", 8081, true), "nobody");
  EXPECT_EQ(ask(*outside_, "192.0.2.1", 10005), "ranged ::ffff:192.0.2.9");
  EXPECT_EQ(ask(*host_, "127.0.0.1", 8081), "web ::ffff:172.30.0.1") << "the host itself";
  EXPECT_EQ(ask(*stranger_, "192.0.2.1", 8081), "web ::ffff:172.30.0.1") << "containers";
  EXPECT_TRUE(firewall_->is_whole());

  with_nftables([](auto& nft) { nft.apply(nftables::Transaction{}.remove_table({nftables::Family::inet, "host"})); });
  host_->in([&] { firewall_->heal(); });
  EXPECT_EQ(ask(*outside_, "192.0.2.1", 8081), "web ::ffff:192.0.2.9") << "there are no rules any more";
  with_nftables([](auto& nft) {
    EXPECT_FALSE(nft.has_table({nftables::Family::ip, "berth"}));
    EXPECT_FALSE(nft.has_table({nftables::Family::ip6, "berth"}));
  });
  EXPECT_FALSE(host_->socket().find_link("berth-in"));
}

TEST_P(FirewallTraffic, RulesThatStrictlyCheckWaysBackAreNoObstacle) {
  for (const auto* link : {"all", "default", "uplink"}) {
    host_->set(std::string{"ipv4/conf/"} + link + "/rp_filter", "1");
  }
  with_nftables(add_host_policy);
  publish(published("0.0.0.0", 8080, "172.30.0.2", 80));
  host_->in([&] { firewall_->heal(); });
  EXPECT_EQ(ask(*outside_, "192.0.2.1", 8080), "web ::ffff:192.0.2.9");
}

}  // namespace
}  // namespace berth::network

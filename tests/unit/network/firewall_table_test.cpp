#include "network/firewall_table.hpp"

#include <gmock/gmock.h>

#include "base/strings.hpp"

namespace berth::network::firewall {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

std::string text(const std::vector<nftables::Value>& values) {
  std::vector<std::string> texts;
  for (const auto& value : values) texts.push_back(value.text);
  return join(texts, " . ");
}

/// "set: key [- last] [: data]", as nft would write them.
std::vector<std::string> texts(const Elements& elements) {
  std::vector<std::string> all;
  for (const auto& [set, members] : elements) {
    for (const auto& element : members) {
      auto line = set + ": " + text(element.key);
      if (!element.last.empty()) line += " - " + text(element.last);
      if (!element.data.empty()) line += " : " + text(element.data);
      if (element.verdict) line += " : " + nftables::to_string(*element.verdict);
      all.push_back(std::move(line));
    }
  }
  return all;
}

std::vector<std::string> texts(const BridgeRules& bridge) {
  Elements elements;
  add_elements(elements, bridge);
  return texts(elements);
}

std::vector<std::string> texts(const std::vector<Publication>& publications, bool direct_routing = false) {
  Elements elements;
  for (const auto& publication : publications) add_elements(elements, publication);
  if (direct_routing) add_direct_ports(elements, publications);
  return texts(elements);
}

std::vector<std::string> texts(const Publication& publication) {
  return texts(std::vector{publication});
}

std::vector<std::string> rules_of(std::string_view chain) {
  std::vector<std::string> rules;
  for (const auto& [name, rule] : layout().rules) {
    if (name == chain) rules.push_back(nftables::to_string(rule));
  }
  return rules;
}

TEST(FirewallTable, AdministratorsChainIsFirstInForwardAndHasNoRulesOfOurs) {
  EXPECT_EQ(rules_of("forward").front(), "jump berth-user");
  EXPECT_THAT(rules_of("berth-user"), IsEmpty());
}

TEST(FirewallTable, TranslationLooksAtOneAddressFirst) {
  EXPECT_THAT(rules_of("prerouting"), ElementsAre("ct mark 1651668072 accept", "fib daddr type 2 jump publish"));
  EXPECT_THAT(rules_of("output"), ElementsAre("fib daddr type 2 jump publish"));
  EXPECT_THAT(rules_of("publish"), ElementsAre("redirect to :ip6 daddr . meta l4proto . th dport map @relays",
                                               "redirect to :meta nfproto . meta l4proto . th dport map @anyrelays",
                                               "redirect to :ip6 daddr . meta l4proto . th dport map @relayranges",
                                               "dnat ip to ip daddr . meta l4proto . th dport map @ports4",
                                               "dnat ip to meta l4proto . th dport map @anyports4",
                                               "dnat ip to ip daddr . meta l4proto . th dport map @ranges4",
                                               "ip6 daddr ::1/128 meta nfproto @refused accept",
                                               "dnat ip6 to ip6 daddr . meta l4proto . th dport map @ports6",
                                               "dnat ip6 to meta l4proto . th dport map @anyports6",
                                               "dnat ip6 to ip6 daddr . meta l4proto . th dport map @ranges6"));
}

TEST(FirewallTable, BridgeIsElements) {
  EXPECT_THAT(texts(BridgeRules{.link = "docker0", .subnets = {parse_cidr("172.17.0.0/16"), parse_cidr("fd00::/64")}}),
              ElementsAre("bridges: \"docker0\"", "into4: \"docker0\" : goto into-nat",
                          "into6: \"docker0\" : goto into-nat", "masquerade4: \"docker0\"", "masquerade6: \"docker0\"",
                          "neighbours: \"docker0\" . \"docker0\" : accept",
                          "subnets4: \"docker0\" . 172.17.0.0 - \"docker0\" . 172.17.255.255",
                          "subnets6: \"docker0\" . fd00:: - \"docker0\" . fd00::ffff:ffff:ffff:ffff"));
}

TEST(FirewallTable, InternalBridgeIsClosed) {
  EXPECT_THAT(texts(BridgeRules{.link = "br", .internal = true, .icc = false}),
              ElementsAre("bridges: \"br\"", "from: \"br\" : drop", "into4: \"br\" : drop", "into6: \"br\" : drop",
                          "neighbours: \"br\" . \"br\" : goto neighbours"));
}

TEST(FirewallTable, ModesOfTheFamiliesDiffer) {
  EXPECT_THAT(
      texts(BridgeRules{.link = "br", .v4 = GatewayMode::nat_unprotected, .v6 = GatewayMode::routed}),
      ElementsAre("bridges: \"br\"", "into4: \"br\" : goto into-unprotected", "into6: \"br\" : goto into-routed",
                  "masquerade4: \"br\"", "neighbours: \"br\" . \"br\" : accept"));
}

TEST(FirewallTable, PortIsOneElement) {
  const auto web = parse_ip("172.17.0.2");
  EXPECT_THAT(texts({Protocol::tcp, parse_ip("0.0.0.0"), 8080, web, 80, 1}),
              ElementsAre("anyports4: tcp . 8080 : 172.17.0.2 . 80"));
  EXPECT_THAT(texts({Protocol::udp, parse_ip("127.0.0.1"), 53, web, 53, 1}),
              ElementsAre("ports4: 127.0.0.1 . udp . 53 : 172.17.0.2 . 53"));
  EXPECT_THAT(texts({Protocol::sctp, parse_ip("::"), 1, parse_ip("fd00::2"), 2, 1}),
              ElementsAre("anyports6: sctp . 1 : fd00::2 . 2"));
}

TEST(FirewallTable, RangeIsOneElementIfPortsAreTheSame) {
  const auto web = parse_ip("172.17.0.2");
  EXPECT_THAT(texts({Protocol::tcp, parse_ip("0.0.0.0"), 10000, web, 10000, 10000}),
              ElementsAre("ranges4: 0.0.0.0 . tcp . 10000 - 255.255.255.255 . tcp . 19999 : 172.17.0.2"));
  EXPECT_THAT(texts({Protocol::tcp, parse_ip("10.0.0.1"), 10000, web, 10000, 10000}),
              ElementsAre("ranges4: 10.0.0.1 . tcp . 10000 - 10.0.0.1 . tcp . 19999 : 172.17.0.2"));
  EXPECT_THAT(texts({Protocol::tcp, parse_ip("0.0.0.0"), 80, web, 8080, 2}),
              ElementsAre("anyports4: tcp . 80 : 172.17.0.2 . 8080", "anyports4: tcp . 81 : 172.17.0.2 . 8081"));
}

TEST(FirewallTable, ContainerWithoutIPv6IsReachedByARelay) {
  Publication publication{Protocol::tcp, parse_ip("::"), 8080, parse_ip("172.17.0.2"), 80, 1};
  EXPECT_THAT(texts(publication), IsEmpty()) << "nobody relays yet";
  publication.relay = 41000;
  EXPECT_THAT(texts(publication), ElementsAre("anyrelays: ipv6 . tcp . 8080 : 41000"));
  publication.host_address = parse_ip("::1");
  EXPECT_THAT(texts(publication), ElementsAre("relays: ::1 . tcp . 8080 : 41000"));
  publication.count = 1000;
  EXPECT_THAT(texts(publication), ElementsAre("relayranges: ::1 . tcp . 8080 - ::1 . tcp . 9079 : 41000"));
}

TEST(FirewallTable, ContainerWithIPv6IsReachedByARelayFromTheLoopbackAddressAlone) {
  const auto by_relay = [](const Publication& publication) {
    Elements elements;
    add_loopback_relay(elements, publication);
    return texts(elements);
  };
  Publication publication{Protocol::tcp, parse_ip("::"), 8080, parse_ip("fd00::2"), 80, 1};
  EXPECT_THAT(by_relay(publication), IsEmpty()) << "nobody relays yet";
  publication.relay = 41000;
  EXPECT_THAT(by_relay(publication), ElementsAre("relays: ::1 . tcp . 8080 : 41000"));
  EXPECT_THAT(texts(publication), ElementsAre("anyports6: tcp . 8080 : fd00::2 . 80"));
  publication.count = 1000;
  EXPECT_THAT(by_relay(publication), ElementsAre("relayranges: ::1 . tcp . 8080 - ::1 . tcp . 9079 : 41000"));
  publication.host_address = parse_ip("2001:db8::1");
  EXPECT_THAT(by_relay(publication), IsEmpty());
  publication.host_address = parse_ip("::1");
  publication.protocol = Protocol::sctp;
  EXPECT_THAT(by_relay(publication), IsEmpty());
  publication.protocol = Protocol::udp;
  publication.relay = 0;
  EXPECT_THAT(by_relay(publication), IsEmpty()) << "its socket is at the port itself";
}

TEST(FirewallTable, PortOfARoutedNetworkIsOpenedAtTheContainersAddress) {
  EXPECT_THAT(texts({Protocol::tcp, parse_ip("0.0.0.0"), 0, parse_ip("172.17.0.2"), 80, 1}),
              ElementsAre("open4: 172.17.0.2 . tcp . 80 - 172.17.0.2 . tcp . 80"));
}

TEST(FirewallTable, DirectRoutingOpensPublishedPortsAtTheContainersAddressOnce) {
  const auto web = parse_ip("172.17.0.2");
  EXPECT_THAT(texts({{Protocol::tcp, parse_ip("0.0.0.0"), 8080, web, 80, 1},
                     {Protocol::tcp, parse_ip("0.0.0.0"), 9000, web, 80, 3},
                     {Protocol::tcp, parse_ip("10.0.0.1"), 9010, web, 83, 1},
                     {Protocol::tcp, parse_ip("10.0.0.1"), 9011, web, 90, 1},
                     {Protocol::tcp, parse_ip("127.0.0.1"), 9012, web, 99, 1}},
                    true),
              testing::IsSupersetOf({"open4: 172.17.0.2 . tcp . 80 - 172.17.0.2 . tcp . 83",
                                     "open4: 172.17.0.2 . tcp . 90 - 172.17.0.2 . tcp . 90"}));
  EXPECT_THAT(texts({{Protocol::tcp, parse_ip("127.0.0.1"), 9012, web, 99, 1}}, true),
              ElementsAre("ports4: 127.0.0.1 . tcp . 9012 : 172.17.0.2 . 99"));
  EXPECT_THAT(texts(BridgeRules{.link = "docker0", .direct = true}),
              testing::Contains("into4: \"docker0\" : goto into-direct"));
  EXPECT_THAT(texts(BridgeRules{.link = "docker0", .direct = true, .v4 = GatewayMode::routed}),
              testing::Contains("into4: \"docker0\" : goto into-routed"));
}

}  // namespace
}  // namespace berth::network::firewall

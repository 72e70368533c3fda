#include "nftables/nftables.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "base/error.hpp"
#include "base/socket_address.hpp"
#include "linux/namespaces.hpp"

namespace berth::nftables {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

const Table table{Family::inet, "berth-test"};
const Set ports{.name = "ports",
                .key = {ValueType::ipv4, ValueType::protocol, ValueType::port},
                .data = {ValueType::ipv4, ValueType::port}};
const Set ranges{.name = "ranges",
                 .key = {ValueType::ipv4, ValueType::protocol, ValueType::port},
                 .data = {ValueType::ipv4},
                 .interval = true};

Element port_element(std::uint16_t host_port) {
  return {.key = {address(parse_ip("10.0.0.1")), protocol(IPPROTO_TCP), port(host_port)},
          .last = {},
          .data = {address(parse_ip("172.17.0.2")), port(80)},
          .verdict = {}};
}

TEST(Rule, ReadsAsNftPrintsIt) {
  const Rule rule{"to the world",
                  {is(ip_saddr, parse_cidr("172.17.0.0/16")), is_not(oifname, link("docker0")), masquerade()}};
  EXPECT_EQ(to_string(rule), "ip saddr 172.17.0.0/16 oifname != \"docker0\" masquerade");
  EXPECT_EQ(to_string(Rule{"", {dnat_by({ip_daddr, l4proto, th_dport}, "ports", false, true)}}),
            "dnat ip to ip daddr . meta l4proto . th dport map @ports");
}

TEST(Rule, FingerprintIsOfAllItSays) {
  const Rule rule{"", {is(iifname, link("a")), drop()}};
  EXPECT_EQ(fingerprint(rule), fingerprint(Rule{"", {is(iifname, link("a")), drop()}}));
  EXPECT_NE(fingerprint(rule), fingerprint(Rule{"", {is(iifname, link("b")), drop()}}));
  EXPECT_NE(fingerprint(rule), fingerprint(Rule{"why", {is(iifname, link("a")), drop()}}));
}

class Nftables : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to make network namespaces";
    namespace_ = kernel::make_network_namespace();
    socket_.emplace(Socket::in(namespace_));
  }

  UniqueFd namespace_;
  std::optional<Socket> socket_;
};

TEST_F(Nftables, WhatWasAddedIsListed) {
  const Chain forward{.name = "forward", .base = BaseChain{Type::filter, Hook::forward, -5, Policy::accept}};
  const Chain own{.name = "own", .base = {}};
  const Rule rule{"those", {is(iifname, link("docker0")), jump("own")}};
  socket_->apply(Transaction{}
                     .add_table(table)
                     .add_chain(table, own)
                     .add_chain(table, forward)
                     .add_set(table, ports)
                     .add_set(table, ranges)
                     .add_rule(table, "forward", rule));
  EXPECT_TRUE(socket_->has_table(table));
  EXPECT_THAT(socket_->chains(table), UnorderedElementsAre(forward, own));
  EXPECT_THAT(socket_->sets(table), UnorderedElementsAre(ports, ranges));
  const auto rules = socket_->rules(table);
  ASSERT_EQ(rules.size(), 1U);
  EXPECT_EQ(rules[0].chain, "forward");
  EXPECT_EQ(rules[0].fingerprint, fingerprint(rule));
}

TEST_F(Nftables, EveryStatementIsTakenByTheKernel) {
  const Chain chain{.name = "filter", .base = BaseChain{Type::filter, Hook::forward, 0, Policy::accept}};
  const Chain nat{.name = "nat", .base = BaseChain{Type::nat, Hook::prerouting, priority_dstnat, Policy::accept}};
  const Chain source{.name = "source",
                     .base = BaseChain{Type::nat, Hook::postrouting, priority_srcnat, Policy::accept}};
  const Set links{.name = "links", .key = {ValueType::link, ValueType::link}, .data = {ValueType::verdict}};
  const Set ports6{.name = "ports6",
                   .key = {ValueType::ipv6, ValueType::protocol, ValueType::port},
                   .data = {ValueType::ipv6, ValueType::port}};
  const Set meant{.name = "meant", .key = {ValueType::ipv4, ValueType::protocol, ValueType::port}};
  const auto v4 = parse_ip("172.17.0.2");
  const auto v6 = parse_ip("fd00::2");
  socket_->apply(
      Transaction{}
          .add_table(table)
          .add_chain(table, chain)
          .add_chain(table, nat)
          .add_chain(table, source)
          .add_set(table, links)
          .add_set(table, meant)
          .add_set(table, ports)
          .add_set(table, ports6)
          .add_set(table, ranges)
          .add_rule(table, "filter", {"", {is(ip_daddr, parse_cidr("10.0.0.0/9")), counter(), accept()}})
          .add_rule(table, "filter", {"", {is_not(ip6_saddr, parse_cidr("fd00::/64")), reject()}})
          .add_rule(table, "filter", {"", {has(ct_state, state_established | state_related), accept()}})
          .add_rule(table, "filter", {"", {has_not(ct_status, status_dnat), return_from_chain()}})
          .add_rule(table, "filter", {"", {verdict_of({iifname, oifname}, "links")}})
          .add_rule(
              table, "filter",
              {"", {is_in({ct_original_ip_daddr, l4proto, ct_original_dport}, "meant"), set_meta_mark(0x10), drop()}})
          .add_rule(table, "filter", {"", {is(ct_original_dport, port(8080)), drop()}})
          .add_rule(table, "filter",
                    {"", {is(l4proto, protocol(IPPROTO_UDP)), notrack(), set_port(th_dport, 53, IPPROTO_UDP)}})
          .add_rule(table, "nat",
                    {"",
                     {is(fib_daddr_type, number(2)), is_family(true),
                      dnat_by({ip6_daddr, l4proto, th_dport}, "ports6", true, true)}})
          .add_rule(table, "nat", {"", {dnat_by({ip_daddr, l4proto, th_dport}, "ranges", false, false)}})
          .add_rule(table, "nat", {"", {is(l4proto, protocol(IPPROTO_UDP)), dnat_to(v4, 53)}})
          .add_rule(table, "nat", {"", {is(l4proto, protocol(IPPROTO_UDP)), dnat_to(v6, 53)}})
          .add_rule(table, "source", {"", {is(l4proto, protocol(IPPROTO_TCP)), snat_to(v4, 53)}})
          .add_rule(table, "source", {"", {masquerade()}}));
  EXPECT_EQ(socket_->rules(table).size(), 14U);
  const Element verdicts[] = {
      {.key = {link("a"), link("b")}, .last = {}, .data = {}, .verdict = Verdict{Verdict::Code::accept, {}}}};
  socket_->apply(Transaction{}.add_elements(table, links, verdicts));
  EXPECT_THAT(socket_->elements(table, "links"), ElementsAre(as_installed(links, verdicts[0])));
}

TEST_F(Nftables, RedirectionIsToAPortOfAMap) {
  const Set relays{.name = "relays", .key = {ValueType::protocol, ValueType::port}, .data = {ValueType::port}};
  const Chain nat{.name = "nat", .base = BaseChain{Type::nat, Hook::prerouting, priority_dstnat, Policy::accept}};
  socket_->apply(Transaction{}
                     .add_table(table)
                     .add_set(table, relays)
                     .add_chain(table, nat)
                     .add_rule(table, "nat", {"", {is_family(true), redirect_by({l4proto, th_dport}, "relays")}}));
  EXPECT_EQ(socket_->rules(table).size(), 1U);
}

TEST_F(Nftables, OfOneFamilyATableKeepsTheRuleForTheOtherFromItsPackets) {
  const Table only_v4{Family::ip, "berth-test"};
  const Chain output{.name = "output", .base = BaseChain{Type::filter, Hook::output, 0, Policy::accept}};
  const auto is_dropped = [&] {
    bool dropped = false;
    std::thread{[&] {
      kernel::enter_namespace(namespace_, CLONE_NEWNET, "the test's network");
      const UniqueFd probe{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
      const auto loopback = make_socket_address(parse_ip("127.0.0.1"), 9);
      dropped = ::sendto(probe.get(), "x", 1, 0, loopback.generic(), loopback.size) < 0;
    }}.join();
    return dropped;
  };
  socket_->apply(Transaction{}
                     .add_table(only_v4)
                     .add_chain(only_v4, output)
                     .add_rule(only_v4, "output", {"", {is_family(true), drop()}}));
  EXPECT_FALSE(is_dropped());
  socket_->apply(Transaction{}.add_rule(only_v4, "output", {"", {is_family(false), drop()}}));
  EXPECT_TRUE(is_dropped());
}

TEST_F(Nftables, ElementsComeAndGoInOneTransaction) {
  socket_->apply(Transaction{}.add_table(table).add_set(table, ports).add_set(table, ranges));
  const Element old[] = {port_element(1000), port_element(1001)};
  socket_->apply(Transaction{}.add_elements(table, ports, old));
  std::vector<Element> fresh;
  for (std::uint16_t number = 2000; number < 4000; ++number) fresh.push_back(port_element(number));
  const Element range[] = {{.key = {address(parse_ip("10.0.0.1")), protocol(IPPROTO_TCP), port(10000)},
                            .last = {address(parse_ip("10.0.0.1")), protocol(IPPROTO_TCP), port(19999)},
                            .data = {address(parse_ip("172.17.0.2"))},
                            .verdict = {}}};
  socket_->apply(Transaction{}
                     .remove_elements(table, ports, old)
                     .add_elements(table, ports, fresh)
                     .add_elements(table, ranges, range));
  const auto listed = socket_->elements(table, "ports");  // while the kernel makes the set's table larger
  std::vector<InstalledElement> expected;
  for (const auto& element : fresh) expected.push_back(as_installed(ports, element));
  EXPECT_TRUE(listed == expected) << listed.size() << " of " << expected.size();
  EXPECT_THAT(socket_->elements(table, "ranges"), ElementsAre(as_installed(ranges, range[0])));

  socket_->apply(Transaction{}.remove_elements(table, ports, std::span{listed}.first(1)));
  EXPECT_EQ(socket_->elements(table, "ports").size(), fresh.size() - 1);
  socket_->apply(Transaction{}.flush_set(table, ports).remove_elements(table, ranges, range));
  EXPECT_TRUE(socket_->elements(table, "ports").empty());
  EXPECT_TRUE(socket_->elements(table, "ranges").empty());
}

TEST_F(Nftables, FailureNamesTheStepAndNothingIsChanged) {
  socket_->apply(Transaction{}.add_table(table).add_set(table, ports));
  const Element gone[] = {port_element(1)};
  const Element fresh[] = {port_element(2)};
  try {
    socket_->apply(Transaction{}
                       .add_elements(table, ports, fresh)
                       .remove_elements(table, ports, gone)
                       .add_table({Family::inet, "another"}));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.errno_value(), ENOENT);
    EXPECT_THAT(error.message(), HasSubstr("remove 10.0.0.1 . tcp . 1 from ports"));
  }
  EXPECT_TRUE(socket_->elements(table, "ports").empty());
  EXPECT_FALSE(socket_->has_table({Family::inet, "another"}));
  EXPECT_THROW(socket_->apply(Transaction{}.remove_table({Family::inet, "another"})), Error);
}

TEST_F(Nftables, RulesAndChainsCanBeRemoved) {
  const Chain own{.name = "own", .base = {}};
  socket_->apply(Transaction{}
                     .add_table(table)
                     .add_chain(table, own)
                     .add_rule(table, "own", {"last", {drop()}})
                     .add_rule(table, "own", {"first", {accept()}}, true));
  auto rules = socket_->rules(table);
  ASSERT_EQ(rules.size(), 2U);
  EXPECT_EQ(rules[0].fingerprint, fingerprint(Rule{"first", {accept()}}));
  socket_->apply(Transaction{}.remove_rule(table, "own", rules[0].handle));
  EXPECT_EQ(socket_->rules(table).size(), 1U);
  socket_->apply(Transaction{}.flush_chain(table, "own").remove_chain(table, "own"));
  EXPECT_TRUE(socket_->chains(table).empty());
  socket_->apply(Transaction{}.add_set(table, ports).remove_set(table, "ports").remove_table(table));
  EXPECT_FALSE(socket_->has_table(table));
}

TEST_F(Nftables, ChangesAreHeardWithWhoMadeThem) {
  auto monitor = Monitor::in(namespace_);
  EXPECT_TRUE(monitor.take().tables.empty());
  socket_->apply(Transaction{}.add_table(table).add_set(table, ports));
  pollfd readable{.fd = monitor.fd().get(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&readable, 1, 5000), 1);
  const auto changes = monitor.take();
  ASSERT_EQ(changes.tables.size(), 1U);
  EXPECT_EQ(changes.tables[0].table, table);
  EXPECT_EQ(changes.tables[0].port, socket_->port());
  EXPECT_FALSE(changes.overrun);
  EXPECT_EQ(::poll(&readable, 1, 0), 0);
}

}  // namespace
}  // namespace berth::nftables

// What the server asks upstream.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "server_fixture.hpp"

namespace berth::dns::test {
namespace {

using testing::HasSubstr;

TEST_F(DnsServer, AsksUpstreamWithIdsAndPortsOfItsOwn) {
  FakeUpstream upstream{address_answer(7, 0)};
  start(upstream.port());
  for (int i = 0; i < 20; ++i) {
    const auto answer = ask("a" + std::to_string(i) + ".test", {.id = 5});
    EXPECT_THAT(text_of(answer), HasSubstr("A\t192.0.2.7\n"));
    EXPECT_EQ(answer.substr(0, 2), number(5));
  }
  EXPECT_GE(upstream.ids().size(), 18U);
  EXPECT_GE(upstream.ports().size(), 15U);
}

TEST_F(DnsServer, AsksUpstreamOverTcpWhoAsksOverTcp) {
  std::atomic<bool> by_tcp = false;
  FakeUpstream upstream{[&](const std::string& query, bool tcp) -> std::optional<std::string> {
    by_tcp = tcp;
    std::vector<Record> records(100, {.content = v4(192, 0, 2, 1)});
    if (!tcp) return answer_to(query, {}, 0, 0x8380);
    return answer_to(query, records);
  }};
  start(upstream.port());
  EXPECT_TRUE(is_truncated(ask("a.test")));
  EXPECT_FALSE(by_tcp);
  EXPECT_EQ(answers_in(ask_tcp("a.test")), 100U);
  EXPECT_TRUE(by_tcp);
  // what is kept of it is too long for this asker
  const auto cut = ask("a.test");
  EXPECT_TRUE(is_truncated(cut));
  EXPECT_LE(cut.size(), 512U);
}

TEST_F(DnsServer, PassesOnThatANameIsNotThere) {
  FakeUpstream upstream{code_answer(3)};
  start(upstream.port());
  EXPECT_EQ(code_of(ask("a.test")), 3U);
}

TEST_F(DnsServer, AsksTheNextServerIfOneFails) {
  FakeUpstream first{code_answer(2)};
  FakeUpstream second{code_answer(5), 2, first.port()};
  FakeUpstream third{address_answer(3), 3, first.port()};
  write_host("nameserver 127.0.0.1\nnameserver 127.0.0.2\nnameserver 127.0.0.3\nnameserver 127.0.0.4\n");
  start(first.port());
  EXPECT_THAT(text_of(ask("a.test")), HasSubstr("A\t192.0.2.3\n"));
  EXPECT_THAT(text_of(ask_tcp("b.test")), HasSubstr("A\t192.0.2.3\n"));
  EXPECT_EQ(first.asked() + second.asked(), 4);
}

TEST_F(DnsServer, AsksTheNextServerIfNobodyListens) {
  FakeUpstream second{address_answer(2), 2};
  write_host("nameserver 127.0.0.1\nnameserver 127.0.0.2\n");
  start(second.port());
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_THAT(text_of(ask("a.test")), HasSubstr("A\t192.0.2.2\n"));
  EXPECT_THAT(text_of(ask_tcp("b.test")), HasSubstr("A\t192.0.2.2\n"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, settings_.patience);
}

TEST_F(DnsServer, AsksTheNextServerIfOneIsSilentAndThatOneLaterLast) {
  FakeUpstream first{silence};
  FakeUpstream second{address_answer(2), 2, first.port()};
  write_host("nameserver 127.0.0.1\nnameserver 127.0.0.2\n");
  start(first.port());
  EXPECT_THAT(text_of(ask("a.test")), HasSubstr("A\t192.0.2.2\n"));
  EXPECT_EQ(first.asked(), 1);
  EXPECT_THAT(text_of(ask("b.test")), HasSubstr("A\t192.0.2.2\n"));
  EXPECT_EQ(first.asked(), 1);
}

TEST_F(DnsServer, AsksAgainIfTheOnlyServerIsSilent) {
  std::atomic<int> count = 0;
  FakeUpstream upstream{[&](const std::string& query, bool) -> std::optional<std::string> {
    return ++count < 3 ? std::nullopt : address_answer(1)(query, false);
  }};
  start(upstream.port());
  EXPECT_THAT(text_of(ask("a.test")), HasSubstr("A\t192.0.2.1\n"));
  EXPECT_EQ(upstream.asked(), 3);
}

TEST_F(DnsServer, GivesUpInTime) {
  FakeUpstream upstream{silence};
  start(upstream.port());
  EXPECT_EQ(code_of(ask("a.test")), 2U);
  EXPECT_EQ(code_of(ask_tcp("b.test")), 2U);
}

TEST_F(DnsServer, DoesNotBelieveAnswersToWhatItHasNotAsked) {
  FakeUpstream upstream{[](const std::string& query, bool) -> std::optional<std::string> {
    auto other = query;
    other[1] = static_cast<char>(other[1] + 1);
    return answer_to(other, {{.content = v4(6, 6, 6, 6)}});
  }};
  start(upstream.port());
  EXPECT_EQ(code_of(ask("a.test")), 2U);
}

TEST_F(DnsServer, KeepsAnswersForAWhile) {
  FakeUpstream upstream{address_answer(1)};
  start(upstream.port());
  for (int i = 0; i < 5; ++i) EXPECT_THAT(text_of(ask("A.test")), HasSubstr("A\t192.0.2.1\n"));
  EXPECT_THAT(text_of(ask_tcp("a.test", {.id = 8})), HasSubstr("A\t192.0.2.1\n"));
  EXPECT_EQ(upstream.asked(), 1);
  EXPECT_EQ(code_of(ask("a.test", {.type = 28})), 0U);
  EXPECT_EQ(upstream.asked(), 2);
}

TEST_F(DnsServer, KeepsThatANameIsNotThere) {
  FakeUpstream upstream{code_answer(3)};
  start(upstream.port());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(code_of(ask("a.test")), 3U);
  EXPECT_EQ(upstream.asked(), 1);
}

TEST_F(DnsServer, ReadsTheHostsServersAgainWhenTheyChange) {
  FakeUpstream first{address_answer(1)};
  FakeUpstream second{address_answer(2), 2, first.port()};
  start(first.port());
  EXPECT_THAT(text_of(ask("a.test")), HasSubstr("A\t192.0.2.1\n"));
  write_host("nameserver 127.0.0.2\n");
  EXPECT_TRUE(eventually([&] { return text_of(ask("a.test")).contains("A\t192.0.2.2\n"); }));
}

TEST_F(DnsServer, PrefersTheServersOfTheContainer) {
  FakeUpstream host{address_answer(1)};
  FakeUpstream own{address_answer(2), 2, host.port()};
  start(host.port(), {.servers = {parse_ip("127.0.0.2")}});
  EXPECT_THAT(text_of(ask("a.test")), HasSubstr("A\t192.0.2.2\n"));
  EXPECT_EQ(host.asked(), 0);
}

TEST_F(DnsServer, AsksNothingFromTheHostForANetworkThatDoesNotLeadOut) {
  FakeUpstream host{address_answer(1)};
  start(host.port(), {.leads_out = false});
  EXPECT_EQ(code_of(ask("a.test")), 2U);
  EXPECT_EQ(host.asked(), 0);
  server_->change("web", {.leads_out = true});
  EXPECT_TRUE(eventually([&] { return code_of(ask("a.test")) == 0U; }));
}

TEST_F(DnsServer, DoesNotAskItself) {
  start(1, {.servers = {parse_ip("127.0.0.11")}});
  EXPECT_EQ(code_of(ask("a.test")), 2U);
}

TEST_F(DnsServer, LeavesNamesWithoutADotToTheSearchDomainsIfAsked) {
  FakeUpstream upstream{code_answer(3)};
  start(upstream.port(), {.options = {"ndots:1"}});
  EXPECT_EQ(code_of(ask("alone")), 0U);
  EXPECT_EQ(code_of(ask("alone", {.type = 28})), 0U);
  EXPECT_EQ(upstream.asked(), 0);
  EXPECT_EQ(code_of(ask("not.alone")), 3U);
  server_->change("web", {});
  EXPECT_TRUE(eventually([&] { return code_of(ask("alone")) == 3U; }));
}

TEST_F(DnsServer, RefusesMoreThanItMayHaveInFlight) {
  settings_.queries_of_sandbox = 3;
  settings_.give_up = 10s;
  FakeUpstream upstream{silence};
  start(upstream.port());
  const auto socket = connect(SOCK_DGRAM);
  for (unsigned i = 0; i < 5; ++i) write_all(socket, query("a.test", {.id = i}));
  for (int i = 0; i < 2; ++i) EXPECT_EQ(code_of(receive(socket)), 5U);
  EXPECT_EQ(answers_in(ask("web")), 2U);
}

}  // namespace
}  // namespace berth::dns::test

#include "dns/dns.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "server_fixture.hpp"

namespace berth::dns::test {
namespace {

using testing::HasSubstr;

TEST_F(DnsServer, AnswersNamesOfTheZoneInAnyLetters) {
  start(1);
  for (const auto* name : {"web", "WEB", "web.mynet", "Web.MyNet"}) {
    const auto text = text_of(ask(name));
    EXPECT_THAT(text, HasSubstr("\t600\tIN\tA\t172.18.0.2\n")) << name;
    EXPECT_THAT(text, HasSubstr("\t600\tIN\tA\t172.18.0.3\n")) << name;
  }
}

TEST_F(DnsServer, SaysAddressesInTurns) {
  start(1);
  std::map<std::string, int> first;
  for (int i = 0; i < 60; ++i) ++first[ask("web").substr(12 + 9 + 12, 4)];
  EXPECT_EQ(first.size(), 2U);
}

TEST_F(DnsServer, KnowsThatANameHasNoAddressOfAKindAndAsksNobody) {
  FakeUpstream upstream{address_answer(1)};
  start(upstream.port());
  for (const unsigned type : {28U, 15U, 16U, 65U}) {
    const auto answer = ask("web", {.type = type});
    EXPECT_EQ(code_of(answer), 0U);
    EXPECT_EQ(answers_in(answer), 0U);
  }
  EXPECT_EQ(answers_in(ask("web", {.type = 255})), 2U);
  EXPECT_EQ(upstream.asked(), 0);
}

TEST_F(DnsServer, KnowsTheNameOfAnAddress) {
  FakeUpstream upstream{code_answer(3)};
  start(upstream.port());
  EXPECT_THAT(text_of(ask("2.0.18.172.in-addr.arpa", {.type = 12})), HasSubstr("PTR\tweb.mynet.\n"));
  EXPECT_EQ(code_of(ask("9.0.18.172.in-addr.arpa", {.type = 12})), 3U);
  EXPECT_EQ(upstream.asked(), 1);
}

TEST_F(DnsServer, CutsAnAnswerThatIsTooLongAndSaysItWholeOverTcp) {
  start(1);
  const auto cut = ask("many");
  EXPECT_TRUE(is_truncated(cut));
  EXPECT_LE(cut.size(), 512U);
  EXPECT_EQ(answers_in(ask("many", {.udp_size = 4096})), 100U);
  EXPECT_EQ(answers_in(ask_tcp("many")), 100U);
}

TEST_F(DnsServer, AnswersManyQueriesOnOneConnection) {
  start(1);
  const auto socket = connect(SOCK_STREAM);
  const auto asked = framed(query("web"));
  std::string received;
  const auto receive_answers = [&](std::size_t count) {
    const std::size_t size = 2 + 12 + name("web").size() + 4 + std::size_t{2} * 16;
    while (received.size() < count * size && wait_readable(socket, 3s)) received += receive(socket);
    return received.size() == count * size;
  };
  write_all(socket, asked + asked + asked.substr(0, 5));
  EXPECT_TRUE(receive_answers(2));
  write_all(socket, asked.substr(5));
  EXPECT_TRUE(receive_answers(3));
}

TEST_F(DnsServer, AnswersWhoHasEndedItsSide) {
  FakeUpstream upstream{address_answer(1)};
  start(upstream.port());
  const auto socket = connect(SOCK_STREAM);
  write_all(socket, framed(query("a.test")));
  ::shutdown(socket.get(), SHUT_WR);
  EXPECT_EQ(answers_in(receive_framed(socket)), 1U);
  EXPECT_TRUE(wait_readable(socket, 3s));
  EXPECT_EQ(receive(socket), "");
}

TEST_F(DnsServer, ClosesConnectionsThatAskNothing) {
  settings_.idle = 50ms;
  start(1);
  const auto socket = connect(SOCK_STREAM);
  EXPECT_TRUE(wait_readable(socket, 3s));
  EXPECT_EQ(receive(socket), "");
}

TEST_F(DnsServer, ClosesConnectionsBeyondTheLimit) {
  settings_.connections_of_sandbox = 2;
  start(1);
  const auto first = connect(SOCK_STREAM);
  const auto second = connect(SOCK_STREAM);
  const auto third = connect(SOCK_STREAM);
  EXPECT_TRUE(wait_readable(third, 3s));
  EXPECT_EQ(receive(third), "");
  write_all(first, framed(query("web")));
  EXPECT_EQ(answers_in(receive_framed(first)), 2U);
}

TEST_F(DnsServer, RefusesWhatIsMalformedAndGoesOn) {
  start(1);
  EXPECT_EQ(code_of(ask_bytes(query("web").substr(0, 15))), 1U);
  EXPECT_EQ(code_of(ask("web", {.flags = 4U << 11U})), 4U);
  EXPECT_EQ(code_of(ask("broken")), 2U);
  EXPECT_EQ(answers_in(ask("web")), 2U);
}

TEST_F(DnsServer, ClosesTheSocketsOfWhatIsRemoved) {
  start(1);
  EXPECT_EQ(answers_in(ask("web")), 2U);
  server_->remove("web");
  server_->remove("nobody");
  server_->change("web", {});
  // The port is free again once the thread has done it.
  EXPECT_TRUE(eventually([&] { return static_cast<bool>(make_socket(SOCK_DGRAM, loopback(1, port_))); }));
}

TEST_F(DnsServer, IsRemovedWithQueriesInFlight) {
  FakeUpstream upstream{silence};
  start(upstream.port());
  const auto tcp = connect(SOCK_STREAM);
  write_all(tcp, framed(query("a.test")));
  const auto udp = connect(SOCK_DGRAM);
  write_all(udp, query("a.test"));
  while (upstream.asked() < 1) std::this_thread::yield();
  server_->remove("web");
  EXPECT_TRUE(wait_readable(tcp, 3s));
  EXPECT_EQ(receive(tcp), "");
  server_.reset();
}

TEST_F(DnsServer, AnswersThousandsOfQueries) {
  FakeUpstream upstream{address_answer(1, 0)};
  start(upstream.port());
  constexpr unsigned count = 4000;
  constexpr unsigned window = 40;
  const auto socket = connect(SOCK_DGRAM);
  std::set<std::string> answered;
  for (unsigned sent = 0, begun = 0; sent < count; sent = begun) {
    for (; begun < sent + window; ++begun)
      write_all(socket, query(begun % 4 == 0 ? "x" + std::to_string(begun) + ".test" : "web", {.id = begun}));
    for (unsigned i = 0; i < window && wait_readable(socket, 3s); ++i) {
      const auto answer = receive(socket);
      if (code_of(answer) == 0 && answers_in(answer) > 0) answered.insert(answer.substr(0, 2));
    }
  }
  EXPECT_EQ(answered.size(), count);
}

}  // namespace
}  // namespace berth::dns::test

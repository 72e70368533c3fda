#include "dns/message.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wire.hpp"

namespace berth::dns {
namespace {

using std::chrono::seconds;
using test::Asked;
using testing::HasSubstr;

Bytes bytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

Query parse(const std::string& text) {
  auto parsed = Parsed::parse(bytes(text));
  EXPECT_TRUE(parsed.query.has_value());
  return std::move(parsed.query).value();
}

TEST(DnsQuery, IsRead) {
  const auto query = parse(test::query("WEB.MyNet", {.type = 28, .id = 77, .udp_size = 1232}));
  EXPECT_EQ(query.id(), 77);
  EXPECT_EQ(query.type(), Type::aaaa);
  EXPECT_EQ(query.name(), "web.mynet");
  EXPECT_EQ(query.udp_size(), 1232U);
  EXPECT_TRUE(query.is_internet());
}

TEST(DnsQuery, TakesAtLeast512Bytes) {
  EXPECT_EQ(parse(test::query("web")).udp_size(), 512U);
  EXPECT_EQ(parse(test::query("web", {.udp_size = 100})).udp_size(), 512U);
}

TEST(DnsQuery, WithOddBytesInItsNameIsNobodysHere) {
  EXPECT_EQ(parse(test::query(std::string_view{"we b", 4})).name(), "");
  EXPECT_EQ(parse(test::query("")).name(), "");
}

TEST(DnsQuery, ForANameOfAnAddressSaysTheAddress) {
  EXPECT_EQ(parse(test::query("2.0.18.172.in-addr.arpa")).reverse_address(), parse_ip("172.18.0.2"));
  EXPECT_EQ(
      parse(test::query("2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0.1.0.0.2.ip6.arpa")).reverse_address(),
      parse_ip("2001:db8::2"));
  for (const auto* name : {"0.18.172.in-addr.arpa", "256.0.18.172.in-addr.arpa", "x.0.18.172.in-addr.arpa",
                           "1.2.0.18.172.in-addr.arpa", "2.ip6.arpa", "web", "in-addr.arpa"}) {
    EXPECT_EQ(parse(test::query(name)).reverse_address(), std::nullopt) << name;
  }
}

TEST(DnsQuery, ThatIsAnAnswerOrTooShortIsIgnored) {
  for (const auto& message : {std::string{}, std::string{"\x12\x34\x01", 3}, test::query("web", {.flags = 0x8180})}) {
    const auto parsed = Parsed::parse(bytes(message));
    EXPECT_FALSE(parsed.query);
    EXPECT_EQ(parsed.refusal, "");
  }
}

TEST(DnsQuery, ThatIsMalformedIsRefusedWithItsId) {
  const auto whole = test::query("web.mynet");
  auto no_question = whole.substr(0, 12);
  no_question[5] = 0;
  auto two_questions = whole + whole.substr(12);
  two_questions[5] = 2;
  auto label_beyond_the_end = whole;
  label_beyond_the_end[12] = 63;
  auto loop = whole.substr(0, 12) + "\xc0\x0c" + test::number(1) + test::number(1);
  auto into_the_header = whole.substr(0, 12) + std::string{"\xc0\x0a", 2} + test::number(1) + test::number(1);
  for (const auto& message : {no_question, two_questions, label_beyond_the_end, loop, into_the_header,
                              whole.substr(0, 14), whole.substr(0, whole.size() - 1)}) {
    const auto parsed = Parsed::parse(bytes(message));
    EXPECT_FALSE(parsed.query);
    ASSERT_EQ(parsed.refusal.size(), 12U);
    EXPECT_EQ(parsed.refusal.substr(0, 2), message.substr(0, 2));
    EXPECT_EQ(test::code_of(parsed.refusal), 1U);
  }
}

TEST(DnsQuery, OfAnotherKindThanAQuestionIsNotImplemented) {
  const auto update = test::query("web", {.flags = 5U << 11U});
  EXPECT_EQ(test::code_of(Parsed::parse(bytes(update)).refusal), 4U);
}

TEST(DnsAnswer, HasTheAddressesAndTenMinutes) {
  const auto query = parse(test::query("Web.mynet", {.id = 0x4321}));
  const std::vector addresses{parse_ip("172.18.0.2"), parse_ip("172.18.0.3")};
  const auto text = test::text_of(write_answer(query, addresses, 512));
  EXPECT_THAT(text, HasSubstr("rcode: NOERROR, id: 17185"));
  EXPECT_THAT(text, HasSubstr("flags: qr rd ra ; QUERY: 1, ANSWER: 2"));
  EXPECT_THAT(text, HasSubstr("Web.mynet.\t600\tIN\tA\t172.18.0.2\nWeb.mynet.\t600\tIN\tA\t172.18.0.3\n"));
}

TEST(DnsAnswer, OfSixthVersionAddresses) {
  const auto query = parse(test::query("web", {.type = 28, .udp_size = 1232}));
  const auto text = test::text_of(write_answer(query, std::vector{parse_ip("2001:db8::2")}, 1232));
  EXPECT_THAT(text, HasSubstr("web.\t600\tIN\tAAAA\t2001:db8::2\n"));
  EXPECT_THAT(text, HasSubstr("EDNS: version 0; flags: ; udp: 4096"));
}

TEST(DnsAnswer, ThatDoesNotFitSaysSoAndIsNoLonger) {
  std::vector<IpAddress> addresses;
  for (std::uint32_t i = 0; i < 200; ++i) addresses.push_back(IpAddress::v4(0x0a000000 + i));
  const auto query = parse(test::query("web.mynet", {.udp_size = 1232}));
  for (const std::size_t limit : {512U, 513U, 527U, 528U, 1232U}) {
    const auto answer = write_answer(query, addresses, limit);
    EXPECT_LE(answer.size(), limit);
    EXPECT_GT(answer.size(), limit - 16);
    EXPECT_TRUE(test::is_truncated(answer));
  }
  const auto whole = write_answer(query, addresses, max_message);
  EXPECT_FALSE(test::is_truncated(whole));
  EXPECT_EQ(test::answers_in(whole), 200U);
}

TEST(DnsAnswer, ToAQueryForANameIsTheName) {
  const auto query = parse(test::query("2.0.18.172.in-addr.arpa", {.type = 12}));
  EXPECT_THAT(test::text_of(write_name_answer(query, "web.mynet")),
              HasSubstr("2.0.18.172.in-addr.arpa.\t600\tIN\tPTR\tweb.mynet.\n"));
  EXPECT_EQ(test::code_of(write_name_answer(query, std::string(300, 'x'))), 2U);
}

TEST(DnsAnswer, TellsWhoWantsAnotherVersionOfEdns) {
  const auto query = parse(test::query("web", {.udp_size = 1232, .edns_version = 1}));
  EXPECT_TRUE(query.has_bad_version());
  EXPECT_THAT(test::text_of(write_answer(query, Code::bad_version)), HasSubstr("ext-rcode: 1"));
}

TEST(DnsUpstreamAnswer, MustHaveTheIdAndTheQuestion) {
  const auto asked = test::query("Example.test");
  const auto query = parse(asked);
  const auto good = test::answer_to(asked, {});
  EXPECT_TRUE(answers(bytes(good), query, 0x1234));
  EXPECT_TRUE(answers(bytes(test::answer_to(test::query("example.TEST"), {})), query, 0x1234));
  EXPECT_FALSE(answers(bytes(good), query, 0x1235));
  EXPECT_FALSE(answers(bytes(asked), query, 0x1234));
  EXPECT_FALSE(answers(bytes(test::answer_to(test::query("example.tesu"), {})), query, 0x1234));
  EXPECT_FALSE(answers(bytes(test::answer_to(test::query("Example.test", {.type = 28}), {})), query, 0x1234));
  EXPECT_FALSE(answers(bytes(good.substr(0, 11)), query, 0x1234));
  EXPECT_FALSE(answers(bytes(good.substr(0, 20)), query, 0x1234));
  const auto no_question = std::string{"\x12\x34\x81\x81\0\0\0\0\0\0\0\0", 12};
  EXPECT_TRUE(answers(bytes(no_question), query, 0x1234));
}

TEST(DnsUpstreamAnswer, HoldsAsLongAsItsShortestRecord) {
  const auto asked = test::query("a.test");
  const auto lifetime = [&](const std::string& message) { return Answer::parse(bytes(message))->lifetime; };
  EXPECT_EQ(lifetime(test::answer_to(
                asked, {{.ttl = 60, .content = test::v4(1, 1, 1, 1)}, {.ttl = 20, .content = test::v4(1, 1, 1, 2)}})),
            seconds{20});
  EXPECT_EQ(lifetime(test::answer_to(asked, {{.ttl = 0, .content = test::v4(1, 1, 1, 1)}})), seconds{0});
  EXPECT_EQ(lifetime(test::answer_to(asked, {{.ttl = 60'000, .content = test::v4(1, 1, 1, 1)}})), seconds{300});
  EXPECT_EQ(lifetime(test::answer_to(asked, {}, 3, 0x8180, 10)), seconds{10});
  EXPECT_EQ(lifetime(test::answer_to(asked, {}, 3, 0x8180, 600)), seconds{30});
  EXPECT_EQ(lifetime(test::answer_to(asked, {}, 3)), seconds{0});
  EXPECT_EQ(lifetime(test::answer_to(asked, {}, 2, 0x8180, 10)), seconds{0});
  EXPECT_EQ(lifetime(test::answer_to(asked, {{.content = test::v4(1, 1, 1, 1)}}, 0, 0x8380)), seconds{0});
  EXPECT_FALSE(Answer::parse(bytes(test::answer_to(asked, {{.content = "x"}}).substr(0, 30))));
}

TEST(DnsUpstreamAnswer, IsToldAgainOlderAndInTheAskersLetters) {
  const auto kept = test::answer_to(test::query("a.test"), {{.ttl = 60, .content = test::v4(1, 1, 1, 1)}});
  const auto query = parse(test::query("A.tESt", {.id = 9}));
  const auto again = write_kept_answer(query, bytes(kept), seconds{15});
  ASSERT_TRUE(again);
  EXPECT_THAT(test::text_of(*again), HasSubstr("id: 9\n"));
  EXPECT_THAT(test::text_of(*again), HasSubstr("\t45\tIN\tA\t1.1.1.1\n"));
  EXPECT_EQ(again->substr(12, 8), test::name("A.tESt"));
}

TEST(DnsCacheKey, IsEqualForQueriesWithEqualAnswers) {
  const auto key = [](const std::string& name, const Asked& asked) {
    return parse(test::query(name, asked)).cache_key();
  };
  EXPECT_EQ(key("a.test", {.id = 1}), key("A.TEST", {.id = 2}));
  EXPECT_NE(key("a.test", {}), key("a.test", {.type = 28}));
  EXPECT_NE(key("a.test", {}), key("b.test", {}));
  EXPECT_NE(key("a.test", {}), key("a.test", {.udp_size = 1232}));
  EXPECT_NE(key("a.test", {}), key("a.test", {.flags = 0x0110}));
  EXPECT_EQ(key("a.test", {.udp_size = 1232,
                           .options = std::string{"\0\x0a\0\x08"
                                                  "12345678",
                                                  12}}),
            "");
}

}  // namespace
}  // namespace berth::dns

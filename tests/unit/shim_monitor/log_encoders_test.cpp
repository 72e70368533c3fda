#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

#include "shim/monitor/log_fluentd.hpp"
#include "shim/monitor/log_journald.hpp"
#include "shim/monitor/log_syslog.hpp"

namespace berth::shim {
namespace {

using std::string_literals::operator""s;

class LogEncoders : public testing::Test {
 protected:
  LogEncoders() {
    ::setenv("TZ", "XYZ-01:30", 1);
    ::tzset();
    receiver.tag = "0123456789ab";
    receiver.hostname = "box";
  }
  ~LogEncoders() override {
    ::unsetenv("TZ");
    ::tzset();
  }

  [[nodiscard]] std::string syslog(std::string format) {
    receiver.format = std::move(format);
    std::string out;
    SyslogEncoder{receiver, 42}.append(out, entry);
    return out;
  }
  [[nodiscard]] std::string fluentd() const {
    std::string out;
    FluentdEncoder{receiver}.append(out, entry);
    return out;
  }
  [[nodiscard]] std::string journald() const {
    std::string out;
    JournaldEncoder{receiver}.append(out, entry);
    return out;
  }

  LogReceiver receiver;
  LogEntry entry{.text = "hello", .time = *parse_rfc3339("2026-11-02T07:51:53.1234567Z")};
};

TEST_F(LogEncoders, SyslogWithoutAFormatHasLocalTimeAndNoHostName) {
  EXPECT_EQ(syslog(""), "<30>Nov  2 09:21:53 0123456789ab[42]: hello\n");
}

TEST_F(LogEncoders, SyslogsOldFormatHasTheHostName) {
  EXPECT_EQ(syslog("rfc3164"), "<30>Nov  2 09:21:53 box 0123456789ab[42]: hello\n");
}

TEST_F(LogEncoders, SyslogsNewFormatHasTheTagAsNameAndAsMessageId) {
  EXPECT_EQ(syslog("rfc5424"), "<30>1 2026-11-02T09:21:53+01:30 box 0123456789ab 42 0123456789ab - hello\n");
  EXPECT_EQ(syslog("rfc5424micro"),
            "<30>1 2026-11-02T09:21:53.123456+01:30 box 0123456789ab 42 0123456789ab - hello\n");
}

TEST_F(LogEncoders, SyslogLeavesZerosOutOfAFractionAsGoDoes) {
  entry.time = *parse_rfc3339("2026-11-02T07:51:53.12Z");
  EXPECT_TRUE(syslog("rfc5424micro").starts_with("<30>1 2026-11-02T09:21:53.12+01:30 "));
  entry.time = *parse_rfc3339("2026-11-02T07:51:53Z");
  EXPECT_TRUE(syslog("rfc5424micro").starts_with("<30>1 2026-11-02T09:21:53+01:30 "));
}

TEST_F(LogEncoders, SyslogTellsErrorsFromOutputAndTheFacility) {
  entry.stream = Stream::err;
  receiver.facility = 16;
  EXPECT_TRUE(syslog("").starts_with("<131>"));
}

TEST_F(LogEncoders, FluentdGetsTagTimeRecordAndOptions) {
  receiver.tag = "t";
  receiver.fields = {{"container_id", "c"}};
  EXPECT_EQ(fluentd(),
            "\x94\xa1t\xce\x6a\xe8\x41\x19"s
            "\x83\xac"s
            "container_id\xa1"s
            "c\xa6source\xa6stdout\xa3log\xa5hello"s
            "\x80"s);
}

TEST_F(LogEncoders, FluentdGetsNanosecondsIfItWantsThem) {
  receiver.tag = "t";
  receiver.sub_second = true;
  EXPECT_TRUE(fluentd().starts_with("\x94\xa1t\xd7\x00\x6a\xe8\x41\x19\x07\x5b\xcc\xbc"s));
}

TEST_F(LogEncoders, FluentdGetsLongTextsWithLongerLengths) {
  const std::string text(300, 'x');
  entry.text = text;
  EXPECT_TRUE(fluentd().contains("\xa3log\xda\x01\x2c"s + text));
}

TEST_F(LogEncoders, FluentdLearnsWhichPiecesMakeALine) {
  entry.partial_id = "p";
  entry.ordinal = 2;
  entry.last = false;
  EXPECT_TRUE(
      fluentd().contains("\xafpartial_message\xa4true\xaapartial_id\xa1p\xafpartial_ordinal\xa1"s
                         "2"s
                         "\xacpartial_last\xa5"
                         "false\x80"s));
}

TEST_F(LogEncoders, FluentdIsAskedToAcknowledgeAMessageByAnIdOfItsOwn) {
  receiver.request_ack = true;
  const auto message = fluentd();
  const auto chunk = FluentdEncoder::acknowledgement(message);
  EXPECT_EQ(chunk.size(), 24U);
  EXPECT_TRUE(
      message.ends_with("\x81\xa5"
                        "chunk\xb8" +
                        chunk));
  EXPECT_NE(fluentd(), message);
}

TEST_F(LogEncoders, TheJournalGetsOneFieldALine) {
  receiver.fields = {{"CONTAINER_NAME", "web"}};
  const auto message = journald();
  EXPECT_TRUE(message.starts_with("PRIORITY=6\nMESSAGE=hello\nCONTAINER_NAME=web\nCONTAINER_LOG_EPOCH="));
  EXPECT_TRUE(message.ends_with("\nCONTAINER_LOG_ORDINAL=1\nSYSLOG_TIMESTAMP=2026-11-02T07:51:53.1234567Z\n"));
  entry.stream = Stream::err;
  EXPECT_TRUE(journald().starts_with("PRIORITY=3\n"));
}

TEST_F(LogEncoders, TheJournalGetsAValueOfSeveralLinesWithItsLength) {
  receiver.fields = {{"LABEL", "a\nb"}};
  EXPECT_TRUE(journald().contains("\nLABEL\n\x03\0\0\0\0\0\0\0a\nb\n"s));
}

TEST_F(LogEncoders, TheJournalLearnsWhichPiecesMakeALine) {
  entry.partial_id = "p";
  entry.ordinal = 1;
  entry.last = false;
  EXPECT_TRUE(
      journald().ends_with("CONTAINER_PARTIAL_ID=p\nCONTAINER_PARTIAL_ORDINAL=1\nCONTAINER_PARTIAL_LAST=false\n"
                           "CONTAINER_PARTIAL_MESSAGE=true\n"));
  entry.last = true;
  EXPECT_TRUE(journald().ends_with("CONTAINER_PARTIAL_LAST=true\n"));
}

}  // namespace
}  // namespace berth::shim

#include "base/time.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace berth {
namespace {

TEST(Time, Rfc3339DropsTrailingZeros) {
  EXPECT_EQ(to_rfc3339(*parse_rfc3339("2026-11-21T07:51:53.120Z")), "2026-11-21T07:51:53.12Z");
  EXPECT_EQ(to_rfc3339(*parse_rfc3339("2026-11-21T07:51:53Z")), "2026-11-21T07:51:53Z");
  EXPECT_EQ(to_rfc3339_fixed(*parse_rfc3339("2026-11-21T07:51:53Z")), "2026-11-21T07:51:53.000000000Z");
}

TEST(Time, OffsetsAreTakenOff) {
  EXPECT_EQ(to_rfc3339(*parse_rfc3339("2026-11-21T01:30:00+02:00")), "2026-11-20T23:30:00Z");
}

TEST(Time, MalformedTextIsNoTime) {
  for (const auto* text : {"", "2026", "2026-13-01T00:00:00Z", "2026-11-21T07:51:53", "2026-11-21T07:51:53.Z"}) {
    EXPECT_FALSE(parse_rfc3339(text)) << text;
  }
}

TEST(Time, TimestampsAreUnixRfcOrDuration) {
  EXPECT_EQ(to_rfc3339(parse_timestamp("1700000000.5")), "2023-11-14T22:13:20.5Z");
  EXPECT_EQ(to_rfc3339(parse_timestamp("2026-11-21")), "2026-11-21T00:00:00Z");
  EXPECT_LT(parse_timestamp("10m"), now());
  EXPECT_THROW(parse_timestamp("yesterday"), Error);
  EXPECT_EQ(parse_timestamp("99999999999"), Time::max());
  EXPECT_EQ(parse_timestamp("-99999999999"), Time::min());
}

TEST(Time, DurationsAreGos) {
  using namespace std::chrono_literals;
  EXPECT_EQ(*parse_duration("1h30m"), 90min);
  EXPECT_EQ(*parse_duration("1.5s"), 1500ms);
  EXPECT_EQ(*parse_duration("-2ms"), -2ms);
  EXPECT_FALSE(parse_duration("5"));
  EXPECT_FALSE(parse_duration("5 minutes"));
}

TEST(Time, DurationsArePrintedAsGoDoes) {
  using namespace std::chrono_literals;
  EXPECT_EQ(format_duration(0s), "0s");
  EXPECT_EQ(format_duration(30s), "30s");
  EXPECT_EQ(format_duration(90s), "1m30s");
  EXPECT_EQ(format_duration(1h), "1h0m0s");
  EXPECT_EQ(format_duration(1500ms), "1.5s");
  EXPECT_EQ(format_duration(61'001ms), "1m1.001s");
  EXPECT_EQ(format_duration(1ms), "1ms");
  EXPECT_EQ(format_duration(1'500us), "1.5ms");
  EXPECT_EQ(format_duration(2us), "2µs");
  EXPECT_EQ(format_duration(7ns), "7ns");
  EXPECT_EQ(format_duration(-90s), "-1m30s");
}

TEST(TimeWriter, WritesAsTheFunctionsDo) {
  TimeWriter writer;
  const auto second = *parse_rfc3339("2026-11-21T07:51:53Z");
  for (const long nanos : {0L, 1L, 120'000'000L, 999'999'999L, 1'000'000'000L, 0L, 10L}) {
    const auto time = second + std::chrono::nanoseconds{nanos};
    EXPECT_EQ(writer.rfc3339(time), to_rfc3339(time));
    EXPECT_EQ(writer.rfc3339_fixed(time), to_rfc3339_fixed(time));
  }
}

}  // namespace
}  // namespace berth

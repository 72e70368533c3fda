#include "containers/signals.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace berth::containers {
namespace {

TEST(Signals, NamesAndNumbersInAllForms) {
  EXPECT_EQ(parse_signal("KILL"), 9);
  EXPECT_EQ(parse_signal("SIGKILL"), 9);
  EXPECT_EQ(parse_signal("sigterm"), 15);
  EXPECT_EQ(parse_signal("15"), 15);
  EXPECT_EQ(parse_signal("SIGRTMIN"), 34);
  EXPECT_EQ(parse_signal("RTMIN+3"), 37);
  EXPECT_EQ(parse_signal("SIGRTMAX-1"), 63);
}

TEST(Signals, OtherWordsAreRefused) {
  for (const auto* text : {"", "0", "-1", "65", "SIG", "SIGNOPE", "RTMIN+99", "9x"}) {
    EXPECT_THROW(parse_signal(text), Error) << text;
  }
}

}  // namespace
}  // namespace berth::containers

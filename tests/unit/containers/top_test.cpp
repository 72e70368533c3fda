// What of ps's output belongs to a container.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "base/error.hpp"
#include "containers/ps_output.hpp"

namespace berth::containers {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string refusal(const std::function<void()>& call) {
  try {
    call();
    return "accepted";
  } catch (const Error& error) {
    return error.message();
  }
}

TEST(PsOutput, LinesOfOtherProcessesAreLeftOut) {
  const auto shown = parse_ps_output("  PID COMMAND\n    1 init\n   42 sleep\n", {42});
  EXPECT_THAT(shown.Titles, ElementsAre("PID", "COMMAND"));
  EXPECT_THAT(shown.Processes_, ElementsAre(ElementsAre("42", "sleep")));
}

TEST(PsOutput, TextBeyondTheLastTitleBelongsToTheLastColumn) {
  const auto shown = parse_ps_output("PID CMD\n7 sh -c   true\n", {7});
  EXPECT_THAT(shown.Processes_, ElementsAre(ElementsAre("7", "sh -c true")));
}

TEST(PsOutput, ThreadsBelongToTheProcessAboveThem) {
  const auto shown = parse_ps_output("PID LWP CMD\n7 - a\n- 7 -\n- 8 -\n9 - b\n- 9 -\n", {7});
  EXPECT_EQ(shown.Processes_.size(), 3U);
  EXPECT_THAT(shown.Processes_.back(), ElementsAre("-", "8", "-"));
}

TEST(PsOutput, WithoutColumnOfProcessIdsItIsRefused) {
  EXPECT_EQ(refusal([] { parse_ps_output("COMMAND\nsleep\n", {1}); }), "Couldn't find PID field in ps output");
  EXPECT_THAT(refusal([] { parse_ps_output("PID CMD\nx y\n", {1}); }), HasSubstr("Unexpected pid 'x'"));
}

TEST(PsArguments, OtherColumnsMustNotBeCalledPid) {
  EXPECT_EQ(refusal([] { check_ps_args("-o pid,comm"); }), "accepted");
  EXPECT_EQ(refusal([] { check_ps_args("-o pid=PID"); }), "accepted");
  EXPECT_EQ(refusal([] { check_ps_args("-o comm=PID"); }), "specifying \"comm=PID\" is not allowed");
  EXPECT_EQ(refusal([] { check_ps_args("-o pid -o comm= PIDX"); }), "specifying \"comm=PIDX\" is not allowed");
}

}  // namespace
}  // namespace berth::containers

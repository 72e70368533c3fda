#include "containers/text.hpp"

#include <gtest/gtest.h>

namespace berth::containers {
namespace {

using namespace std::chrono_literals;

TEST(Text, DurationsAreWordedAsDockers) {
  EXPECT_EQ(human_duration(0s), "Less than a second");
  EXPECT_EQ(human_duration(1s), "1 second");
  EXPECT_EQ(human_duration(59s), "59 seconds");
  EXPECT_EQ(human_duration(60s), "About a minute");
  EXPECT_EQ(human_duration(3min), "3 minutes");
  EXPECT_EQ(human_duration(1h), "About an hour");
  EXPECT_EQ(human_duration(47h), "47 hours");
  EXPECT_EQ(human_duration(72h), "3 days");
  EXPECT_EQ(human_duration(24h * 21), "3 weeks");
  EXPECT_EQ(human_duration(24h * 90), "3 months");
  EXPECT_EQ(human_duration(24h * 365 * 3), "3 years");
}

TEST(Text, StatusTellsStateAndTime) {
  State state;
  const Time at{1'000'000s};
  EXPECT_EQ(status_text(state, at), "Created");
  state.status = Status::running;
  state.started_at = at - 5s;
  EXPECT_EQ(status_text(state, at), "Up 5 seconds");
  state.health = Health{.Status = "starting"};
  EXPECT_EQ(status_text(state, at), "Up 5 seconds (health: starting)");
  state.health->Status = "unhealthy";
  EXPECT_EQ(status_text(state, at), "Up 5 seconds (unhealthy)");
  state.status = Status::paused;
  EXPECT_EQ(status_text(state, at), "Up 5 seconds (Paused)");
  state.status = Status::exited;
  state.exit_code = 137;
  state.finished_at = at - 120s;
  EXPECT_EQ(status_text(state, at), "Exited (137) 2 minutes ago");
}

TEST(Text, ArgumentsWithBlanksAreQuoted) {
  EXPECT_EQ(command_text("sh", {"-c", "echo hello"}), "sh -c 'echo hello'");
}

}  // namespace
}  // namespace berth::containers

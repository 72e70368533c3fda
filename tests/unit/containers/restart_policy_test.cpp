#include "containers/restart_policy.hpp"

#include <gtest/gtest.h>

namespace berth::containers {
namespace {

using std::chrono::milliseconds;

State ended(int exit_code) {
  State state;
  state.status = Status::exited;
  state.started_at = now();
  state.exit_code = exit_code;
  return state;
}

TEST(RestartPolicy, NoneRestartsNothing) {
  EXPECT_FALSE(is_restarted({"no", 0}, {}, {.exit_code = 1}));
  EXPECT_FALSE(is_restarted({"", 0}, {}, {.exit_code = 1}));
}

TEST(RestartPolicy, AlwaysRestartsWhateverTheExitCode) {
  EXPECT_TRUE(is_restarted({"always", 0}, {}, {.exit_code = 0}));
  EXPECT_TRUE(is_restarted({"always", 0}, {}, {.exit_code = 1}));
}

TEST(RestartPolicy, NothingRestartsWhatWasStopped) {
  for (const char* name : {"always", "unless-stopped", "on-failure"}) {
    EXPECT_FALSE(is_restarted({name, 0}, {}, {.exit_code = 1, .ends_for_good = true})) << name;
  }
}

TEST(RestartPolicy, OnFailureWantsAFailureAndATryLeft) {
  State state;
  state.restart_count = 2;
  EXPECT_FALSE(is_restarted({"on-failure", 0}, state, {.exit_code = 0}));
  EXPECT_TRUE(is_restarted({"on-failure", 0}, state, {.exit_code = 1}));
  EXPECT_TRUE(is_restarted({"on-failure", 3}, state, {.exit_code = 1}));
  EXPECT_FALSE(is_restarted({"on-failure", 2}, state, {.exit_code = 1}));
}

TEST(RestartPolicy, UnlessStoppedHeedsASignalByTheUser) {
  State state;
  EXPECT_TRUE(is_restarted({"unless-stopped", 0}, state, {}));
  state.manually_stopped = true;
  EXPECT_FALSE(is_restarted({"unless-stopped", 0}, state, {}));
}

TEST(RestartPolicy, TheWaitDoublesUpToAMinute) {
  EXPECT_EQ(restart_delay(milliseconds{0}, milliseconds{5}), milliseconds{100});
  EXPECT_EQ(restart_delay(milliseconds{100}, milliseconds{5}), milliseconds{200});
  EXPECT_EQ(restart_delay(milliseconds{51'200}, milliseconds{5}), milliseconds{60'000});
  EXPECT_EQ(restart_delay(milliseconds{60'000}, milliseconds{5}), milliseconds{60'000});
}

TEST(RestartPolicy, TheWaitIsShortAgainAfterTenSeconds) {
  EXPECT_EQ(restart_delay(milliseconds{51'200}, milliseconds{9'999}), milliseconds{60'000});
  EXPECT_EQ(restart_delay(milliseconds{51'200}, milliseconds{10'000}), milliseconds{100});
}

TEST(RestartPolicy, TheDaemonStartsWhatIsMeantToRun) {
  EXPECT_TRUE(starts_with_daemon({"always", 0}, ended(0)));
  EXPECT_TRUE(starts_with_daemon({"unless-stopped", 0}, ended(0)));
  EXPECT_TRUE(starts_with_daemon({"on-failure", 0}, ended(1)));
  EXPECT_FALSE(starts_with_daemon({"on-failure", 0}, ended(0)));
  EXPECT_FALSE(starts_with_daemon({"no", 0}, ended(1)));
}

TEST(RestartPolicy, TheDaemonStartsWhatWasStoppedOnlyIfItIsAlways) {
  auto state = ended(137);
  state.manually_stopped = true;
  EXPECT_TRUE(starts_with_daemon({"always", 0}, state));
  EXPECT_FALSE(starts_with_daemon({"unless-stopped", 0}, state));
  EXPECT_FALSE(starts_with_daemon({"on-failure", 0}, state));
}

TEST(RestartPolicy, TheDaemonLeavesAloneWhatNeverRan) {
  EXPECT_FALSE(starts_with_daemon({"always", 0}, State{}));
}

}  // namespace
}  // namespace berth::containers

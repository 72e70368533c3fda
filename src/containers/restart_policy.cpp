#include "containers/restart_policy.hpp"

#include <algorithm>

namespace berth::containers {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds first_delay{100};
constexpr milliseconds longest_delay{60'000};
/// A run as long as this counts as a success: the next wait is the shortest again.
constexpr milliseconds good_run{10'000};

bool has_tries_left(const RestartPolicy& policy, const State& state) {
  return policy.MaximumRetryCount == 0 || state.restart_count < policy.MaximumRetryCount;
}

}  // namespace

bool is_restarted(const RestartPolicy& policy, const State& state, const EndedRun& run) {
  if (run.ends_for_good) return false;
  if (policy.Name == "always") return true;
  if (policy.Name == "unless-stopped") return !state.manually_stopped;
  return policy.Name == "on-failure" && run.exit_code != 0 && has_tries_left(policy, state);
}

milliseconds restart_delay(milliseconds last, milliseconds lasted) {
  if (last.count() == 0 || lasted >= good_run) return first_delay;
  return std::min(last * 2, longest_delay);
}

bool starts_with_daemon(const RestartPolicy& policy, const State& state) {
  if (state.started_at == Time::min() || state.running()) return false;
  if (policy.Name == "always") return true;
  if (state.manually_stopped) return false;
  if (policy.Name == "unless-stopped") return true;
  return policy.Name == "on-failure" && state.exit_code != 0 && has_tries_left(policy, state);
}

}  // namespace berth::containers

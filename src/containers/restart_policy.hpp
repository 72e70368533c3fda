// When a container is started again by its restart policy: decisions only.
#pragma once

#include <chrono>

#include "containers/config.hpp"
#include "containers/record.hpp"

namespace berth::containers {

/// A run that has just ended.
struct EndedRun {
  int exit_code = 0;
  std::chrono::milliseconds lasted{0};
  bool ends_for_good = false;  ///< somebody stopped it: no policy starts it again
};

/// `state`: with the count of restarts so far. Source: Docker's "Start containers automatically".
bool is_restarted(const RestartPolicy& policy, const State& state, const EndedRun& run);

/// How long it waits before the next run: 100 ms, doubled each time up to a minute, and 100 ms again after a run of ten
/// seconds. `last`: the wait before; 0 for none.
std::chrono::milliseconds restart_delay(std::chrono::milliseconds last, std::chrono::milliseconds lasted);

/// Whether a daemon that comes up starts a container that does not run. One that never ran is left alone.
bool starts_with_daemon(const RestartPolicy& policy, const State& state);

}  // namespace berth::containers

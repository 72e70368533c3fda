// Health checks: what a container's Healthcheck says, and what the results of its probes make of its health. Pure; the
// probes are run by health_probe.cpp.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/time.hpp"
#include "containers/config.hpp"

namespace berth::containers {

/// One probe, as the Engine API shows it.
struct HealthResult {
  std::string Start, End;  ///< RFC 3339
  std::int64_t ExitCode = 0;
  std::string Output;  ///< at most 4 KiB
};
BOOST_DESCRIBE_STRUCT(HealthResult, (), (Start, End, ExitCode, Output))

/// State.Health of an inspect.
struct Health {
  std::string Status;  ///< starting, healthy or unhealthy
  std::int64_t FailingStreak = 0;
  std::vector<HealthResult> Log;  ///< the last five
};
BOOST_DESCRIBE_STRUCT(Health, (), (Status, FailingStreak, Log))

/// A Healthcheck with its defaults filled in.
struct HealthPlan {
  enum class Probe { none, command, http, tcp };
  Probe probe = Probe::none;
  std::vector<std::string> command;  ///< with the shell, for CMD-SHELL
  std::string target;                ///< URL, or port
  std::chrono::nanoseconds interval{}, timeout{}, start_period{}, start_interval{};
  std::int64_t retries = 0;
};
/// Throws `invalid` for a test of unknown kind.
HealthPlan plan_health(const Config& config);

/// The first word of a run: nothing is known yet.
void begin_health(Health& health);
/// Takes in a result; true if the status has changed by it. Failures within the start period do not count until a probe
/// has succeeded.
bool add_result(Health& health, HealthResult result, const HealthPlan& plan, std::chrono::nanoseconds since_start);
/// From the end of one probe, or the start of the container, to the next.
std::chrono::nanoseconds time_to_next_probe(const Health& health, const HealthPlan& plan,
                                            std::chrono::nanoseconds since_start);

}  // namespace berth::containers

// Health checks: what a container's Healthcheck says, and what the results of its probes make of its health. Pure; the
// probes are run by health_probe.cpp.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "containers/config.hpp"
#include "oci/image_config.hpp"

namespace berth::containers {

/// One probe, as the Engine API shows it.
struct HealthResult {
  std::string Start, End;  ///< RFC 3339
  std::int64_t ExitCode = 0;
  std::string Output;  ///< at most 4 KiB
};
BOOST_DESCRIBE_STRUCT(HealthResult, (), (Start, End, ExitCode, Output))

/// ExitCode of a probe that could not be run, or took too long.
inline constexpr std::int64_t failed_probe_exit_code = -1;

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
  /// What an unhealthy container gets, once until it is healthy or started again.
  enum class OnFailure { none, restart, stop, kill };
  OnFailure on_failure = OnFailure::none;
  std::chrono::nanoseconds interval{}, timeout{}, start_period{}, start_interval{};
  std::int64_t retries = 0;
};
/// A test of a kind that is not known counts as none, as in Docker.
HealthPlan plan_health(const Config& config);

/// Fills in what the image says and the user did not. What is zero is left out then, as in Docker.
void merge_health(std::optional<Healthcheck>& own, const std::optional<oci::ImageHealthcheck>& image);

/// Throws `invalid` with Docker's texts for what makes no sense; a test of a kind that is not known only makes a
/// warning.
void check_health(const Healthcheck& health, std::vector<std::string>& warnings);

/// The first word of a run: nothing is known yet. Results of runs before stay in the log, as in Docker.
void begin_health(std::optional<Health>& health);
/// Takes in a result; true if the status has changed by it. Failures within the start period do not count until a probe
/// has succeeded.
bool add_result(Health& health, HealthResult result, const HealthPlan& plan, std::chrono::nanoseconds since_start);
/// From the end of one probe, or the start of the container, to the next.
std::chrono::nanoseconds time_to_next_probe(const Health& health, const HealthPlan& plan,
                                            std::chrono::nanoseconds since_start);

}  // namespace berth::containers

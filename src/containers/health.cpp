#include "containers/health.hpp"

#include "base/error.hpp"
#include "base/strings.hpp"

namespace berth::containers {
namespace {

using std::chrono::nanoseconds;

constexpr std::size_t max_results = 5;
constexpr std::int64_t default_retries = 3;

nanoseconds duration(std::optional<std::int64_t> given, nanoseconds otherwise) {
  return given.value_or(0) == 0 ? otherwise : nanoseconds{*given};
}

std::vector<std::string> shell_of(const Config& config) {
  if (!config.Shell.empty()) return config.Shell;
  return {"/bin/sh", "-c"};
}

}  // namespace

HealthPlan plan_health(const Config& config) {
  HealthPlan plan;
  if (!config.Healthcheck_ || config.Healthcheck_->Test.empty()) return plan;
  const auto& health = *config.Healthcheck_;
  const auto& kind = health.Test.front();
  const std::vector<std::string> words{health.Test.begin() + 1, health.Test.end()};
  if (kind == "NONE") return plan;
  if (kind == "CMD" || kind == "CMD-SHELL") {
    plan.probe = HealthPlan::Probe::command;
    if (kind == "CMD-SHELL") plan.command = shell_of(config);
    plan.command.insert(plan.command.end(), words.begin(), words.end());
  } else if ((kind == "HTTP" || kind == "TCP") && words.size() == 1) {
    plan.probe = kind == "HTTP" ? HealthPlan::Probe::http : HealthPlan::Probe::tcp;
    plan.target = words.front();
  } else {
    throw Error{Kind::invalid, "Unknown healthcheck type '{}' (expected 'CMD')", kind};
  }
  plan.interval = duration(health.Interval, std::chrono::seconds{30});
  plan.timeout = duration(health.Timeout, std::chrono::seconds{30});
  plan.start_period = duration(health.StartPeriod, nanoseconds{0});
  plan.start_interval = duration(health.StartInterval, std::chrono::seconds{5});
  plan.retries = health.Retries.value_or(0) == 0 ? default_retries : *health.Retries;
  return plan;
}

void begin_health(Health& health) {
  health.Status = "starting";
  health.FailingStreak = 0;
}

bool add_result(Health& health, HealthResult result, const HealthPlan& plan, nanoseconds since_start) {
  const auto before = health.Status;
  if (result.ExitCode == 0) {
    health.FailingStreak = 0;
    health.Status = "healthy";
  } else if (before != "starting" || since_start >= plan.start_period) {
    health.FailingStreak += 1;
    if (health.FailingStreak >= plan.retries) health.Status = "unhealthy";
  }
  health.Log.push_back(std::move(result));
  if (health.Log.size() > max_results) health.Log.erase(health.Log.begin());
  return health.Status != before;
}

nanoseconds time_to_next_probe(const Health& health, const HealthPlan& plan, nanoseconds since_start) {
  return health.Status == "starting" && since_start < plan.start_period ? plan.start_interval : plan.interval;
}

}  // namespace berth::containers

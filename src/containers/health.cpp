#include "containers/health.hpp"

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "containers/health_target.hpp"

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

bool is_command(std::string_view kind) {
  return kind == "CMD" || kind == "CMD-SHELL";
}

std::optional<HealthPlan::OnFailure> find_on_failure(std::string_view word) {
  using enum HealthPlan::OnFailure;
  static constexpr std::array words = {std::pair{std::string_view{""}, none}, std::pair{std::string_view{"none"}, none},
                                       std::pair{std::string_view{"restart"}, restart},
                                       std::pair{std::string_view{"stop"}, stop},
                                       std::pair{std::string_view{"kill"}, kill}};
  const auto* const found = std::ranges::find(words, word, &std::pair<std::string_view, HealthPlan::OnFailure>::first);
  if (found == words.end()) return std::nullopt;
  return found->second;
}

/// "HTTP" and "TCP": one word that makes sense.
void check_target(const std::vector<std::string>& test) {
  const auto& kind = test.front();
  if (test.size() != 2) {
    throw Error{Kind::invalid, "the {} health check needs exactly one {}", kind, kind == "HTTP" ? "URL" : "port"};
  }
  kind == "HTTP" ? parse_http_probe(test.back()) : parse_tcp_probe(test.back());
}

}  // namespace

HealthPlan plan_health(const Config& config) {
  HealthPlan plan;
  if (!config.Healthcheck_ || config.Healthcheck_->Test.empty()) return plan;
  const auto& health = *config.Healthcheck_;
  const auto& kind = health.Test.front();
  const std::vector<std::string> words{health.Test.begin() + 1, health.Test.end()};
  if (words.empty()) return plan;
  if (is_command(kind)) {
    plan.probe = HealthPlan::Probe::command;
    if (kind == "CMD-SHELL") plan.command = shell_of(config);
    plan.command.insert(plan.command.end(), words.begin(), words.end());
  } else if (kind == "HTTP" || kind == "TCP") {
    plan.probe = kind == "HTTP" ? HealthPlan::Probe::http : HealthPlan::Probe::tcp;
    plan.target = words.front();
  } else {
    return plan;
  }
  plan.on_failure = find_on_failure(health.OnFailure).value_or(HealthPlan::OnFailure::none);
  plan.interval = duration(health.Interval, std::chrono::seconds{30});
  plan.timeout = duration(health.Timeout, std::chrono::seconds{30});
  plan.start_period = duration(health.StartPeriod, nanoseconds{0});
  plan.start_interval = duration(health.StartInterval, std::chrono::seconds{5});
  plan.retries = health.Retries.value_or(0) == 0 ? default_retries : *health.Retries;
  return plan;
}

void merge_health(std::optional<Healthcheck>& own, const std::optional<oci::ImageHealthcheck>& image) {
  if (!own && !image) return;
  if (!own) own.emplace();
  const auto brought = image.value_or(oci::ImageHealthcheck{});
  if (own->Test.empty()) own->Test = brought.Test;
  const auto merge = [](std::optional<std::int64_t>& value, std::optional<std::int64_t> otherwise) {
    if (value.value_or(0) == 0) value = otherwise;
    if (value == 0) value.reset();
  };
  merge(own->Interval, brought.Interval);
  merge(own->Timeout, brought.Timeout);
  merge(own->StartPeriod, brought.StartPeriod);
  merge(own->StartInterval, brought.StartInterval);
  merge(own->Retries, brought.Retries);
}

void check_health(const Healthcheck& health, std::vector<std::string>& warnings) {
  constexpr std::int64_t least = nanoseconds{std::chrono::milliseconds{1}}.count();
  const auto check_duration = [](std::string_view name, std::optional<std::int64_t> value) {
    if (value.value_or(0) == 0 || *value >= least) return;
    throw Error{Kind::invalid, "{} in Healthcheck cannot be less than 1ms", name};
  };
  check_duration("Interval", health.Interval);
  check_duration("Timeout", health.Timeout);
  if (health.Retries.value_or(0) < 0) throw Error{Kind::invalid, "Retries in Healthcheck cannot be negative"};
  check_duration("StartPeriod", health.StartPeriod);
  check_duration("StartInterval", health.StartInterval);
  if (!find_on_failure(health.OnFailure)) {
    throw Error{Kind::invalid, "invalid OnFailure {} in Healthcheck: it must be one of none, restart, stop, kill",
                quote(health.OnFailure)};
  }
  if (health.Test.empty() || health.Test.front() == "NONE") return;
  const auto& kind = health.Test.front();
  if (kind == "HTTP" || kind == "TCP") {
    check_target(health.Test);
  } else if (!is_command(kind)) {
    warnings.push_back(
        fmt::format("Unknown healthcheck type '{}' (expected 'CMD'): there will be no health check", kind));
  } else if (health.Test.size() == 1) {
    throw Error{Kind::invalid, "the command of the health check is missing"};
  }
}

void begin_health(std::optional<Health>& health) {
  if (!health) health.emplace();
  health->Status = "starting";
  health->FailingStreak = 0;
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

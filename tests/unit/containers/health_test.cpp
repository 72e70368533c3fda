#include "containers/health.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace berth::containers {
namespace {

using namespace std::chrono_literals;
using Words = std::vector<std::string>;

Config config_of(std::vector<std::string> test) {
  Config config;
  config.Healthcheck_.emplace();
  config.Healthcheck_->Test = std::move(test);
  return config;
}

Health begun() {
  std::optional<Health> health;
  begin_health(health);
  return *health;
}

HealthResult result(int exit_code) {
  return {.ExitCode = exit_code};
}

TEST(HealthPlan, NoneAndNothingHaveNoProbe) {
  EXPECT_EQ(plan_health({}).probe, HealthPlan::Probe::none);
  EXPECT_EQ(plan_health(config_of({"NONE"})).probe, HealthPlan::Probe::none);
  EXPECT_EQ(plan_health(config_of({})).probe, HealthPlan::Probe::none);
}

TEST(HealthPlan, FillsInDockersDefaults) {
  const auto plan = plan_health(config_of({"CMD", "true"}));
  EXPECT_EQ(plan.command, std::vector<std::string>{"true"});
  EXPECT_EQ(plan.interval, 30s);
  EXPECT_EQ(plan.timeout, 30s);
  EXPECT_EQ(plan.start_period, 0s);
  EXPECT_EQ(plan.start_interval, 5s);
  EXPECT_EQ(plan.retries, 3);
}

TEST(HealthPlan, ShellIsTheImagesOwn) {
  auto config = config_of({"CMD-SHELL", "test -e /x"});
  EXPECT_EQ(plan_health(config).command, (std::vector<std::string>{"/bin/sh", "-c", "test -e /x"}));
  config.Shell = std::vector<std::string>{"/bin/bash", "-ec"};
  EXPECT_EQ(plan_health(config).command.front(), "/bin/bash");
}

TEST(HealthPlan, TargetsAndActions) {
  auto config = config_of({"HTTP", "http://localhost/"});
  EXPECT_EQ(plan_health(config).probe, HealthPlan::Probe::http);
  EXPECT_EQ(plan_health(config).target, "http://localhost/");
  EXPECT_EQ(plan_health(config).on_failure, HealthPlan::OnFailure::none);
  config.Healthcheck_->OnFailure = std::string{"restart"};
  EXPECT_EQ(plan_health(config).on_failure, HealthPlan::OnFailure::restart);
  EXPECT_EQ(plan_health(config_of({"TCP", "80"})).probe, HealthPlan::Probe::tcp);
}

TEST(HealthPlan, WhatCannotBeRunIsNoCheck) {
  EXPECT_EQ(plan_health(config_of({"GUESS", "x"})).probe, HealthPlan::Probe::none);
  EXPECT_EQ(plan_health(config_of({"CMD"})).probe, HealthPlan::Probe::none);
}

TEST(MergeHealth, TheImageFillsInWhatTheUserLeftOut) {
  const oci::ImageHealthcheck image{.Test = Words{"CMD", "image"}, .Interval = 1, .Timeout = 2, .StartInterval = 4};
  std::optional<Healthcheck> own;
  merge_health(own, image);
  EXPECT_EQ(own->Test, (std::vector<std::string>{"CMD", "image"}));
  EXPECT_EQ(own->Interval, 1);
  EXPECT_FALSE(own->Retries);
  own = Healthcheck{.Test = Words{"NONE"}, .Interval = 7, .Timeout = 0, .Retries = 0};
  merge_health(own, image);
  EXPECT_EQ(own->Test, std::vector<std::string>{"NONE"});
  EXPECT_EQ(own->Interval, 7);
  EXPECT_EQ(own->Timeout, 2);
  EXPECT_EQ(own->StartInterval, 4);
  EXPECT_FALSE(own->Retries);
}

TEST(MergeHealth, WithoutAnyCheckThereIsNone) {
  std::optional<Healthcheck> own;
  merge_health(own, std::nullopt);
  EXPECT_FALSE(own);
}

std::string refusal(Healthcheck health) {
  std::vector<std::string> warnings;
  try {
    check_health(health, warnings);
    return warnings.empty() ? "" : "warning: " + warnings.front();
  } catch (const Error& error) {
    return error.message();
  }
}

TEST(CheckHealth, RefusesInDockersWords) {
  EXPECT_EQ(refusal({.Test = Words{"CMD", "true"}, .Interval = 0, .Timeout = 1'000'000}), "");
  EXPECT_EQ(refusal({.Interval = 999'999}), "Interval in Healthcheck cannot be less than 1ms");
  EXPECT_EQ(refusal({.Timeout = -1}), "Timeout in Healthcheck cannot be less than 1ms");
  EXPECT_EQ(refusal({.StartPeriod = 1}), "StartPeriod in Healthcheck cannot be less than 1ms");
  EXPECT_EQ(refusal({.StartInterval = 1}), "StartInterval in Healthcheck cannot be less than 1ms");
  EXPECT_EQ(refusal({.Retries = -1}), "Retries in Healthcheck cannot be negative");
  EXPECT_EQ(refusal({.Test = Words{"CMD"}}), "the command of the health check is missing");
}

TEST(CheckHealth, TargetsAndActionsAreCheckedAtOnce) {
  EXPECT_EQ(refusal({.Test = Words{"TCP", "80"}, .OnFailure = std::string{"stop"}}), "");
  EXPECT_EQ(refusal({.Test = Words{"HTTP"}}), "the HTTP health check needs exactly one URL");
  EXPECT_EQ(refusal({.Test = Words{"TCP", "80", "81"}}), "the TCP health check needs exactly one port");
  EXPECT_NE(refusal({.Test = Words{"TCP", "http"}}), "");
  EXPECT_EQ(refusal({.OnFailure = std::string{"explode"}}),
            "invalid OnFailure \"explode\" in Healthcheck: it must be one of none, restart, stop, kill");
}

TEST(CheckHealth, AnUnknownKindIsAWarning) {
  EXPECT_EQ(refusal({.Test = Words{"GUESS", "x"}}),
            "warning: Unknown healthcheck type 'GUESS' (expected 'CMD'): there will be no health check");
}

TEST(Health, ANewRunBeginsWithWhatIsKnownOfTheLastOnes) {
  std::optional health = Health{.Status = "unhealthy", .FailingStreak = 4, .Log = {result(1)}};
  begin_health(health);
  EXPECT_EQ(health->Status, "starting");
  EXPECT_EQ(health->FailingStreak, 0);
  EXPECT_EQ(health->Log.size(), 1U);
}

TEST(Health, BecomesUnhealthyAfterItsRetriesAndHealthyAtOnce) {
  const auto plan = plan_health(config_of({"CMD", "true"}));
  auto health = begun();
  EXPECT_FALSE(add_result(health, result(1), plan, 1s));
  EXPECT_FALSE(add_result(health, result(1), plan, 2s));
  EXPECT_EQ(health.Status, "starting");
  EXPECT_TRUE(add_result(health, result(1), plan, 3s));
  EXPECT_EQ(health.Status, "unhealthy");
  EXPECT_EQ(health.FailingStreak, 3);
  EXPECT_TRUE(add_result(health, result(0), plan, 4s));
  EXPECT_EQ(health.Status, "healthy");
  EXPECT_EQ(health.FailingStreak, 0);
}

TEST(Health, FailuresOfTheStartPeriodDoNotCountUntilASuccess) {
  auto config = config_of({"CMD", "true"});
  config.Healthcheck_->StartPeriod = std::chrono::nanoseconds{60s}.count();
  const auto plan = plan_health(config);
  auto health = begun();
  for (int i = 0; i < 10; ++i) add_result(health, result(1), plan, 10s);
  EXPECT_EQ(health.FailingStreak, 0);
  EXPECT_EQ(time_to_next_probe(health, plan, 10s), 5s);
  add_result(health, result(0), plan, 11s);
  EXPECT_EQ(time_to_next_probe(health, plan, 11s), 30s);
  add_result(health, result(1), plan, 12s);
  EXPECT_EQ(health.FailingStreak, 1);
}

TEST(Health, KeepsTheLastFiveResults) {
  const auto plan = plan_health(config_of({"CMD", "true"}));
  auto health = begun();
  for (int i = 0; i < 9; ++i) add_result(health, result(i), plan, 1s);
  ASSERT_EQ(health.Log.size(), 5U);
  EXPECT_EQ(health.Log.front().ExitCode, 4);
  EXPECT_EQ(health.Log.back().ExitCode, 8);
}

}  // namespace
}  // namespace berth::containers

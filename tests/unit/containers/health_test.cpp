#include "containers/health.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace berth::containers {
namespace {

using namespace std::chrono_literals;

Config config_of(std::vector<std::string> test) {
  Config config;
  config.Healthcheck_.emplace();
  config.Healthcheck_->Test = std::move(test);
  return config;
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

TEST(HealthPlan, UnknownKindIsRefused) {
  EXPECT_THROW(plan_health(config_of({"GUESS", "x"})), Error);
  EXPECT_THROW(plan_health(config_of({"HTTP"})), Error);
}

TEST(Health, BecomesUnhealthyAfterItsRetriesAndHealthyAtOnce) {
  const auto plan = plan_health(config_of({"CMD", "true"}));
  Health health;
  begin_health(health);
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
  Health health;
  begin_health(health);
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
  Health health;
  begin_health(health);
  for (int i = 0; i < 9; ++i) add_result(health, result(i), plan, 1s);
  ASSERT_EQ(health.Log.size(), 5U);
  EXPECT_EQ(health.Log.front().ExitCode, 4);
  EXPECT_EQ(health.Log.back().ExitCode, 8);
}

}  // namespace
}  // namespace berth::containers

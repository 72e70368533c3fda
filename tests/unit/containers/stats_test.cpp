#include "containers/stats.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "linux/usage.hpp"

namespace berth::containers {
namespace {

kernel::CgroupUsage some_usage() {
  kernel::CgroupUsage usage;
  usage.exists = true;
  usage.cpu = {.total = 3000,
               .kernel = 1000,
               .user = 2000,
               .per_cpu = {},
               .periods = 4,
               .throttled_periods = 2,
               .throttled_time = 5};
  usage.memory.usage = 8192;
  usage.memory.limit = std::numeric_limits<std::uint64_t>::max();
  usage.memory.counters = {{"inactive_file", 1}, {"total_inactive_file", 2}, {"file", 3}, {"unheard_of", 4}};
  return usage;
}

TEST(Stats, OfVersion2HaveItsCountersAndNoPeak) {
  auto usage = some_usage();
  usage.memory.failures = 6;
  usage.pids = {.current = 2, .limit = 50};
  usage.block.service_bytes = {{8, 0, "read", 10}};
  const auto stats = make_stats(usage, {.total = 100, .online = 2}, true);
  EXPECT_EQ(stats.cpu_stats.cpu_usage.total_usage, 3000U);
  EXPECT_EQ(stats.cpu_stats.cpu_usage.usage_in_kernelmode, 1000U);
  EXPECT_EQ(stats.cpu_stats.system_cpu_usage, 100U);
  EXPECT_EQ(stats.cpu_stats.online_cpus, 2U);
  EXPECT_EQ(stats.cpu_stats.throttling_data.throttled_periods, 2U);
  EXPECT_EQ(stats.memory_stats.stats.at("inactive_file"), 1U);
  EXPECT_FALSE(stats.memory_stats.stats.contains("total_inactive_file"));
  EXPECT_FALSE(stats.memory_stats.stats.contains("unheard_of"));
  EXPECT_FALSE(stats.memory_stats.max_usage.has_value());
  EXPECT_EQ(stats.memory_stats.failcnt, 6U);
  EXPECT_EQ(stats.pids_stats.limit, 50U);
  ASSERT_TRUE(stats.blkio_stats.io_service_bytes_recursive.has_value());
  EXPECT_EQ(stats.blkio_stats.io_service_bytes_recursive->front().op, "read");
  EXPECT_FALSE(stats.blkio_stats.io_serviced_recursive.has_value());
}

TEST(Stats, OfVersion1HaveTheTotalsOfTheWholeTree) {
  auto usage = some_usage();
  usage.memory.max_usage = 9000;
  const auto stats = make_stats(usage, {.total = 100, .online = 2}, false);
  EXPECT_EQ(stats.memory_stats.stats.at("total_inactive_file"), 2U);
  EXPECT_EQ(stats.memory_stats.stats.at("cache"), 0U);
  EXPECT_EQ(stats.memory_stats.max_usage, 9000U);
  EXPECT_TRUE(stats.blkio_stats.io_serviced_recursive.has_value());
}

TEST(Stats, LimitIsNeverMoreThanTheMachineHas) {
  EXPECT_EQ(make_stats(some_usage(), {}, true).memory_stats.limit, kernel::host_memory());
  auto limited = some_usage();
  limited.memory.limit = 6 << 20;
  EXPECT_EQ(make_stats(limited, {}, true).memory_stats.limit, 6U << 20U);
}

TEST(Stats, WhatIsZeroIsLeftOutOfTheDocument) {
  const auto text = json::write(make_stats({}, {}, true));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("failcnt")));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("networks")));
  EXPECT_THAT(text, testing::HasSubstr(R"("num_procs":0,"storage_stats":{})"));
}

}  // namespace
}  // namespace berth::containers

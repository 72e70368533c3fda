#include "cli/stats.hpp"

#include <gtest/gtest.h>

namespace berth::cli {
namespace {

constexpr const char* reading_v1 =
    R"({"id":"233efc0a1ebcaab19a990f54f028cd5881551a32be75da71a8b98506573244dd","name":"/web",
  "cpu_stats":{"cpu_usage":{"total_usage":3000000,"percpu_usage":[1,2]},"system_cpu_usage":40000000,"online_cpus":4},
  "precpu_stats":{"cpu_usage":{"total_usage":1000000},"system_cpu_usage":20000000},
  "memory_stats":{"usage":2097152,"limit":67108864,"stats":{"total_inactive_file":1048576,"inactive_file":5}},
  "networks":{"eth0":{"rx_bytes":1000,"tx_bytes":1},"eth1":{"rx_bytes":234,"tx_bytes":2}},
  "blkio_stats":{"io_service_bytes_recursive":[{"op":"Read","value":4096},{"op":"read","value":4096},
    {"op":"Write","value":100},{"op":"Total","value":9999}]},
  "pids_stats":{"current":7}})";

TEST(Stats, ShareOfProcessorsIsOfTheTimeBetweenTwoReadings) {
  EXPECT_DOUBLE_EQ(usage_of(json::parse(reading_v1)).cpu_percent, 40.0);
}

TEST(Stats, ProcessorsAreCountedWhereTheDaemonDoesNotSay) {
  auto reading = json::parse(reading_v1);
  reading.at("cpu_stats").as_object().erase("online_cpus");
  EXPECT_DOUBLE_EQ(usage_of(reading).cpu_percent, 20.0);
}

TEST(Stats, WithoutAReadingBeforeThereIsNoShare) {
  EXPECT_DOUBLE_EQ(usage_of(json::parse(R"({"cpu_stats":{"cpu_usage":{"total_usage":5}}})")).cpu_percent, 0.0);
}

TEST(Stats, MemoryIsWithoutTheCacheOfEitherCgroupVersion) {
  auto reading = json::parse(reading_v1);
  EXPECT_DOUBLE_EQ(usage_of(reading).memory, 1048576.0);
  reading.at("memory_stats").at("stats").as_object().erase("total_inactive_file");
  EXPECT_DOUBLE_EQ(usage_of(reading).memory, 2097147.0);
}

TEST(Stats, MoreCacheThanUseIsNotTakenOff) {
  const auto usage = usage_of(json::parse(R"({"memory_stats":{"usage":10,"stats":{"inactive_file":20}}})"));
  EXPECT_DOUBLE_EQ(usage.memory, 10.0);
  EXPECT_DOUBLE_EQ(usage.memory_percent, 0.0);
}

TEST(Stats, TableIsDockers) {
  EXPECT_EQ(render_usage("", {usage_of(json::parse(reading_v1))}),
            "CONTAINER ID   NAME      CPU %     MEM USAGE / LIMIT   MEM %     NET I/O       BLOCK I/O       PIDS\n"
            "233efc0a1ebc   web       40.00%    1MiB / 64MiB        1.56%     1.23kB / 3B   8.19kB / 100B   7\n");
}

TEST(Stats, JsonIsDockers) {
  auto usage = usage_of(json::parse(reading_v1));
  usage.container = "web";
  usage.truncates = false;
  EXPECT_EQ(render_usage("json", {usage}),
            "{\"BlockIO\":\"8.19kB / 100B\",\"CPUPerc\":\"40.00%\",\"Container\":\"web\","
            "\"ID\":\"233efc0a1ebcaab19a990f54f028cd5881551a32be75da71a8b98506573244dd\",\"MemPerc\":\"1.56%\","
            "\"MemUsage\":\"1MiB / 64MiB\",\"Name\":\"web\",\"NetIO\":\"1.23kB / 3B\",\"PIDs\":\"7\"}\n");
}

}  // namespace
}  // namespace berth::cli

#include "linux/usage.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <limits>

namespace berth::kernel {
namespace {

namespace fs = std::filesystem;

/// Directories with the files of a cgroup, on a file system that is none.
class Usage : public testing::Test {
 protected:
  Usage() { fs::create_directories(root_); }
  ~Usage() override { fs::remove_all(root_); }

  void write(const std::string& file, const std::string& text) {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream{root_ / file} << text;
  }

  const fs::path root_ = fs::path{testing::TempDir()} / ("usage-" + std::to_string(::getpid()));
  const CgroupLayout v2_{.unified = true, .hierarchies = {{root_.string(), {}}}};
  const CgroupLayout v1_{.unified = false,
                         .hierarchies = {{(root_ / "cpu").string(), {"cpu", "cpuacct"}},
                                         {(root_ / "memory").string(), {"memory"}},
                                         {(root_ / "blkio").string(), {"blkio"}},
                                         {(root_ / "pids").string(), {"pids"}}}};
};

TEST_F(Usage, OfVersion2IsInNanosecondsAndBytes) {
  write("c/cpu.stat",
        "usage_usec 300\nuser_usec 200\nsystem_usec 100\nnr_periods 5\nnr_throttled 2\nthrottled_usec 7\n");
  write("c/memory.current", "4096\n");
  write("c/memory.max", "max\n");
  write("c/memory.stat", "anon 10\ninactive_file 20\n");
  write("c/memory.events", "low 0\nhigh 0\nmax 3\noom 4\noom_kill 1\n");
  write("c/io.stat", "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n253:1 wbytes=9\n");
  write("c/pids.current", "3\n");
  write("c/pids.max", "max\n");
  const auto usage = read_usage(v2_, "/c");
  ASSERT_TRUE(usage.exists);
  EXPECT_EQ(usage.cpu.total, 300'000U);
  EXPECT_EQ(usage.cpu.user, 200'000U);
  EXPECT_EQ(usage.cpu.kernel, 100'000U);
  EXPECT_EQ(usage.cpu.throttled_time, 7'000U);
  EXPECT_TRUE(usage.cpu.per_cpu.empty());
  EXPECT_EQ(usage.memory.usage, 4096U);
  EXPECT_EQ(usage.memory.limit, std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(usage.memory.failures, 4U);
  EXPECT_EQ(usage.memory.counters.at("inactive_file"), 20U);
  ASSERT_EQ(usage.block.service_bytes.size(), 4U);
  EXPECT_EQ(usage.block.service_bytes[1].operation, "write");
  EXPECT_EQ(usage.block.service_bytes[1].value, 2U);
  EXPECT_EQ(usage.block.service_bytes[3].major_number, 253U);
  EXPECT_EQ(usage.block.service_bytes[3].value, 9U);
  EXPECT_EQ(usage.pids.current, 3U);
  EXPECT_EQ(usage.pids.limit, std::numeric_limits<std::uint64_t>::max());
}

TEST_F(Usage, OfVersion1ComesFromEachHierarchy) {
  write("cpu/c/cpuacct.usage", "123456\n");
  write("cpu/c/cpuacct.stat", "user 2\nsystem 3\n");
  write("cpu/c/cpuacct.usage_percpu", "100 23356 \n");
  write("cpu/c/cpu.stat", "nr_periods 1\nnr_throttled 1\nthrottled_time 9\n");
  write("memory/c/memory.usage_in_bytes", "1000\n");
  write("memory/c/memory.max_usage_in_bytes", "2000\n");
  write("memory/c/memory.stat", "cache 1\ntotal_inactive_file 2\n");
  write("blkio/c/blkio.throttle.io_service_bytes", "8:0 Read 10\n8:0 Write 20\nTotal 30\n");
  write("pids/c/pids.max", "max\n");
  const auto usage = read_usage(v1_, "/c");
  EXPECT_EQ(usage.cpu.total, 123456U);
  EXPECT_THAT(usage.cpu.per_cpu, testing::ElementsAre(100U, 23356U));
  EXPECT_EQ(usage.cpu.throttled_time, 9U);
  EXPECT_EQ(usage.memory.max_usage, 2000U);
  ASSERT_EQ(usage.block.service_bytes.size(), 2U);
  EXPECT_EQ(usage.block.service_bytes[1].operation, "Write");
  EXPECT_EQ(usage.pids.limit, 0U);
}

TEST_F(Usage, OfACgroupThatHasGoneIsNothing) {
  const auto usage = read_usage(v2_, "/gone");
  EXPECT_FALSE(usage.exists);
  EXPECT_EQ(usage.cpu.total, 0U);
}

TEST(HostCpuTime, StolenTimeIsLeftOut) {
  const auto time =
      parse_host_cpu_time("cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 1 1 1 1 1 1 1 1\ncpu1 0 1 2 3 4 5 6 7\nintr 1\n");
  EXPECT_EQ(time.online, 2U);
  EXPECT_EQ(time.total, 28ULL * 1'000'000'000U / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK)));
}

TEST(Interfaces, LoopbackIsLeftOut) {
  const auto interfaces = parse_interfaces(
      "Inter-|   Receive                                                |  Transmit\n"
      " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier "
      "compressed\n"
      "    lo:     100       1    0    0    0     0          0         0      100       1    0    0    0     0       "
      "0\n"
      "  eth0:    1000      10    1    2    0     0          0         0     2000      20    3    4    0     0       "
      "0\n");
  ASSERT_EQ(interfaces.size(), 1U);
  const auto& eth = interfaces.at("eth0");
  EXPECT_EQ(eth.rx_bytes, 1000U);
  EXPECT_EQ(eth.rx_dropped, 2U);
  EXPECT_EQ(eth.tx_packets, 20U);
  EXPECT_EQ(eth.tx_errors, 3U);
}

}  // namespace
}  // namespace berth::kernel

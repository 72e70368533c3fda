// GET /containers/{id}/stats: what a container uses, as Docker's clients compute their percentages from it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"

namespace berth::kernel {
struct CgroupUsage;
struct HostCpuTime;
}  // namespace berth::kernel

namespace berth::containers {

struct CpuTimes {
  std::uint64_t total_usage = 0;  ///< nanoseconds, as all times here
  json::OmitEmpty<std::vector<std::uint64_t>> percpu_usage;
  std::uint64_t usage_in_kernelmode = 0, usage_in_usermode = 0;
};
BOOST_DESCRIBE_STRUCT(CpuTimes, (), (total_usage, percpu_usage, usage_in_kernelmode, usage_in_usermode))

struct Throttling {
  std::uint64_t periods = 0, throttled_periods = 0, throttled_time = 0;
};
BOOST_DESCRIBE_STRUCT(Throttling, (), (periods, throttled_periods, throttled_time))

/// Members that are `optional` are absent where Docker leaves them out: zero, or not counted by the kernel.
struct CpuStats {
  CpuTimes cpu_usage;
  std::optional<std::uint64_t> system_cpu_usage;
  std::optional<std::uint32_t> online_cpus;
  Throttling throttling_data;
};
BOOST_DESCRIBE_STRUCT(CpuStats, (), (cpu_usage, system_cpu_usage, online_cpus, throttling_data))

struct MemoryStats {
  std::optional<std::uint64_t> usage, max_usage;
  json::OmitEmpty<std::map<std::string, std::uint64_t>> stats;
  std::optional<std::uint64_t> failcnt, limit;
};
BOOST_DESCRIBE_STRUCT(MemoryStats, (), (usage, max_usage, stats, failcnt, limit))

struct BlkioEntry {
  std::uint64_t major = 0, minor = 0;
  std::string op;
  std::uint64_t value = 0;
};
BOOST_DESCRIBE_STRUCT(BlkioEntry, (), (major, minor, op, value))

/// Null: not counted.
struct BlkioStats {
  using Entries = json::Nullable<std::vector<BlkioEntry>>;
  Entries io_service_bytes_recursive, io_serviced_recursive, io_queue_recursive, io_service_time_recursive,
      io_wait_time_recursive, io_merged_recursive, io_time_recursive, sectors_recursive;
};
BOOST_DESCRIBE_STRUCT(BlkioStats, (),
                      (io_service_bytes_recursive, io_serviced_recursive, io_queue_recursive, io_service_time_recursive,
                       io_wait_time_recursive, io_merged_recursive, io_time_recursive, sectors_recursive))

struct NetworkStats {
  std::uint64_t rx_bytes = 0, rx_packets = 0, rx_errors = 0, rx_dropped = 0;
  std::uint64_t tx_bytes = 0, tx_packets = 0, tx_errors = 0, tx_dropped = 0;
};
BOOST_DESCRIBE_STRUCT(NetworkStats, (),
                      (rx_bytes, rx_packets, rx_errors, rx_dropped, tx_bytes, tx_packets, tx_errors, tx_dropped))

struct PidsStats {
  std::optional<std::uint64_t> current, limit;
};
BOOST_DESCRIBE_STRUCT(PidsStats, (), (current, limit))

/// One sample, with the processor times of the one before. Without anything but name and ID: it does not run.
struct Stats {
  std::string name, id;
  std::string read, preread;  ///< RFC 3339
  PidsStats pids_stats;
  BlkioStats blkio_stats;
  std::uint32_t num_procs = 0;  ///< Windows only, as storage_stats
  json::Object storage_stats;
  CpuStats cpu_stats, precpu_stats;
  MemoryStats memory_stats;
  json::OmitEmpty<std::map<std::string, NetworkStats>> networks;
};
BOOST_DESCRIBE_STRUCT(Stats, (),
                      (name, id, read, preread, pids_stats, blkio_stats, num_procs, storage_stats, cpu_stats,
                       precpu_stats, memory_stats, networks))

/// A sample of a running container; name, ID, times and networks are left to the caller. `unified`: cgroup version 2.
Stats make_stats(const kernel::CgroupUsage& usage, const kernel::HostCpuTime& host, bool unified);

}  // namespace berth::containers

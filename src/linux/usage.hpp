// What the kernel has counted: for a cgroup (version 1 and 2), for the machine's processors, and for the interfaces of
// a network namespace.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "linux/cgroup.hpp"

namespace berth::kernel {

/// Times in nanoseconds.
struct CpuUsage {
  std::uint64_t total = 0, kernel = 0, user = 0;
  std::vector<std::uint64_t> per_cpu;  ///< version 1 only
  std::uint64_t periods = 0, throttled_periods = 0, throttled_time = 0;
};

/// Bytes; `limit` is a huge number where there is none.
struct MemoryUsage {
  std::uint64_t usage = 0, max_usage = 0, limit = 0, failures = 0;
  std::map<std::string, std::uint64_t> counters;  ///< memory.stat
};

/// One line of a list of block devices: "8:0 Read 4096".
struct BlockCount {
  std::uint64_t major_number = 0, minor_number = 0;
  std::string operation;
  std::uint64_t value = 0;
};
using BlockCounts = std::vector<BlockCount>;

/// Version 2 counts bytes only; most of version 1's lists are filled only by the CFQ and BFQ schedulers.
struct BlockUsage {
  BlockCounts service_bytes, serviced, queued, service_time, wait_time, merged, time, sectors;
};

struct PidsUsage {
  std::uint64_t current = 0, limit = 0;  ///< 0 (version 1) or the highest number (version 2): without limit
};

struct CgroupUsage {
  bool exists = false;  ///< false once the cgroup has gone; then all is zero
  CpuUsage cpu;
  MemoryUsage memory;
  BlockUsage block;
  PidsUsage pids;
};

/// Reads about ten small files. A controller that the machine does not have counts nothing.
CgroupUsage read_usage(const CgroupLayout& layout, const std::string& cgroup);

struct HostCpuTime {
  std::uint64_t total = 0;  ///< nanoseconds of all processors, idle ones included
  std::uint32_t online = 0;
};
/// The text of /proc/stat, or its beginning. Time stolen by a hypervisor is left out, as Docker's clients expect.
HostCpuTime parse_host_cpu_time(std::string_view stat);
HostCpuTime host_cpu_time();

/// Bytes of memory that the machine has.
std::uint64_t host_memory();

struct InterfaceUsage {
  std::uint64_t rx_bytes = 0, rx_packets = 0, rx_errors = 0, rx_dropped = 0;
  std::uint64_t tx_bytes = 0, tx_packets = 0, tx_errors = 0, tx_dropped = 0;
};
/// The text of /proc/<pid>/net/dev, by interface, without the loopback.
std::map<std::string, InterfaceUsage> parse_interfaces(std::string_view net_dev);

}  // namespace berth::kernel

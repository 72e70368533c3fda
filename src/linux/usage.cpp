#include "linux/usage.hpp"

#include <fcntl.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <array>
#include <limits>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/strings.hpp"

namespace berth::kernel {
namespace {

constexpr std::uint64_t nanos_per_second = 1'000'000'000;

std::uint64_t nanos_of_ticks(std::uint64_t ticks) {
  static const auto per_second = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  return ticks * nanos_per_second / per_second;
}

/// The file's text; empty if it does not exist, or went away while it was read as files of a cgroup do.
std::string text_of(FdRef directory, const char* name) {
  const UniqueFd file{::openat(directory.get(), name, O_RDONLY | O_CLOEXEC)};
  std::string text;
  if (!file) return text;
  std::array<char, 4096> buffer;
  for (;;) {
    const auto count = ::read(file.get(), buffer.data(), buffer.size());
    if (count <= 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

/// A number; "max" is the highest, anything else 0.
std::uint64_t number_of(std::string_view text) {
  const auto word = trim(text);
  if (word == "max") return std::numeric_limits<std::uint64_t>::max();
  return parse_number<std::uint64_t>(word).value_or(0);
}

std::uint64_t number_in(FdRef directory, const char* name) {
  return number_of(text_of(directory, name));
}

/// Calls `visit` for each line that is not empty.
template <class Visit>
void for_each_line(std::string_view text, const Visit& visit) {
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (!line.empty()) visit(line);
  }
}

/// "name number" in each line.
std::map<std::string, std::uint64_t> counters_in(FdRef directory, const char* name) {
  std::map<std::string, std::uint64_t> counters;
  for_each_line(text_of(directory, name), [&](std::string_view line) {
    if (const auto pair = split_once(line, ' ')) counters.emplace(pair->first, number_of(pair->second));
  });
  return counters;
}

std::uint64_t find_in(const std::map<std::string, std::uint64_t>& counters, const char* name) {
  const auto found = counters.find(name);
  return found == counters.end() ? 0 : found->second;
}

UniqueFd open_cgroup(const CgroupLayout& layout, const char* controller, const std::string& cgroup) {
  const auto* hierarchy = layout.find(controller);
  if (hierarchy == nullptr) return {};
  return UniqueFd{::open(cgroup_directory(*hierarchy, cgroup).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
}

/// "8:0" at the start of a line.
std::optional<BlockCount> device_of(std::string_view field) {
  const auto pair = split_once(field, ':');
  const auto major_number = pair ? parse_number<std::uint64_t>(pair->first) : std::nullopt;
  const auto minor_number = pair ? parse_number<std::uint64_t>(pair->second) : std::nullopt;
  if (!major_number || !minor_number) return std::nullopt;
  return BlockCount{.major_number = *major_number, .minor_number = *minor_number, .operation = {}, .value = 0};
}

/// Version 1: "8:0 Read 4096" or "8:0 4096" in each line; the sum in the last one is left out.
BlockCounts block_counts_in(FdRef directory, const std::string& name) {
  BlockCounts counts;
  for_each_line(text_of(directory, name.c_str()), [&](std::string_view line) {
    const auto fields = words_of(line);
    auto count = device_of(fields.empty() ? "" : fields.front());
    if (!count || fields.size() < 2) return;
    if (fields.size() > 2) count->operation = fields[1];
    count->value = number_of(fields.back());
    counts.push_back(std::move(*count));
  });
  return counts;
}

/// Each scheduler counts under names of its own, and the limits count even without a scheduler.
BlockUsage read_blocks_v1(FdRef directory) {
  for (const std::string prefix : {"blkio.", "blkio.bfq."}) {
    BlockUsage usage;
    usage.service_bytes = block_counts_in(directory, prefix + "io_service_bytes_recursive");
    usage.serviced = block_counts_in(directory, prefix + "io_serviced_recursive");
    if (usage.service_bytes.empty() && usage.serviced.empty()) continue;
    usage.queued = block_counts_in(directory, prefix + "io_queued_recursive");
    usage.service_time = block_counts_in(directory, prefix + "io_service_time_recursive");
    usage.wait_time = block_counts_in(directory, prefix + "io_wait_time_recursive");
    usage.merged = block_counts_in(directory, prefix + "io_merged_recursive");
    usage.time = block_counts_in(directory, prefix + "time_recursive");
    usage.sectors = block_counts_in(directory, prefix + "sectors_recursive");
    return usage;
  }
  BlockUsage usage;
  usage.service_bytes = block_counts_in(directory, "blkio.throttle.io_service_bytes");
  usage.serviced = block_counts_in(directory, "blkio.throttle.io_serviced");
  return usage;
}

/// Version 2: "8:0 rbytes=4096 wbytes=0 rios=1 wios=0 ..." in each line.
BlockUsage read_blocks_v2(FdRef directory) {
  BlockUsage usage;
  for_each_line(text_of(directory, "io.stat"), [&](std::string_view line) {
    const auto fields = words_of(line);
    const auto device = device_of(fields.empty() ? "" : fields.front());
    if (!device) return;
    auto read = *device;
    auto written = *device;
    read.operation = "read";
    written.operation = "write";
    for (const auto& field : fields) {
      if (field.starts_with("rbytes=")) read.value = number_of(field.substr(7));
      if (field.starts_with("wbytes=")) written.value = number_of(field.substr(7));
    }
    usage.service_bytes.push_back(std::move(read));
    usage.service_bytes.push_back(std::move(written));
  });
  return usage;
}

CpuUsage read_cpu_v1(FdRef cpu, FdRef cpuacct) {
  CpuUsage usage;
  usage.total = number_in(cpuacct, "cpuacct.usage");
  const auto times = counters_in(cpuacct, "cpuacct.stat");
  usage.user = nanos_of_ticks(find_in(times, "user"));
  usage.kernel = nanos_of_ticks(find_in(times, "system"));
  const auto per_cpu = text_of(cpuacct, "cpuacct.usage_percpu");
  for (const auto& field : words_of(per_cpu)) usage.per_cpu.push_back(number_of(field));
  const auto throttled = counters_in(cpu, "cpu.stat");
  usage.periods = find_in(throttled, "nr_periods");
  usage.throttled_periods = find_in(throttled, "nr_throttled");
  usage.throttled_time = find_in(throttled, "throttled_time");
  return usage;
}

CpuUsage read_cpu_v2(FdRef directory) {
  constexpr std::uint64_t nanos_per_micro = 1000;
  const auto counters = counters_in(directory, "cpu.stat");
  CpuUsage usage;
  usage.total = find_in(counters, "usage_usec") * nanos_per_micro;
  usage.user = find_in(counters, "user_usec") * nanos_per_micro;
  usage.kernel = find_in(counters, "system_usec") * nanos_per_micro;
  usage.periods = find_in(counters, "nr_periods");
  usage.throttled_periods = find_in(counters, "nr_throttled");
  usage.throttled_time = find_in(counters, "throttled_usec") * nanos_per_micro;
  return usage;
}

MemoryUsage read_memory_v1(FdRef directory) {
  MemoryUsage usage;
  usage.usage = number_in(directory, "memory.usage_in_bytes");
  usage.max_usage = number_in(directory, "memory.max_usage_in_bytes");
  usage.limit = number_in(directory, "memory.limit_in_bytes");
  usage.failures = number_in(directory, "memory.failcnt");
  usage.counters = counters_in(directory, "memory.stat");
  return usage;
}

MemoryUsage read_memory_v2(FdRef directory) {
  MemoryUsage usage;
  usage.usage = number_in(directory, "memory.current");
  usage.limit = number_in(directory, "memory.max");
  usage.failures = find_in(counters_in(directory, "memory.events"), "oom");
  usage.counters = counters_in(directory, "memory.stat");
  return usage;
}

PidsUsage read_pids(FdRef directory, bool unified) {
  PidsUsage usage;
  usage.current = number_in(directory, "pids.current");
  usage.limit = number_in(directory, "pids.max");
  if (!unified && usage.limit == std::numeric_limits<std::uint64_t>::max()) usage.limit = 0;
  return usage;
}

}  // namespace

CgroupUsage read_usage(const CgroupLayout& layout, const std::string& cgroup) {
  CgroupUsage usage;
  const auto cpu = open_cgroup(layout, "cpu", cgroup);
  usage.exists = static_cast<bool>(cpu);
  if (!usage.exists) return usage;
  if (layout.unified) {
    usage.cpu = read_cpu_v2(cpu);
    usage.memory = read_memory_v2(cpu);
    usage.block = read_blocks_v2(cpu);
    usage.pids = read_pids(cpu, true);
    return usage;
  }
  usage.cpu = read_cpu_v1(cpu, open_cgroup(layout, "cpuacct", cgroup));
  if (const auto memory = open_cgroup(layout, "memory", cgroup)) usage.memory = read_memory_v1(memory);
  if (const auto blkio = open_cgroup(layout, "blkio", cgroup)) usage.block = read_blocks_v1(blkio);
  if (const auto pids = open_cgroup(layout, "pids", cgroup)) usage.pids = read_pids(pids, false);
  return usage;
}

HostCpuTime parse_host_cpu_time(std::string_view stat) {
  constexpr std::size_t counted = 7;  // user, nice, system, idle, iowait, irq, softirq
  HostCpuTime time;
  for_each_line(stat, [&](std::string_view line) {
    if (!line.starts_with("cpu")) return;
    const auto fields = words_of(line);
    if (fields.front() != "cpu") {
      ++time.online;
      return;
    }
    std::uint64_t ticks = 0;
    for (std::size_t i = 1; i < fields.size() && i <= counted; ++i) ticks += number_of(fields[i]);
    time.total = nanos_of_ticks(ticks);
  });
  return time;
}

HostCpuTime host_cpu_time() {
  // The lines of processors come first: the rest, with a number for each interrupt, need not be made by the kernel.
  const UniqueFd file{::open("/proc/stat", O_RDONLY | O_CLOEXEC)};
  if (!file) throw Error::from_errno(errno, "open /proc/stat");
  std::string text;
  std::array<char, 4096> buffer;
  while (!text.contains("\nintr ")) {
    const auto count = read_some(file, buffer);
    if (count == 0) break;
    text.append(buffer.data(), count);
  }
  return parse_host_cpu_time(text);
}

std::uint64_t host_memory() {
  struct sysinfo info {};
  if (::sysinfo(&info) < 0) throw Error::from_errno(errno, "sysinfo");
  return std::uint64_t{info.totalram} * info.mem_unit;
}

std::map<std::string, InterfaceUsage> parse_interfaces(std::string_view net_dev) {
  constexpr std::size_t columns = 12;  // as far as the last that is looked at
  std::map<std::string, InterfaceUsage> interfaces;
  for_each_line(net_dev, [&](std::string_view line) {
    const auto pair = split_once(line, ':');  // the two lines of the head have none
    if (!pair) return;
    const auto name = trim(pair->first);
    const auto fields = words_of(pair->second);
    if (name == "lo" || fields.size() < columns) return;
    interfaces[std::string{name}] = {.rx_bytes = number_of(fields[0]),
                                     .rx_packets = number_of(fields[1]),
                                     .rx_errors = number_of(fields[2]),
                                     .rx_dropped = number_of(fields[3]),
                                     .tx_bytes = number_of(fields[8]),
                                     .tx_packets = number_of(fields[9]),
                                     .tx_errors = number_of(fields[10]),
                                     .tx_dropped = number_of(fields[11])};
  });
  return interfaces;
}

}  // namespace berth::kernel

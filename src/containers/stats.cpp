#include "containers/stats.hpp"

#include <poll.h>

#include <array>
#include <chrono>
#include <string_view>

#include "base/error.hpp"
#include "base/file.hpp"
#include "containers/internal.hpp"
#include "containers/show.hpp"
#include "linux/usage.hpp"

namespace berth::containers {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds interval{1};

/// What Docker shows of memory.stat on version 1 of cgroups; its command line takes total_inactive_file off the usage.
constexpr std::array<const char*, 32> counters_v1 = {"cache",
                                                     "rss",
                                                     "rss_huge",
                                                     "mapped_file",
                                                     "dirty",
                                                     "writeback",
                                                     "pgpgin",
                                                     "pgpgout",
                                                     "pgfault",
                                                     "pgmajfault",
                                                     "inactive_anon",
                                                     "active_anon",
                                                     "inactive_file",
                                                     "active_file",
                                                     "unevictable",
                                                     "hierarchical_memory_limit",
                                                     "hierarchical_memsw_limit",
                                                     "total_cache",
                                                     "total_rss",
                                                     "total_rss_huge",
                                                     "total_mapped_file",
                                                     "total_dirty",
                                                     "total_writeback",
                                                     "total_pgpgin",
                                                     "total_pgpgout",
                                                     "total_pgfault",
                                                     "total_pgmajfault",
                                                     "total_inactive_anon",
                                                     "total_active_anon",
                                                     "total_inactive_file",
                                                     "total_active_file",
                                                     "total_unevictable"};

/// And on version 2.
constexpr std::array<const char*, 31> counters_v2 = {"anon",
                                                     "file",
                                                     "kernel_stack",
                                                     "slab",
                                                     "sock",
                                                     "shmem",
                                                     "file_mapped",
                                                     "file_dirty",
                                                     "file_writeback",
                                                     "anon_thp",
                                                     "inactive_anon",
                                                     "active_anon",
                                                     "inactive_file",
                                                     "active_file",
                                                     "unevictable",
                                                     "slab_reclaimable",
                                                     "slab_unreclaimable",
                                                     "pgfault",
                                                     "pgmajfault",
                                                     "workingset_refault",
                                                     "workingset_activate",
                                                     "workingset_nodereclaim",
                                                     "pgrefill",
                                                     "pgscan",
                                                     "pgsteal",
                                                     "pgactivate",
                                                     "pgdeactivate",
                                                     "pglazyfree",
                                                     "pglazyfreed",
                                                     "thp_fault_alloc",
                                                     "thp_collapse_alloc"};

std::optional<std::uint64_t> unless_zero(std::uint64_t value) {
  return value == 0 ? std::nullopt : std::optional{value};
}

template <class Names>
std::map<std::string, std::uint64_t> chosen(const std::map<std::string, std::uint64_t>& counters, const Names& names) {
  std::map<std::string, std::uint64_t> shown;
  for (const char* name : names) {
    const auto found = counters.find(name);
    shown[name] = found == counters.end() ? 0 : found->second;
  }
  return shown;
}

BlkioStats::Entries entries_of(const kernel::BlockCounts& counts) {
  std::vector<BlkioEntry> entries;
  for (const auto& count : counts)
    entries.push_back({count.major_number, count.minor_number, count.operation, count.value});
  return entries;
}

BlkioStats blkio_stats(const kernel::BlockUsage& usage, bool unified) {
  BlkioStats stats;
  if (unified) {  // the one list that version 2 has
    if (!usage.service_bytes.empty()) stats.io_service_bytes_recursive = entries_of(usage.service_bytes);
    return stats;
  }
  stats.io_service_bytes_recursive = entries_of(usage.service_bytes);
  stats.io_serviced_recursive = entries_of(usage.serviced);
  stats.io_queue_recursive = entries_of(usage.queued);
  stats.io_service_time_recursive = entries_of(usage.service_time);
  stats.io_wait_time_recursive = entries_of(usage.wait_time);
  stats.io_merged_recursive = entries_of(usage.merged);
  stats.io_time_recursive = entries_of(usage.time);
  stats.sectors_recursive = entries_of(usage.sectors);
  return stats;
}

CpuStats cpu_stats(const kernel::CpuUsage& usage, const kernel::HostCpuTime& host) {
  CpuStats stats;
  stats.cpu_usage.total_usage = usage.total;
  stats.cpu_usage.percpu_usage = usage.per_cpu;
  stats.cpu_usage.usage_in_kernelmode = usage.kernel;
  stats.cpu_usage.usage_in_usermode = usage.user;
  stats.system_cpu_usage = host.total;
  stats.online_cpus = host.online;
  stats.throttling_data = {usage.periods, usage.throttled_periods, usage.throttled_time};
  return stats;
}

MemoryStats memory_stats(const kernel::MemoryUsage& usage, bool unified) {
  MemoryStats stats;
  stats.usage = unless_zero(usage.usage);
  stats.max_usage = unless_zero(usage.max_usage);
  stats.stats = unified ? chosen(usage.counters, counters_v2) : chosen(usage.counters, counters_v1);
  stats.failcnt = unless_zero(usage.failures);
  stats.limit = unless_zero(std::min(usage.limit, kernel::host_memory()));
  return stats;
}

/// Only of a network namespace of its own that has interfaces.
std::map<std::string, NetworkStats> networks_of(const Record& record) {
  std::map<std::string, NetworkStats> networks;
  if (record.definition.host_config.NetworkMode == "host") return networks;
  const auto text = find_file(fmt::format("/proc/{}/net/dev", record.state.pid));
  for (const auto& [name, usage] : kernel::parse_interfaces(text.value_or(""))) {
    networks[name] = {usage.rx_bytes, usage.rx_packets, usage.rx_errors, usage.rx_dropped,
                      usage.tx_bytes, usage.tx_packets, usage.tx_errors, usage.tx_dropped};
  }
  return networks;
}

}  // namespace

Stats make_stats(const kernel::CgroupUsage& usage, const kernel::HostCpuTime& host, bool unified) {
  Stats stats;
  stats.pids_stats = {unless_zero(usage.pids.current), unless_zero(usage.pids.limit)};
  stats.blkio_stats = blkio_stats(usage.block, unified);
  stats.cpu_stats = cpu_stats(usage.cpu, host);
  stats.memory_stats = memory_stats(usage.memory, unified);
  return stats;
}

namespace {

/// What the container uses now; little but its name if it does not run.
Stats take_sample(const Record& record) {
  const auto& layout = kernel::cgroup_layout();
  Stats stats;
  stats.read = zero_time_text;
  if (record.state.pid != 0) {
    const auto usage = kernel::read_usage(layout, cgroup_path(record.id, record.definition.host_config));
    if (usage.exists) {
      stats = make_stats(usage, kernel::host_cpu_time(), layout.unified);
      stats.networks = networks_of(record);
      stats.read = to_rfc3339(now());
    }
  }
  stats.preread = zero_time_text;
  stats.name = "/" + record.name;
  stats.id = record.id;
  return stats;
}

enum class Pause { over, removed };

/// Waits until `deadline`, or until the container is removed. Throws `cancelled` when the client hangs up.
Pause pause_until(Clock::time_point deadline, Container& container, FdRef changed, FdRef client) {
  for (;;) {
    if (container.with([](Record&, Container::Live& live) { return live.removed; })) return Pause::removed;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return Pause::over;
    pollfd watched[] = {{changed.get(), POLLIN, 0}, {client.get(), POLLRDHUP, 0}};
    ::poll(watched, 2, static_cast<int>(left));
    if (watched[1].revents != 0) throw Error{Kind::cancelled, "the client has gone"};
    if (watched[0].revents != 0) {
      char drop[8];
      read_some(changed, drop);
    }
  }
}

}  // namespace

void Containers::stats(const std::string& name, const StatsRequest& request, FdRef client,
                       const std::function<void(const Stats&)>& send) {
  const auto container = impl_->get(name);
  if (request.stream && request.one_shot) {
    throw Error{Kind::invalid, "cannot have stream=true and one-shot=true"};
  }
  const auto changed = container->waiters.join();
  auto deadline = Clock::now();
  auto sample = take_sample(container->record());
  // One that is asked for alone waits for a second sample: a percentage needs two.
  const bool one_will_do = request.one_shot || container->state().pid == 0;
  if (request.stream || one_will_do) send(sample);
  if (!request.stream && one_will_do) return;
  do {
    deadline += interval;
    if (pause_until(deadline, *container, *changed, client) == Pause::removed) return;
    const auto before = std::move(sample);
    sample = take_sample(container->record());
    sample.precpu_stats = before.cpu_stats;
    sample.preread = before.read;
    send(sample);
  } while (request.stream);
}

}  // namespace berth::containers

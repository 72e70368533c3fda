// Limits: of HostConfig to linux.resources. What the host cannot do is left out; validate has warned of it.
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>

#include "base/error.hpp"
#include "containers/spec_parts.hpp"

namespace berth::containers {
namespace {

constexpr std::uint64_t period_of_nano_cpus = 100'000;  // microseconds

std::optional<oci::runtime::Memory> memory_of(const HostConfig& host, const HostFacts& facts) {
  oci::runtime::Memory memory;
  bool any = false;
  auto set = [&](auto& target, auto value) {
    target = value;
    any = true;
  };
  if (host.Memory > 0) set(memory.limit, host.Memory);
  if (host.MemoryReservation > 0) set(memory.reservation, host.MemoryReservation);
  // Not given: as much swap as memory again.
  const auto swap = host.MemorySwap == 0 && host.Memory > 0 ? host.Memory * 2 : host.MemorySwap;
  if (swap != 0 && facts.has_swap_limit) set(memory.swap, swap);
  if (host.MemorySwappiness && *host.MemorySwappiness >= 0 && facts.has_swappiness) {
    set(memory.swappiness, static_cast<std::uint64_t>(*host.MemorySwappiness));
  }
  if (host.OomKillDisable.value_or(false) && facts.has_oom_control) set(memory.disableOOMKiller, true);
  return any ? std::optional{memory} : std::nullopt;
}

std::optional<oci::runtime::Cpu> cpu_of(const HostConfig& host) {
  oci::runtime::Cpu cpu;
  bool any = false;
  auto set = [&](auto& target, auto value) {
    target = value;
    any = true;
  };
  if (host.CpuShares != 0) set(cpu.shares, static_cast<std::uint64_t>(host.CpuShares));
  if (host.NanoCpus > 0) {
    set(cpu.period, period_of_nano_cpus);
    set(cpu.quota, host.NanoCpus * static_cast<std::int64_t>(period_of_nano_cpus) / 1'000'000'000);
  }
  if (host.CpuPeriod != 0) set(cpu.period, static_cast<std::uint64_t>(host.CpuPeriod));
  if (host.CpuQuota != 0) set(cpu.quota, host.CpuQuota);
  if (host.CpuRealtimePeriod != 0) set(cpu.realtimePeriod, static_cast<std::uint64_t>(host.CpuRealtimePeriod));
  if (host.CpuRealtimeRuntime != 0) set(cpu.realtimeRuntime, host.CpuRealtimeRuntime);
  if (!host.CpusetCpus.empty()) set(cpu.cpus, host.CpusetCpus);
  if (!host.CpusetMems.empty()) set(cpu.mems, host.CpusetMems);
  return any ? std::optional{cpu} : std::nullopt;
}

struct DeviceNumber {
  std::int64_t major_number;
  std::int64_t minor_number;
};

DeviceNumber device_number(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) throw Error::from_errno(errno, "{}", path).as(Kind::invalid);
  return {major(status.st_rdev), minor(status.st_rdev)};
}

void add_rates(oci::runtime::List<oci::runtime::ThrottleDevice>& target,
               const json::Nullable<std::vector<ThrottleDevice>>& source) {
  for (const auto& [path, rate] : source.value_or(std::vector<ThrottleDevice>{})) {
    const auto number = device_number(path);
    target.push_back({.major = number.major_number, .minor = number.minor_number, .rate = rate});
  }
}

std::optional<oci::runtime::BlockIo> block_io_of(const HostConfig& host) {
  oci::runtime::BlockIo io;
  if (host.BlkioWeight > 0) io.weight = host.BlkioWeight;
  for (const auto& [path, weight] : host.BlkioWeightDevice.value_or(std::vector<WeightDevice>{})) {
    const auto number = device_number(path);
    io.weightDevice.push_back({.major = number.major_number, .minor = number.minor_number, .weight = weight});
  }
  add_rates(io.throttleReadBpsDevice, host.BlkioDeviceReadBps);
  add_rates(io.throttleWriteBpsDevice, host.BlkioDeviceWriteBps);
  add_rates(io.throttleReadIOPSDevice, host.BlkioDeviceReadIOps);
  add_rates(io.throttleWriteIOPSDevice, host.BlkioDeviceWriteIOps);
  const bool any = io.weight || !io.weightDevice.empty() || !io.throttleReadBpsDevice.empty() ||
                   !io.throttleWriteBpsDevice.empty() || !io.throttleReadIOPSDevice.empty() ||
                   !io.throttleWriteIOPSDevice.empty();
  return any ? std::optional{io} : std::nullopt;
}

}  // namespace

oci::runtime::Resources resources_of(const HostConfig& host_config, const HostFacts& facts) {
  oci::runtime::Resources resources;
  resources.memory = memory_of(host_config, facts);
  resources.cpu = cpu_of(host_config);
  if (host_config.PidsLimit && facts.has_pids_limit && *host_config.PidsLimit > 0) {
    resources.pids = {.limit = *host_config.PidsLimit};
  }
  resources.blockIO = block_io_of(host_config);
  return resources;
}

}  // namespace berth::containers

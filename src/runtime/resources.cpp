#include "runtime/resources.hpp"

#include <algorithm>
#include <optional>

#include "base/error.hpp"
#include "base/strings.hpp"

namespace berth::runtime {
namespace {

using oci::runtime::BlockIo;
using oci::runtime::Cpu;
using oci::runtime::Memory;
using oci::runtime::Resources;
using oci::runtime::ThrottleDevice;

using Writes = std::vector<ControlWrite>;

std::string limit_text(std::int64_t limit) {
  return limit < 0 ? "max" : std::to_string(limit);
}

template <class Value>
void add(Writes& writes, const char* controller, const char* file, const std::optional<Value>& value) {
  if (value) writes.push_back({controller, file, fmt::format("{}", *value)});
}

void plan_memory_v1(const Memory& memory, Writes& writes) {
  if (memory.limit && *memory.limit != 0)
    writes.push_back({"memory", "memory.limit_in_bytes", fmt::format("{}", *memory.limit)});
  if (memory.swap && *memory.swap != 0) {
    writes.push_back({"memory", "memory.memsw.limit_in_bytes", fmt::format("{}", *memory.swap), true});
  }
  if (memory.reservation && *memory.reservation != 0)
    add(writes, "memory", "memory.soft_limit_in_bytes", memory.reservation);
  if (memory.kernelTCP)
    writes.push_back({"memory", "memory.kmem.tcp.limit_in_bytes", fmt::format("{}", *memory.kernelTCP), true});
  if (memory.swappiness) writes.push_back({"memory", "memory.swappiness", fmt::format("{}", *memory.swappiness), true});
  if (memory.disableOOMKiller.value_or(false)) writes.push_back({"memory", "memory.oom_control", "1"});
}

/// On version 1 the limit of swap is of memory and swap together, on version 2 of swap alone.
void plan_memory_v2(const Memory& memory, Writes& writes) {
  if (memory.swap && *memory.swap != 0) {
    if (*memory.swap > 0 && memory.limit.value_or(0) <= 0)
      throw Error{Kind::invalid, "a swap limit needs a memory limit"};
    if (*memory.swap > 0 && *memory.swap < *memory.limit) {
      throw Error{Kind::invalid, "the swap limit is of memory and swap together: it is smaller than that of memory"};
    }
    const auto swap = *memory.swap < 0 ? -1 : *memory.swap - *memory.limit;
    writes.push_back({"memory", "memory.swap.max", limit_text(swap), true});
  }
  if (memory.limit && *memory.limit != 0) writes.push_back({"memory", "memory.max", limit_text(*memory.limit)});
  if (memory.reservation && *memory.reservation != 0)
    writes.push_back({"memory", "memory.low", limit_text(*memory.reservation)});
}

void plan_cpu(const Cpu& cpu, bool unified, Writes& writes) {
  const auto shares = cpu.shares.value_or(0);
  if (unified) {
    if (shares != 0) {
      const auto weight = 1 + ((std::clamp<std::uint64_t>(shares, 2, 262144) - 2) * 9999) / 262142;
      writes.push_back({"cpu", "cpu.weight", std::to_string(weight)});
    }
    if (cpu.quota.value_or(0) != 0 || cpu.period.value_or(0) != 0) {
      const auto quota = cpu.quota.value_or(-1);
      const auto period = cpu.period.value_or(0) != 0 ? *cpu.period : 100000;
      writes.push_back({"cpu", "cpu.max", fmt::format("{} {}", quota > 0 ? std::to_string(quota) : "max", period)});
    }
    add(writes, "cpu", "cpu.max.burst", cpu.burst);
  } else {
    if (shares != 0) writes.push_back({"cpu", "cpu.shares", std::to_string(shares)});
    if (cpu.period.value_or(0) != 0) add(writes, "cpu", "cpu.cfs_period_us", cpu.period);
    if (cpu.quota.value_or(0) != 0) add(writes, "cpu", "cpu.cfs_quota_us", cpu.quota);
    add(writes, "cpu", "cpu.cfs_burst_us", cpu.burst);
    if (cpu.realtimePeriod.value_or(0) != 0) add(writes, "cpu", "cpu.rt_period_us", cpu.realtimePeriod);
    if (cpu.realtimeRuntime.value_or(0) != 0) add(writes, "cpu", "cpu.rt_runtime_us", cpu.realtimeRuntime);
  }
  add(writes, "cpu", "cpu.idle", cpu.idle);
  if (!cpu.cpus.empty()) writes.push_back({"cpuset", "cpuset.cpus", cpu.cpus});
  if (!cpu.mems.empty()) writes.push_back({"cpuset", "cpuset.mems", cpu.mems});
}

void plan_throttle(const std::vector<ThrottleDevice>& devices, const char* file_v1, const char* key_v2, bool unified,
                   Writes& writes) {
  for (const auto& device : devices) {
    const auto number = fmt::format("{}:{}", device.major, device.minor);
    if (unified) {
      const auto rate = device.rate == 0 ? "max" : std::to_string(device.rate);  // 0 lifts the limit on version 1
      writes.push_back({"io", "io.max", fmt::format("{} {}={}", number, key_v2, rate)});
    } else {
      writes.push_back({"blkio", file_v1, fmt::format("{} {}", number, device.rate)});
    }
  }
}

void plan_block_io(const BlockIo& io, bool unified, Writes& writes) {
  const auto weight = io.weight.value_or(0);
  if (weight != 0 && unified) {
    const int proportional = 1 + (std::clamp<int>(weight, 10, 1000) - 10) * 9999 / 990;
    writes.push_back({"io", "io.weight", std::to_string(proportional), true});
  } else if (weight != 0) {
    // One of the two exists, after the scheduler in use: CFQ's name or BFQ's.
    writes.push_back({"blkio", "blkio.weight", std::to_string(weight), true});
    writes.push_back({"blkio", "blkio.bfq.weight", std::to_string(weight), true});
  }
  for (const auto& device : io.weightDevice) {
    const auto value = fmt::format("{}:{} {}", device.major, device.minor, device.weight.value_or(0));
    writes.push_back({unified ? "io" : "blkio", unified ? "io.bfq.weight" : "blkio.bfq.weight_device", value, true});
  }
  plan_throttle(io.throttleReadBpsDevice, "blkio.throttle.read_bps_device", "rbps", unified, writes);
  plan_throttle(io.throttleWriteBpsDevice, "blkio.throttle.write_bps_device", "wbps", unified, writes);
  plan_throttle(io.throttleReadIOPSDevice, "blkio.throttle.read_iops_device", "riops", unified, writes);
  plan_throttle(io.throttleWriteIOPSDevice, "blkio.throttle.write_iops_device", "wiops", unified, writes);
}

void plan_unified(const Resources& resources, Writes& writes) {
  for (const auto& [file, value] : resources.unified) {
    if (file.contains('/') || !file.contains('.'))
      throw Error{Kind::invalid, "no control file of a cgroup: {}", quote(file)};
    writes.push_back({file.substr(0, file.find('.')), file, value});
  }
}

std::string rule_text(const kernel::DeviceRule& rule) {
  const auto number = [](const std::optional<std::uint32_t>& value) { return value ? std::to_string(*value) : "*"; };
  return fmt::format("{} {}:{} {}{}{}", rule.type, number(rule.major), number(rule.minor), rule.read ? "r" : "",
                     rule.write ? "w" : "", rule.mknod ? "m" : "");
}

kernel::DeviceRule checked_rule(const oci::runtime::DeviceRule& rule) {
  const std::string& type = rule.type;
  const std::string access = rule.access.empty() ? "rwm" : rule.access;
  if (!type.empty() && type != "a" && type != "c" && type != "b") {
    throw Error{Kind::invalid, "unknown device type {}", quote(type)};
  }
  if (access.find_first_not_of("rwm") != std::string::npos) {
    throw Error{Kind::invalid, "unknown device access {}", quote(access)};
  }
  const auto number = [](const std::optional<std::int64_t>& value) -> std::optional<std::uint32_t> {
    if (!value || *value < 0) return std::nullopt;
    return static_cast<std::uint32_t>(*value);
  };
  return {.allow = rule.allow,
          .type = type.empty() ? 'a' : type[0],
          .major = number(rule.major),
          .minor = number(rule.minor),
          .read = access.contains('r'),
          .write = access.contains('w'),
          .mknod = access.contains('m')};
}

bool concerns_all(const kernel::DeviceRule& rule) {
  return rule.type == 'a' && !rule.major && !rule.minor && rule.read && rule.write && rule.mknod;
}

kernel::DeviceRule allow(char type, std::optional<std::uint32_t> major, std::optional<std::uint32_t> minor,
                         bool mknod_only = false) {
  return {.allow = true,
          .type = type,
          .major = major,
          .minor = minor,
          .read = !mknod_only,
          .write = !mknod_only,
          .mknod = true};
}

}  // namespace

std::vector<kernel::DeviceRule> plan_device_rules(const std::vector<oci::runtime::DeviceRule>& rules) {
  bool all_allowed = false;
  std::vector<kernel::DeviceRule> exceptions;
  for (const auto& rule : rules) {
    const auto checked = checked_rule(rule);
    if (concerns_all(checked)) {
      all_allowed = checked.allow;
      exceptions.clear();
    } else {
      exceptions.push_back(checked);
    }
  }
  if (all_allowed && exceptions.empty()) return {};
  std::vector<kernel::DeviceRule> planned = {{.allow = all_allowed}};
  // Making a node grants nothing while its use is refused; programs in images do make them.
  const kernel::DeviceRule defaults[] = {
      allow('c', {}, {}, true), allow('b', {}, {}, true), allow('c', 1, 3), allow('c', 1, 5), allow('c', 1, 7),
      allow('c', 1, 8),         allow('c', 1, 9),         allow('c', 5, 0), allow('c', 5, 2), allow('c', 136, {})};
  if (!all_allowed) planned.insert(planned.end(), std::begin(defaults), std::end(defaults));
  for (const auto& rule : exceptions) {
    const auto same = [&](const kernel::DeviceRule& other) {
      return other.allow == rule.allow && rule_text(other) == rule_text(rule);
    };
    if (std::ranges::none_of(planned, same)) planned.push_back(rule);
  }
  return planned;
}

ResourcePlan plan_resources(const Resources& resources, bool unified) {
  ResourcePlan plan;
  if (resources.memory)
    unified ? plan_memory_v2(*resources.memory, plan.writes) : plan_memory_v1(*resources.memory, plan.writes);
  if (resources.cpu) plan_cpu(*resources.cpu, unified, plan.writes);
  if (resources.pids && resources.pids->limit != 0) {
    const auto limit = resources.pids->limit;
    plan.writes.push_back({"pids", "pids.max", limit < 0 ? "max" : std::to_string(limit)});
  }
  if (resources.blockIO) plan_block_io(*resources.blockIO, unified, plan.writes);
  for (const auto& page : resources.hugepageLimits) {
    const auto file = fmt::format("hugetlb.{}.{}", page.pageSize, unified ? "max" : "limit_in_bytes");
    if (page.pageSize.contains('/')) throw Error{Kind::invalid, "unknown page size {}", quote(page.pageSize)};
    plan.writes.push_back({"hugetlb", file, std::to_string(page.limit)});
  }
  if (resources.network && !unified) {
    if (resources.network->classID) add(plan.writes, "net_cls", "net_cls.classid", resources.network->classID);
    for (const auto& priority : resources.network->priorities) {
      plan.writes.push_back({"net_prio", "net_prio.ifpriomap", fmt::format("{} {}", priority.name, priority.priority)});
    }
  }
  if (unified) plan_unified(resources, plan.writes);
  auto devices = plan_device_rules(resources.devices);
  if (unified) {
    plan.devices = std::move(devices);
    return plan;
  }
  for (const auto& rule : devices) {
    plan.writes.push_back(
        {"devices", rule.allow ? "devices.allow" : "devices.deny", concerns_all(rule) ? "a" : rule_text(rule)});
  }
  return plan;
}

void apply_resources(const kernel::Cgroup& cgroup, const ResourcePlan& plan) {
  for (const auto& write : plan.writes) {
    try {
      cgroup.write(write.controller, write.file, write.value);
    } catch (const Error& error) {
      if (!write.optional || error.kind() != Kind::unsupported) throw;
    }
  }
  if (!plan.devices.empty()) kernel::attach_device_rules(cgroup.directory(), plan.devices);
}

}  // namespace berth::runtime

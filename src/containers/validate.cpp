// What is refused at creation, in Docker's words where it has some, and warnings about what is left out.
#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "base/strings.hpp"
#include "containers/health.hpp"
#include "containers/spec_parts.hpp"

namespace berth::containers {
namespace {

constexpr std::int64_t least_memory = 6 << 20;

using Warnings = std::vector<std::string>;

void check_config(const Config& config, Warnings& warnings) {
  if (!config.WorkingDir.empty() && !config.WorkingDir.starts_with('/')) {
    throw Error{Kind::invalid, "the working directory '{}' is invalid, it needs to be an absolute path",
                config.WorkingDir};
  }
  for (const auto& assignment : config.Env) {
    if (assignment.empty() || assignment.starts_with('=')) {
      throw Error{Kind::invalid, "invalid environment variable: {}", assignment};
    }
  }
  // sethostname(2) takes 64; a newline would forge lines of /etc/hostname.
  if (config.Hostname.size() > 64 || config.Hostname.find_first_of("\n\r/ ") != std::string::npos) {
    throw Error{Kind::invalid, "invalid hostname: {}", quote(config.Hostname)};
  }
  if (config.Healthcheck_) check_health(*config.Healthcheck_, warnings);
}

void check_mode(const char* what, const std::string& mode, std::initializer_list<std::string_view> known) {
  if (std::ranges::find(known, mode) != known.end()) return;
  if (mode.starts_with("container:")) {
    throw Error{Kind::unsupported, "sharing the {} namespace of another container is not there yet", what};
  }
  throw Error{Kind::invalid, "invalid {} mode: {}", what, mode};
}

void check_restart_policy(const HostConfig& host) {
  const auto& [name, count] = host.RestartPolicy_;
  if (host.AutoRemove && !name.empty() && name != "no") {
    throw Error{Kind::invalid, "can't create 'AutoRemove' container with restart policy"};
  }
  static constexpr std::array known = {"", "no", "always", "on-failure", "unless-stopped"};
  if (std::ranges::find(known, name) == known.end()) {
    throw Error{
        Kind::invalid,
        "invalid restart policy: unknown policy '{}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'",
        name};
  }
  if (name == "on-failure" && count < 0) {
    throw Error{Kind::invalid, "invalid restart policy: maximum retry count cannot be negative"};
  }
  // Without a name any count is accepted: Docker wrote such policies once.
  if (!name.empty() && name != "on-failure" && count != 0) {
    throw Error{Kind::invalid, "invalid restart policy: maximum retry count can only be used with 'on-failure'{}",
                count < 0 ? " and cannot be negative" : ""};
  }
}

/// An update may name one limit without those that were set before.
enum class Purpose { create, update };

void check_memory(const HostConfig& host, const HostFacts& facts, Purpose purpose, Warnings& warnings) {
  if (host.Memory != 0 && host.Memory < least_memory) throw Error{Kind::invalid, "Minimum memory limit allowed is 6MB"};
  if (host.MemorySwap < -1) throw Error{Kind::invalid, "invalid memory-swap: {}", host.MemorySwap};
  if (host.Memory > 0 && host.MemorySwap > 0 && host.MemorySwap < host.Memory) {
    throw Error{Kind::invalid, "Minimum memoryswap limit should be larger than memory limit, see usage"};
  }
  if (host.Memory == 0 && host.MemorySwap > 0 && purpose == Purpose::create) {
    throw Error{Kind::invalid, "You should always set the Memory limit when using Memoryswap limit, see usage"};
  }
  if (host.Memory > 0 && host.MemorySwap != -1 && !facts.has_swap_limit) {
    warnings.emplace_back(
        "Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without "
        "swap.");
  }
  if (host.MemorySwappiness && *host.MemorySwappiness != -1) {
    const auto value = *host.MemorySwappiness;
    if (value < -1 || value > 100) {
      throw Error{Kind::invalid, "Invalid value: {}, valid memory swappiness range is 0-100", value};
    }
    if (!facts.has_swappiness) {
      warnings.emplace_back(
          "Your kernel does not support memory swappiness capabilities or the cgroup is not mounted. Memory swappiness "
          "discarded.");
    }
  }
  if (host.MemoryReservation != 0 && host.MemoryReservation < least_memory) {
    throw Error{Kind::invalid, "Minimum memory reservation allowed is 6MB"};
  }
  if (host.Memory > 0 && host.Memory < host.MemoryReservation) {
    throw Error{Kind::invalid, "Minimum memory limit can not be less than memory reservation limit, see usage"};
  }
  if (!host.OomKillDisable.value_or(false)) return;
  if (!facts.has_oom_control) {
    warnings.emplace_back("Your kernel does not support OomKillDisable. OomKillDisable discarded.");
  } else if (host.Memory == 0) {
    warnings.emplace_back(
        "OOM killer is disabled for the container, but no memory limit is set, this can result in the system running "
        "out of "
        "resources.");
  }
}

void check_cpuset(const std::string& wanted, const std::string& available, const char* what, const char* option) {
  if (wanted.empty()) return;
  std::set<int> numbers;
  try {
    numbers = parse_number_list(wanted);
  } catch (const Error&) {
    throw Error{Kind::invalid, "Invalid value {} for cpuset {}", wanted, option};
  }
  const auto there = parse_number_list(available);
  if (!std::ranges::includes(there, numbers)) {
    throw Error{Kind::invalid, "Requested {} are not available - requested {}, available: {}", what, wanted, available};
  }
}

void check_cpu(const HostConfig& host, const HostFacts& facts) {
  if (host.NanoCpus > 0 && host.CpuPeriod > 0) {
    throw Error{Kind::invalid, "Conflicting options: Nano CPUs and CPU Period cannot both be set"};
  }
  if (host.NanoCpus > 0 && host.CpuQuota > 0) {
    throw Error{Kind::invalid, "Conflicting options: Nano CPUs and CPU Quota cannot both be set"};
  }
  // Less than 0.01 would be below the least quota that the kernel takes, 1 ms.
  if (host.NanoCpus < 0 || host.NanoCpus > facts.cpus * 1'000'000'000LL ||
      (host.NanoCpus > 0 && host.NanoCpus < 10'000'000)) {
    throw Error{Kind::invalid, "Range of CPUs is from 0.01 to {}.00, as there are only {} CPUs available", facts.cpus,
                facts.cpus};
  }
  if (host.CpuShares < 0) {
    throw Error{Kind::invalid, "invalid CPU shares ({}): value must be a positive integer", host.CpuShares};
  }
  if (host.CpuPeriod != 0 && (host.CpuPeriod < 1000 || host.CpuPeriod > 1'000'000)) {
    throw Error{Kind::invalid, "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)"};
  }
  if (host.CpuQuota > 0 && host.CpuQuota < 1000) {
    throw Error{Kind::invalid, "CPU cfs quota can not be less than 1ms (i.e. 1000)"};
  }
  check_cpuset(host.CpusetCpus, facts.cpu_list, "CPUs", "cpus");
  check_cpuset(host.CpusetMems, facts.memory_nodes, "memory nodes", "mems");
}

void check_other_resources(const HostConfig& host, const HostFacts& facts, Warnings& warnings) {
  if (host.PidsLimit.value_or(0) > 0 && !facts.has_pids_limit) {
    warnings.emplace_back(
        "Your kernel does not support PIDs limit capabilities or the cgroup is not mounted. PIDs limit discarded.");
  }
  if (host.BlkioWeight > 0 && (host.BlkioWeight < 10 || host.BlkioWeight > 1000)) {
    throw Error{Kind::invalid, "Range of blkio weight is from 10 to 1000"};
  }
  if (host.IOMaximumBandwidth != 0 || host.IOMaximumIOps != 0) {
    throw Error{Kind::invalid, "Invalid QoS settings: linux does not support Maximum IO Bandwidth or Maximum IO IOps"};
  }
  if (host.CpuPercent > 0 || host.CpuCount > 0) {
    warnings.emplace_back("CPU count and CPU percent are settings of Windows. Discarded.");
  }
  if (host.OomScoreAdj < -1000 || host.OomScoreAdj > 1000) {
    throw Error{Kind::invalid, "Invalid value {}, range for oom score adj is [-1000, 1000]", host.OomScoreAdj};
  }
  if (host.ShmSize < 0) throw Error{Kind::invalid, "SHM size can not be less than 0"};
  for (const auto& ulimit : host.Ulimits.value_or(std::vector<Ulimit>{})) {
    rlimit_name(ulimit.Name);
    const bool below = ulimit.Hard >= 0 && (ulimit.Soft < 0 || ulimit.Soft > ulimit.Hard);
    if (below) {
      throw Error{Kind::invalid, "ulimit soft limit must be less than or equal to hard limit: {} > {}", ulimit.Soft,
                  ulimit.Hard};
    }
  }
  for (const auto& rule : host.DeviceCgroupRules.value_or(std::vector<std::string>{})) parse_device_rule(rule);
  for (const auto& device : host.Devices.value_or(std::vector<DeviceMapping>{})) {
    const auto& access = device.CgroupPermissions;
    const auto& target = device.PathInContainer.empty() ? device.PathOnHost : device.PathInContainer;
    if (access.find_first_not_of("rwm") != std::string::npos || access.size() > 3) {
      throw Error{Kind::invalid, "invalid device mode: {}", access};
    }
    if (!device.PathOnHost.starts_with('/') || !target.starts_with('/')) {
      throw Error{Kind::invalid, "{} is not an absolute path",
                  device.PathOnHost.starts_with('/') ? target : device.PathOnHost};
    }
  }
}

/// Only what the kernel keeps per namespace, and only of namespaces that are the container's own.
void check_sysctls(const HostConfig& host) {
  static constexpr std::array of_ipc = {"kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem",
                                        "kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced"};
  for (const auto& [name, value] : host.Sysctls.value_or(std::map<std::string, std::string>{})) {
    auto dotted = name;  // both notations are accepted: net/ipv4/ip_forward
    const auto first = dotted.find_first_of("./");
    if (first != std::string::npos && dotted[first] == '/') {
      std::ranges::for_each(dotted, [](char& c) { c = c == '/' ? '.' : c == '.' ? '/' : c; });
    }
    if (dotted.starts_with("net.")) {
      if (!is_host(host.NetworkMode)) continue;
      throw Error{Kind::invalid, "sysctl {} not allowed in host network namespace", quote(name)};
    }
    if (std::ranges::find(of_ipc, dotted) != of_ipc.end() || dotted.starts_with("fs.mqueue.")) {
      if (!is_host(host.IpcMode)) continue;
      throw Error{Kind::invalid, "sysctl {} not allowed in host ipc namespace", quote(name)};
    }
    throw Error{Kind::invalid, "sysctl {} is not in a separate kernel namespace", quote(name)};
  }
}

void check_mounts(const Config& config, const HostConfig& host) {
  std::error_code unreachable;
  const auto tmpfs = tmpfs_of(host);
  const auto binds = binds_of(host);
  // "-v /data" asks for a volume without a name. Some SDKs list the targets of binds here as well.
  for (const auto& [target, nothing] : config.Volumes.value_or(NameSet{})) {
    const bool mounted = tmpfs.contains(target) || std::ranges::find(binds, target, &Bind::target) != binds.end();
    if (!mounted) throw Error{Kind::unsupported, "volumes are not there yet: {} asks for one", quote(target)};
  }
  for (const auto& bind : binds) {
    if (tmpfs.contains(bind.target)) throw Error{Kind::invalid, "Duplicate mount point: {}", bind.target};
    if (bind.make_source || fs::exists(bind.source, unreachable)) continue;
    throw Error{Kind::invalid, "invalid mount config for type \"bind\": bind source path does not exist: {}",
                bind.source};
  }
}

void check_not_there_yet(const HostConfig& host) {
  if (host.VolumesFrom && !host.VolumesFrom->empty())
    throw Error{Kind::unsupported, "volumes are not there yet: --volumes-from"};
  if (host.StorageOpt && !host.StorageOpt->empty()) throw Error{Kind::unsupported, "storage options are not there yet"};
  if (host.DeviceRequests && !host.DeviceRequests->empty()) {
    throw Error{Kind::unsupported, "device requests (--gpus) are not there yet"};
  }
  if (!host.Runtime.empty() && host.Runtime != "berth") {
    throw Error{Kind::invalid, "unknown or invalid runtime name: {}", host.Runtime};
  }
  if (!host.UsernsMode.empty() && host.UsernsMode != "host") throw Error{Kind::invalid, "invalid userns mode"};
  if (!host.Isolation.empty() && host.Isolation != "default") {
    throw Error{Kind::invalid, "invalid isolation: {} - linux only supports 'default'", quote(host.Isolation)};
  }
}

}  // namespace

std::vector<std::string> validate(const Config& config, const HostConfig& host_config, const HostFacts& facts) {
  Warnings warnings;
  check_config(config, warnings);
  check_not_there_yet(host_config);
  check_network(config, host_config, warnings);
  check_mode("IPC", host_config.IpcMode, {"", "none", "private", "shareable", "host"});
  check_mode("PID", host_config.PidMode, {"", "private", "host"});
  check_mode("UTS", host_config.UTSMode, {"", "private", "host"});
  check_mode("cgroup namespace", host_config.CgroupnsMode, {"", "private", "host"});
  check_restart_policy(host_config);
  check_mounts(config, host_config);
  capabilities_of(host_config, facts);
  parse_security(host_config);
  check_sysctls(host_config);
  check_memory(host_config, facts, Purpose::create, warnings);
  check_cpu(host_config, facts);
  check_other_resources(host_config, facts, warnings);
  if (host_config.Annotations && host_config.Annotations->contains("")) {
    throw Error{Kind::invalid, "invalid Annotations: the empty string is not permitted as an annotation key"};
  }
  check_log_config(host_config.LogConfig_);
  return warnings;
}

std::vector<std::string> validate_update(const UpdateRequest& request, const HostFacts& facts) {
  HostConfig host_config;
  static_cast<Resources&>(host_config) = request;
  host_config.RestartPolicy_ = request.RestartPolicy_;
  Warnings warnings;
  check_restart_policy(host_config);
  check_memory(host_config, facts, Purpose::update, warnings);
  check_cpu(host_config, facts);
  check_other_resources(host_config, facts, warnings);
  return warnings;
}

}  // namespace berth::containers

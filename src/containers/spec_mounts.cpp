// What is mounted where.
#include <algorithm>
#include <set>

#include "base/strings.hpp"
#include "containers/spec_parts.hpp"

namespace berth::containers {
namespace {

using oci::runtime::Mount;

constexpr std::int64_t default_shm_size = 64 << 20;

std::vector<Mount> system_mounts(const HostConfig& host) {
  const char* access = host.Privileged ? "rw" : "ro";
  const auto shm_size = host.ShmSize > 0 ? host.ShmSize : default_shm_size;
  return {
      {"/proc", "proc", "proc", {{"nosuid", "noexec", "nodev"}}},
      {"/dev", "tmpfs", "tmpfs", {{"nosuid", "strictatime", "mode=755", "size=65536k"}}},
      {"/dev/pts", "devpts", "devpts", {{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}}},
      {"/sys", "sysfs", "sysfs", {{"nosuid", "noexec", "nodev", access}}},
      {"/sys/fs/cgroup", "cgroup", "cgroup", {{access, "nosuid", "noexec", "nodev"}}},
      {"/dev/mqueue", "mqueue", "mqueue", {{"nosuid", "noexec", "nodev"}}},
      {"/dev/shm", "tmpfs", "shm", {{"nosuid", "noexec", "nodev", "mode=1777", fmt::format("size={}", shm_size)}}},
  };
}

Mount to_mount(const Bind& bind) {
  Mount mount{.destination = bind.target, .type = std::string{"bind"}, .source = bind.source};
  mount.options.push_back(bind.recursive ? "rbind" : "bind");
  if (bind.read_only) {
    mount.options.push_back("ro");
    if (bind.recursive && bind.recursive_read_only) mount.options.push_back("rro");
  }
  mount.options.push_back(bind.propagation);
  return mount;
}

/// Files of the container's directory, over those of the image; writable, as programs edit them.
std::vector<Mount> network_mounts(const SpecInput& input) {
  std::vector<Mount> mounts;
  for (const auto* name : {"resolv.conf", "hostname", "hosts"}) {
    mounts.push_back(to_mount({.source = input.network_files / name, .target = std::string{"/etc/"} + name}));
  }
  return mounts;
}

std::vector<Mount> requested_mounts(const SpecInput& input) {
  const auto& host = input.host_config;
  const auto binds = binds_of(host);
  std::vector<Mount> mounts;
  for (const auto& bind : binds) mounts.push_back(to_mount(bind));
  for (const auto& [target, options] : tmpfs_of(host)) {
    mounts.push_back(
        {.destination = target, .type = std::string{"tmpfs"}, .source = std::string{"tmpfs"}, .options = options});
  }
  auto taken = [&](const std::string& target) {
    return std::ranges::any_of(mounts, [&](const Mount& mount) { return mount.destination == target; });
  };
  for (auto& mount : network_mounts(input)) {
    if (!taken(mount.destination)) mounts.push_back(std::move(mount));
  }
  if (is_host(host.IpcMode) && !taken("/dev/shm"))
    mounts.push_back(to_mount({.source = "/dev/shm", .target = "/dev/shm"}));
  if (wants_init(host)) {
    mounts.push_back({.destination = init_path,
                      .type = std::string{"bind"},
                      .source = input.init_program.native(),
                      .options = std::vector<std::string>{"bind", "ro"}});
  }
  // What lies deeper comes later, or it would be hidden.
  auto depth = [](const Mount& mount) { return std::ranges::count(mount.destination, '/'); };
  std::ranges::stable_sort(mounts, {}, depth);
  return mounts;
}

std::string root_propagation(const std::vector<Bind>& binds) {
  std::string propagation;
  for (const auto& bind : binds) {
    if (bind.propagation.ends_with("shared")) return "shared";
    if (bind.propagation.ends_with("slave")) propagation = "rslave";
  }
  return propagation;
}

}  // namespace

MountPlan plan_mounts(const SpecInput& input) {
  const auto requested = requested_mounts(input);
  std::set<std::string, std::less<>> targets;
  for (const auto& mount : requested) targets.insert(mount.destination);

  MountPlan plan;
  const bool own_dev = targets.contains("/dev");  // then everything below it is the user's affair
  for (auto& mount : system_mounts(input.host_config)) {
    if (targets.contains(mount.destination) || (own_dev && mount.destination.starts_with("/dev/"))) continue;
    if (mount.destination == "/dev/shm" && input.host_config.IpcMode == "none") continue;
    plan.mounts.push_back(std::move(mount));
  }
  plan.mounts.insert(plan.mounts.end(), requested.begin(), requested.end());
  plan.root_propagation = root_propagation(binds_of(input.host_config));
  return plan;
}

}  // namespace berth::containers

#include "engine/system_info.hpp"

#include <linux/magic.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/file.hpp"
#include "base/strings.hpp"
#include "base/time.hpp"
#include "containers/host_facts.hpp"
#include "containers/spec.hpp"
#include "engine/engine.hpp"
#include "network/network.hpp"

namespace berth::engine {
namespace {

utsname kernel() {
  utsname name{};
  ::uname(&name);
  return name;
}

/// A field of /etc/os-release without its quotes; empty if there is none.
std::string os_release(std::string_view field) {
  const auto text = find_file("/etc/os-release").value_or(find_file("/usr/lib/os-release").value_or(""));
  for (const auto& line : split(text, '\n')) {
    const auto parts = split_once(line, '=');
    if (!parts || parts->first != field) continue;
    auto value = parts->second;
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
    return std::string{value};
  }
  return {};
}

/// Docker's name of the file system that holds `directory`.
std::string backing_file_system(const fs::path& directory) {
  struct statfs status {};
  if (::statfs(directory.c_str(), &status) < 0) return "<unknown>";
  switch (status.f_type) {
    case EXT4_SUPER_MAGIC: return "extfs";
    case XFS_SUPER_MAGIC: return "xfs";
    case BTRFS_SUPER_MAGIC: return "btrfs";
    case TMPFS_MAGIC: return "tmpfs";
    case OVERLAYFS_SUPER_MAGIC: return "overlayfs";
    default: return "<unknown>";
  }
}

std::int64_t entries_of(const char* directory) {
  std::int64_t count = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator{directory}) ++count;
  return count;
}

bool reads_one(const char* path) {
  return trim(find_file(path).value_or("")) == "1";
}

/// Go's name of the machine's architecture, as clients of the API expect it in /version.
std::string go_architecture(const std::string& machine) {
  if (machine == "x86_64") return "amd64";
  if (machine == "aarch64") return "arm64";
  return machine;
}

json::Object component(const char* name, const char* version, json::Object details) {
  return {{"Name", name}, {"Version", version}, {"Details", std::move(details)}};
}

}  // namespace

SystemInfo host_info(const fs::path& data_root) {
  const auto name = kernel();
  const auto& facts = containers::host_facts();
  SystemInfo info;
  info.DriverStatus = {{"Backing Filesystem", backing_file_system(data_root)},
                       {"Supports d_type", "true"},
                       {"Native Overlay Diff", "true"},
                       {"userxattr", "false"}};
  info.Plugins.Network = network::driver_names();
  info.Plugins.Log = containers::log_driver_names();
  info.IPv4Forwarding = reads_one("/proc/sys/net/ipv4/ip_forward");
  info.NFd = entries_of("/proc/self/fd");
  info.NGoroutines = entries_of("/proc/self/task");
  info.SystemTime = to_rfc3339(now());
  info.CgroupVersion = facts.cgroup_v2 ? "2" : "1";
  info.SwapLimit = facts.has_swap_limit;
  info.PidsLimit = facts.has_pids_limit;
  info.OomKillDisable = facts.has_oom_control;
  info.KernelVersion = name.release;
  info.OperatingSystem = os_release("PRETTY_NAME");
  info.OSVersion = os_release("VERSION_ID");
  info.Architecture = name.machine;
  info.RegistryConfig = {{"IndexConfigs", json::Object{}},
                         {"InsecureRegistryCIDRs", json::Array{"::1/128", "127.0.0.0/8"}},
                         {"Mirrors", json::Array{}}};
  info.NCPU = ::sysconf(_SC_NPROCESSORS_ONLN);
  info.MemTotal = ::sysconf(_SC_PHYS_PAGES) * ::sysconf(_SC_PAGESIZE);
  info.Name = name.nodename;
  info.ServerVersion = engine_version;
  info.Runtimes["berth"] = {"berth-runtime"};
  info.Swarm = {{"NodeID", ""}, {"NodeAddr", ""},           {"LocalNodeState", "inactive"}, {"ControlAvailable", false},
                {"Error", ""},  {"RemoteManagers", nullptr}};
  info.SecurityOptions = {"name=seccomp,profile=builtin"};
  info.SecurityOptions.emplace_back("name=cgroupns");
  return info;
}

json::Object version_info() {
  const auto name = kernel();
  const auto architecture = go_architecture(name.machine);
  const json::Object engine_details = {{"ApiVersion", api_version},
                                       {"Arch", architecture},
                                       {"BuildTime", ""},
                                       {"Experimental", "false"},
                                       {"GitCommit", ""},
                                       {"GoVersion", ""},
                                       {"KernelVersion", name.release},
                                       {"MinAPIVersion", min_api_version},
                                       {"Os", "linux"}};
  return {{"Platform", {{"Name", std::string{"Berth "} + berth_version}}},
          {"Components",
           json::Array{component("Engine", engine_version, engine_details), component("Berth", berth_version, {})}},
          {"Version", engine_version},
          {"ApiVersion", api_version},
          {"MinAPIVersion", min_api_version},
          {"GitCommit", ""},
          {"GoVersion", ""},
          {"Os", "linux"},
          {"Arch", architecture},
          {"KernelVersion", name.release},
          {"BuildTime", ""}};
}

}  // namespace berth::engine

// --security-opt, --cap-add, --cap-drop, --privileged: what the container may do.
#include <algorithm>
#include <array>
#include <set>

#include "base/error.hpp"
#include "base/strings.hpp"
#include "containers/spec_parts.hpp"
#include "linux/capabilities.hpp"

namespace berth::containers {
namespace {

constexpr std::array default_capabilities = {
    "CAP_CHOWN",   "CAP_DAC_OVERRIDE", "CAP_FSETID",           "CAP_FOWNER",
    "CAP_MKNOD",   "CAP_NET_RAW",      "CAP_SETGID",           "CAP_SETUID",
    "CAP_SETFCAP", "CAP_SETPCAP",      "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT",
    "CAP_KILL",    "CAP_AUDIT_WRITE",
};

// What tells of the host or lets a container measure or disturb it (GHSA-jq35-85cj-fj4p: power consumption;
// GHSA-6fw5-f8r9-fgfm: interrupts and temperature). The thermal directories are in HostFacts.
constexpr std::array masked_paths = {
    "/proc/asound",      "/proc/acpi",          "/proc/interrupts", "/proc/kcore",
    "/proc/keys",        "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
    "/proc/sched_debug", "/proc/scsi",          "/sys/firmware",    "/sys/devices/virtual/powercap",
};

constexpr std::array readonly_paths = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};

void apply_option(Security& security, std::string_view option) {
  if (option == "no-new-privileges") {
    security.no_new_privileges = true;
    return;
  }
  if (option == "disable") return;  // an old spelling of label=disable
  const auto parts = split_once(option, option.contains('=') ? '=' : ':');
  if (!parts) throw Error{Kind::invalid, "invalid --security-opt 1: {}", quote(option)};
  const auto [key, value] = *parts;
  if (key == "label") return;  // as on any host without SELinux
  if (key == "apparmor") {
    if (value.empty() || value == "unconfined") return;
    throw Error{Kind::unsupported,
                "AppArmor profile {}: AppArmor is not there yet; leave the option out or use apparmor=unconfined",
                quote(value)};
  }
  if (key == "seccomp") {
    security.seccomp_unconfined = value == "unconfined";
    security.seccomp_profile = value == "unconfined" || value == "builtin" ? std::string_view{} : value;
  } else if (key == "systempaths" && value == "unconfined") {
    security.paths_unconfined = true;
  } else if (const auto on = key == "no-new-privileges" ? parse_bool(value) : std::nullopt) {
    security.no_new_privileges = *on;
  } else {
    throw Error{Kind::invalid, "invalid --security-opt 2: {}", quote(option)};
  }
}

/// Names as in a runtime configuration; "ALL" stays.
std::vector<std::string> normalized(const StringList& names, std::string_view option, const HostFacts& facts) {
  std::vector<std::string> known;
  for (const auto& name : names.value_or(std::vector<std::string>{})) {
    auto upper = to_upper(name);
    if (upper != "ALL") {
      if (!upper.starts_with("CAP_")) upper.insert(0, "CAP_");
      if (!kernel::find_capability(upper))
        throw Error{Kind::invalid, "invalid {}: unknown capability: {}", option, quote(name)};
      if (std::ranges::find(facts.capabilities, upper) == facts.capabilities.end()) {
        throw Error{
            Kind::invalid,
            "invalid {}: capability not supported by your kernel or not available in the current environment: {}",
            option, quote(name)};
      }
    }
    known.push_back(std::move(upper));
  }
  return known;
}

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

std::vector<std::string> without(const auto& names, const std::vector<std::string>& dropped) {
  std::vector<std::string> left;
  for (const auto& name : names) {
    if (!contains(dropped, name)) left.emplace_back(name);
  }
  return left;
}

}  // namespace

Security parse_security(const HostConfig& host_config) {
  Security security;
  for (const auto& option : host_config.SecurityOpt.value_or(std::vector<std::string>{}))
    apply_option(security, option);
  // Privileged containers have no filter unless they ask for a profile by content.
  if (host_config.Privileged && security.seccomp_profile.empty()) security.seccomp_unconfined = true;
  return security;
}

std::vector<std::string> capabilities_of(const HostConfig& host_config, const HostFacts& facts) {
  const auto added = normalized(host_config.CapAdd, "CapAdd", facts);
  const auto dropped = normalized(host_config.CapDrop, "CapDrop", facts);
  if (host_config.Privileged) return facts.capabilities;
  if (contains(added, "ALL")) return without(facts.capabilities, dropped);
  std::vector<std::string> capabilities;
  if (!contains(dropped, "ALL")) capabilities = without(default_capabilities, dropped);
  for (const auto& name : added) {
    if (!contains(capabilities, name)) capabilities.push_back(name);
  }
  return capabilities;
}

std::string seccomp_filter_of(const HostConfig& host_config, const Security& security,
                              const std::vector<std::string>& capabilities, seccomp::FilterCache& filters) {
  if (security.seccomp_unconfined) return {};
  const seccomp::CapabilitySet set{capabilities.begin(), capabilities.end()};
  if (security.seccomp_profile.empty()) return filters.default_filter(set);
  try {
    return filters.docker_filter(security.seccomp_profile, set);
  } catch (Error& error) {
    throw error.in("seccomp profile of {}", host_config.Privileged ? "the privileged container" : "the container");
  }
}

std::vector<std::string> masked_paths_of(const HostConfig& host_config, const Security& security,
                                         const HostFacts& facts) {
  if (host_config.MaskedPaths) return *host_config.MaskedPaths;
  if (host_config.Privileged || security.paths_unconfined) return {};
  std::vector<std::string> paths{masked_paths.begin(), masked_paths.end()};
  paths.insert(paths.end(), facts.thermal_throttle.begin(), facts.thermal_throttle.end());
  return paths;
}

std::vector<std::string> readonly_paths_of(const HostConfig& host_config, const Security& security) {
  if (host_config.ReadonlyPaths) return *host_config.ReadonlyPaths;
  if (host_config.Privileged || security.paths_unconfined) return {};
  return {readonly_paths.begin(), readonly_paths.end()};
}

}  // namespace berth::containers

#include "containers/spec.hpp"

#include "containers/network_mode.hpp"
#include "containers/spec_parts.hpp"

namespace berth::containers {
namespace {

std::vector<oci::runtime::Namespace> namespaces_of(const HostConfig& host) {
  std::vector<oci::runtime::Namespace> namespaces{{.type = "mount"}};
  auto add = [&](const char* type, const std::string& mode) {
    if (!is_host(mode)) namespaces.push_back({.type = type});
  };
  add("network", host.NetworkMode);
  add("uts", host.UTSMode);
  add("pid", host.PidMode);
  add("ipc", host.IpcMode);
  add("cgroup", host.CgroupnsMode);
  return namespaces;
}

/// Docker's two: users that are not root may bind port 80 and ping, in a network that is the container's own.
std::map<std::string, std::string> sysctls_of(const SpecInput& input) {
  std::map<std::string, std::string> sysctls;
  if (has_own_network(input.host_config.NetworkMode)) {
    if (input.facts.has_unprivileged_ports) sysctls["net.ipv4.ip_unprivileged_port_start"] = "0";
    if (input.facts.has_ping_group) sysctls["net.ipv4.ping_group_range"] = "0 2147483647";
  }
  for (const auto& [name, value] : input.host_config.Sysctls.value_or(std::map<std::string, std::string>{})) {
    sysctls[name] = value;
  }
  return sysctls;
}

oci::runtime::Linux linux_of(const SpecInput& input, const Security& security) {
  const auto& host = input.host_config;
  oci::runtime::Linux linux;
  linux.sysctl = sysctls_of(input);
  linux.resources = resources_of(host, input.facts);
  linux.resources->devices = device_rules_of(host, input.devices);
  linux.cgroupsPath = cgroup_path(input.id, host);
  linux.namespaces = namespaces_of(host);
  linux.devices = input.devices;
  linux.maskedPaths = masked_paths_of(host, security, input.facts);
  linux.readonlyPaths = readonly_paths_of(host, security);
  return linux;
}

}  // namespace

std::string cgroup_path(const std::string& id, const HostConfig& host_config) {
  const auto parent = host_config.CgroupParent.empty() ? std::string{"/berth"} : "/" + host_config.CgroupParent;
  return (fs::path{parent}.lexically_normal() / id).lexically_normal();
}

RuntimeBundle make_bundle(const SpecInput& input, seccomp::FilterCache& filters) {
  const auto& host = input.host_config;
  const auto security = parse_security(host);
  auto mounts = plan_mounts(input);

  RuntimeBundle bundle;
  auto& spec = bundle.spec;
  spec.process = process_of(input, security);
  spec.root = {.path = "rootfs", .readonly = host.ReadonlyRootfs};
  if (!is_host(host.UTSMode)) {
    spec.hostname = input.config.Hostname;
    spec.domainname = input.config.Domainname;
  }
  spec.mounts = std::move(mounts.mounts);
  if (host.Annotations) spec.annotations = *host.Annotations;
  spec.linux = linux_of(input, security);
  spec.linux->rootfsPropagation = mounts.root_propagation;

  auto& settings = bundle.settings;
  settings.id = input.id;
  // Nobody asked for is root as the image knows it, with its groups: "0" is looked up, an empty user would not be.
  settings.user = input.config.User.empty() ? "0" : input.config.User;
  settings.group_add = host.GroupAdd.value_or(std::vector<std::string>{});
  settings.rootfs = {.lower = input.layers, .upper = input.directory / "upper", .work = input.directory / "work"};
  settings.seccomp_filter = seccomp_filter_of(host, security, spec.process->capabilities->bounding, filters);
  settings.tty = input.config.Tty;
  settings.open_stdin = input.config.OpenStdin;
  settings.stdin_once = input.config.StdinOnce;
  settings.log = log_settings({.id = input.id,
                               .name = input.name,
                               .image_id = input.image_id,
                               .command = input.args,
                               .config = input.config,
                               .directory = input.directory},
                              host.LogConfig_);
  return bundle;
}

}  // namespace berth::containers

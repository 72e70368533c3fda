#include "runtime/plan.hpp"

#include <sched.h>
#include <sys/personality.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "base/strings.hpp"
#include "linux/namespaces.hpp"
#include "linux/process.hpp"

namespace berth::runtime {
namespace {

using oci::runtime::Linux;
using oci::runtime::Process;
using oci::runtime::Spec;

NamespacePlan plan_namespaces(const Linux& config) {
  NamespacePlan plan;
  std::uint64_t seen = 0;
  for (const auto& entry : config.namespaces) {
    const auto type = kernel::find_namespace_type(entry.type);
    if (!type) throw Error{Kind::invalid, "unknown namespace {}", quote(entry.type)};
    if ((seen & type->flag) != 0) throw Error{Kind::invalid, "namespace {} is listed twice", quote(entry.type)};
    seen |= type->flag;
    if (entry.path.empty()) {
      plan.made |= type->flag;
    } else {
      plan.joined.push_back({.path = entry.path, .flag = type->flag});
    }
  }
  // The user namespace owns what is entered or made after it.
  std::ranges::stable_partition(plan.joined,
                                [](const JoinedNamespace& joined) { return joined.flag == CLONE_NEWUSER; });
  if ((seen & CLONE_NEWNS) == 0) throw Error{Kind::unsupported, "a container without a mount namespace of its own"};
  if ((seen & 0x80U) != 0) throw Error{Kind::unsupported, "time namespaces are not there yet"};
  return plan;
}

MountPlan plan_mount(const oci::runtime::Mount& mount) {
  if (!mount.destination.starts_with('/')) {
    throw Error{Kind::invalid, "mount destination {} is not absolute", quote(mount.destination)};
  }
  if (!mount.uidMappings.empty() || !mount.gidMappings.empty()) {
    throw Error{Kind::unsupported, "id-mapped mounts are not there yet"};
  }
  MountPlan plan{.kind = MountPlan::Kind::file_system,
                 .destination = mount.destination,
                 .type = mount.type,
                 .source = mount.source,
                 .options = parse_mount_options(mount.options)};
  if (plan.options.bind || plan.type == "bind") {
    plan.kind = MountPlan::Kind::bind;
    plan.options.bind = true;
    if (plan.source.empty()) throw Error{Kind::invalid, "bind mount at {} has no source", quote(plan.destination)};
  } else if (plan.type == "cgroup" || plan.type == "cgroup2") {
    plan.kind = MountPlan::Kind::cgroup;
  } else if (plan.type.empty()) {
    throw Error{Kind::invalid, "mount at {} has no type", quote(plan.destination)};
  }
  return plan;
}

DevicePlan plan_device(const oci::runtime::Device& device) {
  mode_t type = 0;
  if (device.type == "c" || device.type == "u") type = S_IFCHR;
  if (device.type == "b") type = S_IFBLK;
  if (device.type == "p") type = S_IFIFO;
  if (type == 0) throw Error{Kind::invalid, "device {} has unknown type {}", quote(device.path), quote(device.type)};
  if (!device.path.starts_with('/')) throw Error{Kind::invalid, "device path {} is not absolute", quote(device.path)};
  return {.path = device.path,
          .mode = type | (device.fileMode.value_or(0666) & 07777U),
          .number = makedev(static_cast<unsigned>(device.major), static_cast<unsigned>(device.minor)),
          .uid = device.uid.value_or(0),
          .gid = device.gid.value_or(0)};
}

kernel::CapabilitySet plan_capabilities(const std::vector<std::string>& names, kernel::CapabilitySet possible) {
  kernel::CapabilitySet set = 0;
  for (const auto& name : names) {
    const auto number = kernel::find_capability(name);
    if (!number) throw Error{Kind::invalid, "unknown capability {}", quote(name)};
    set |= kernel::capability_bit(*number);
  }
  // What the runtime itself does not have it cannot hand on; the same is asked of every container, so go on without.
  return set & possible;
}

std::optional<unsigned long> plan_personality(const Linux& config) {
  if (!config.personality) return std::nullopt;
  if (config.personality->domain == "LINUX32") return PER_LINUX32;
  if (config.personality->domain == "LINUX") return PER_LINUX;
  throw Error{Kind::invalid, "unknown personality {}", quote(config.personality->domain)};
}

std::string plan_cgroup(const Linux& config, const std::string& id) {
  if (config.cgroupsPath.empty()) return "/berth/" + id;
  const fs::path path = fs::path{"/" + config.cgroupsPath}.lexically_normal();
  if (config.cgroupsPath.contains(':')) {
    throw Error{Kind::unsupported, "cgroup {} is one of systemd's: only paths are understood",
                quote(config.cgroupsPath)};
  }
  // lexically_normal keeps ".." only at the front, and above "/" is "/": nothing leads out of the hierarchy.
  if (path == "/") throw Error{Kind::invalid, "cgroup path {} is the root", quote(config.cgroupsPath)};
  const auto text = path.native();
  return text.starts_with("//") ? text.substr(1) : text;
}

void plan_linux(const Linux& config, Plan& plan, bool unified) {
  plan.namespaces = plan_namespaces(config);
  plan.uid_mappings = config.uidMappings;
  plan.gid_mappings = config.gidMappings;
  if (plan.namespaces.makes(CLONE_NEWUSER) && (plan.uid_mappings.empty() || plan.gid_mappings.empty())) {
    throw Error{Kind::invalid, "a new user namespace needs uidMappings and gidMappings"};
  }
  plan.resources = plan_resources(config.resources.value_or(oci::runtime::Resources{}), unified);
  plan.root_propagation = parse_propagation(config.rootfsPropagation);
  plan.masked_paths = config.maskedPaths;
  plan.readonly_paths = config.readonlyPaths;
  for (const auto& device : config.devices) plan.devices.push_back(plan_device(device));
  for (const auto& [name, value] : config.sysctl) {
    plan.sysctls.emplace_back(sysctl_path(name, plan.namespaces), value);
  }
  plan.process.personality = plan_personality(config);
}

}  // namespace

bool NamespacePlan::has_own(std::uint64_t flag) const {
  return makes(flag) || std::ranges::any_of(joined, [&](const JoinedNamespace& entry) { return entry.flag == flag; });
}

std::string sysctl_path(const std::string& name, const NamespacePlan& namespaces) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '/' ||
           c == '_' || c == '-';
  };
  std::string path = name;
  // "net.ipv4.conf.eth0/1.forwarding": if a slash comes first, it separates and dots are part of names; else it is the
  // other way round (sysctl(8)).
  const auto first = path.find_first_of("./");
  if (first != std::string::npos && path[first] == '.') {
    std::ranges::for_each(path, [](char& c) { c = c == '.' ? '/' : c == '/' ? '.' : c; });
  }
  for (const auto& part : split(path, '/')) {
    if (part.empty() || part == "." || part == "..") throw Error{Kind::invalid, "malformed sysctl {}", quote(name)};
  }
  if (!std::ranges::all_of(path, is_plain)) throw Error{Kind::invalid, "malformed sysctl {}", quote(name)};

  constexpr std::array<std::string_view, 8> ipc = {"kernel/msgmax", "kernel/msgmnb",         "kernel/msgmni",
                                                   "kernel/sem",    "kernel/shmall",         "kernel/shmmax",
                                                   "kernel/shmmni", "kernel/shm_rmid_forced"};
  const bool of_ipc = std::ranges::find(ipc, path) != ipc.end() || path.starts_with("fs/mqueue/");
  if ((of_ipc && namespaces.has_own(CLONE_NEWIPC)) || (path.starts_with("net/") && namespaces.has_own(CLONE_NEWNET)) ||
      (path == "kernel/domainname" && namespaces.has_own(CLONE_NEWUTS))) {
    return path;
  }
  throw Error{Kind::invalid, "sysctl {} is not in a separate kernel namespace", quote(name)};
}

ProcessPlan make_process_plan(const Process& process) {
  ProcessPlan plan;
  if (process.args.empty()) throw Error{Kind::invalid, "no command specified"};
  if (!process.cwd.starts_with('/'))
    throw Error{Kind::invalid, "working directory {} is not absolute", quote(process.cwd)};
  plan.args = process.args;
  plan.env = process.env;
  plan.cwd = process.cwd;
  plan.uid = process.user.uid;
  plan.gid = process.user.gid;
  plan.groups = process.user.additionalGids;
  plan.umask = process.user.umask.value_or(0022) & 0777U;
  plan.no_new_privs = process.noNewPrivileges;
  plan.terminal = process.terminal;
  if (process.consoleSize) {
    plan.rows = static_cast<std::uint16_t>(process.consoleSize->height);
    plan.columns = static_cast<std::uint16_t>(process.consoleSize->width);
  }
  if (process.capabilities) {
    const auto possible = kernel::bounding_set();
    const auto& sets = *process.capabilities;
    plan.capabilities = CapabilityPlan{.bounding = plan_capabilities(sets.bounding, possible),
                                       .effective = plan_capabilities(sets.effective, possible),
                                       .permitted = plan_capabilities(sets.permitted, possible),
                                       .inheritable = plan_capabilities(sets.inheritable, possible),
                                       .ambient = plan_capabilities(sets.ambient, possible)};
  }
  for (const auto& limit : process.rlimits) {
    const auto resource = kernel::find_rlimit(limit.type);
    if (!resource) throw Error{Kind::invalid, "unknown resource limit {}", quote(limit.type)};
    if (limit.soft > limit.hard) throw Error{Kind::invalid, "{}: the soft limit is above the hard one", limit.type};
    plan.rlimits.push_back({.resource = *resource, .soft = limit.soft, .hard = limit.hard});
  }
  plan.oom_score_adj = process.oomScoreAdj;
  plan.apparmor_profile = process.apparmorProfile;
  if (!process.selinuxLabel.empty()) throw Error{Kind::unsupported, "SELinux labels are not there yet"};
  return plan;
}

Plan make_plan(const CreateRequest& request, bool unified) {
  const Spec& spec = request.spec;
  if (!spec.process) throw Error{Kind::invalid, "the configuration has no process"};
  if (!spec.linux) throw Error{Kind::invalid, "the configuration is not one for Linux"};
  if (!spec.root && !request.overlay) throw Error{Kind::invalid, "the configuration has no root"};
  Plan plan;
  plan.id = request.id;
  plan.bundle = request.bundle;
  plan.process = make_process_plan(*spec.process);
  plan.process.user = request.user;
  plan.process.extra_groups = request.additional_groups;
  plan_linux(*spec.linux, plan, unified);
  plan.cgroup = plan_cgroup(*spec.linux, request.id);
  plan.overlay = request.overlay;
  if (!plan.overlay) plan.root = (request.bundle / spec.root->path).native();
  plan.root_readonly = spec.root && spec.root->readonly;
  for (const auto& mount : spec.mounts) plan.mounts.push_back(plan_mount(mount));
  plan.hostname = spec.hostname;
  plan.domainname = spec.domainname;
  if (!(plan.hostname + plan.domainname).empty() && !plan.namespaces.has_own(CLONE_NEWUTS)) {
    throw Error{Kind::invalid, "a hostname needs a UTS namespace of the container's own"};
  }
  plan.hooks = spec.hooks.value_or(oci::runtime::Hooks{});
  plan.annotations = spec.annotations;
  plan.seccomp_filter = request.seccomp_filter;
  plan.seccomp_flags = request.seccomp_flags;
  return plan;
}

}  // namespace berth::runtime

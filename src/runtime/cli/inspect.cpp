// state, list, spec, features, events, update.
#include <unistd.h>

#include "base/error.hpp"
#include "base/json.hpp"
#include "linux/capabilities.hpp"
#include "linux/namespaces.hpp"
#include "oci/runtime_spec.hpp"
#include "runtime/cli/command_line.hpp"
#include "runtime/cli/state.hpp"
#include "runtime/mount_options.hpp"

namespace berth::runtime::cli {
namespace {

constexpr Option list_options[] = {{"format", 'f', true}, {"quiet", 'q'}};
constexpr Option spec_options[] = {{"bundle", 'b', true}};

void print(const std::string& text) {
  write_all(FdRef{STDOUT_FILENO}, text + "\n");
}

int state_command(const Settings& settings, const Arguments& arguments) {
  const auto state = read_state(settings, arguments.id());
  print(json::write_pretty(json::Value(public_state(state, status_of(settings, state)))));
  return 0;
}

int list_command(const Settings& settings, const Arguments& arguments) {
  const auto states = all_states(settings);
  if (arguments.find("format").value_or("table") == "json") {
    json::Array array;
    for (const auto& state : states) array.push_back(public_state(state, status_of(settings, state)));
    print(json::write(json::Value(array)));
    return 0;
  }
  std::string text = arguments.has("quiet")
                         ? ""
                         : fmt::format("{:<24}{:<12}{:<12}{:<32}{}\n", "ID", "PID", "STATUS", "CREATED", "BUNDLE");
  for (const auto& state : states) {
    const auto status = status_of(settings, state);
    text += arguments.has("quiet")
                ? state.id + "\n"
                : fmt::format("{:<24}{:<12}{:<12}{:<32}{}\n", state.id, status == Status::stopped ? 0 : state.pid,
                              to_string(status), state.created, state.bundle);
  }
  write_all(FdRef{STDOUT_FILENO}, text);
  return 0;
}

oci::runtime::Mount mount_entry(const char* destination, const char* type, const char* source,
                                std::vector<std::string> options) {
  oci::runtime::Mount mount;
  mount.destination = destination;
  mount.type = std::string{type};
  mount.source = std::string{source};
  mount.options = std::move(options);
  return mount;
}

/// The configuration to begin with, as `runc spec` writes it.
oci::runtime::Spec template_spec() {
  using Words = std::vector<std::string>;
  oci::runtime::Spec spec;
  const Words capabilities = {"CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"};
  spec.process.emplace();
  spec.process->terminal = true;
  spec.process->args = {"sh"};
  spec.process->env = Words{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"};
  spec.process->capabilities.emplace();
  spec.process->capabilities->bounding = capabilities;
  spec.process->capabilities->effective = capabilities;
  spec.process->capabilities->permitted = capabilities;
  spec.process->rlimits = std::vector<oci::runtime::Rlimit>{{.type = "RLIMIT_NOFILE", .hard = 1024, .soft = 1024}};
  spec.process->noNewPrivileges = true;
  spec.root = oci::runtime::Root{.path = "rootfs", .readonly = true};
  spec.hostname = std::string{"berth"};
  spec.mounts = std::vector<oci::runtime::Mount>{
      mount_entry("/proc", "proc", "proc", {}),
      mount_entry("/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}),
      mount_entry("/dev/pts", "devpts", "devpts",
                  {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}),
      mount_entry("/dev/shm", "tmpfs", "shm", {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}),
      mount_entry("/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}),
      mount_entry("/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", "ro"}),
      mount_entry("/sys/fs/cgroup", "cgroup", "cgroup", {"nosuid", "noexec", "nodev", "relatime", "ro"})};
  auto& config = spec.linux.emplace();
  config.resources.emplace();
  oci::runtime::DeviceRule deny_all;
  deny_all.access = std::string{"rwm"};
  config.resources->devices.push_back(deny_all);
  for (const char* type : {"pid", "network", "ipc", "uts", "mount", "cgroup"}) {
    config.namespaces.push_back({.type = type, .path = {}});
  }
  config.maskedPaths =
      Words{"/proc/acpi",       "/proc/asound",      "/proc/kcore", "/proc/keys",    "/proc/latency_stats",
            "/proc/timer_list", "/proc/timer_stats", "/proc/scsi",  "/sys/firmware", "/sys/devices/virtual/powercap"};
  config.readonlyPaths = Words{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};
  return spec;
}

int spec_command(const Settings&, const Arguments& arguments) {
  const auto path = fs::path{arguments.find("bundle").value_or(".")} / "config.json";
  if (fs::exists(path)) throw Error{Kind::conflict, "{} exists: remove it first", quote(path.native())};
  write_file(path, json::write_pretty(json::to(template_spec())) + "\n", 0644);
  return 0;
}

template <class Names>
json::Array array_of(const Names& names) {
  json::Array array;
  for (const auto& name : names) array.push_back(json::to(std::string{name}));
  return array;
}

int features_command(const Settings&, const Arguments&) {
  json::Array namespaces;
  for (const auto& type : kernel::namespace_types()) {
    if (type.name != "time") namespaces.push_back(json::to(std::string{type.name}));
  }
  const json::Object features = {
      {"ociVersionMin", "1.0.0"},
      {"ociVersionMax", "1.2.0"},
      {"hooks", {"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"}},
      {"mountOptions", array_of(known_mount_options())},
      {"linux",
       {{"namespaces", namespaces},
        {"capabilities", array_of(kernel::capability_names())},
        {"cgroup", {{"v1", true}, {"v2", true}, {"systemd", false}, {"systemdUser", false}, {"rdma", false}}},
        {"seccomp", {{"enabled", true}}},
        {"apparmor", {{"enabled", true}}},
        {"selinux", {{"enabled", false}}},
        {"mountExtensions", {{"idmap", {{"enabled", false}}}}}}}};
  print(json::write_pretty(json::Value(features)));
  return 0;
}

int not_there(const Settings&, const Arguments&) {
  throw Error{Kind::unsupported, "this command is not there yet"};
}

constexpr Command commands[] = {
    {"state", "ID", {}, SIZE_MAX, state_command},
    {"list", "[--format table|json] [--quiet]", list_options, SIZE_MAX, list_command},
    {"spec", "[--bundle DIR]", spec_options, SIZE_MAX, spec_command},
    {"features", "", {}, SIZE_MAX, features_command},
    {"events", "(not there yet)", {}, 0, not_there},
    {"update", "(not there yet)", {}, 0, not_there},
};

}  // namespace

std::span<const Command> inspect_commands() {
  return commands;
}

}  // namespace berth::runtime::cli

#include "cli/container_flags.hpp"

#include <arpa/inet.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/strings.hpp"
#include "base/time.hpp"
#include "cli/flag_values.hpp"
#include "cli/units.hpp"

namespace berth::cli {
namespace {

std::string check_stream(std::string text) {
  text = to_lower(text);
  if (text == "stdin" || text == "stdout" || text == "stderr") return text;
  throw Error{Kind::invalid, "valid streams are STDIN, STDOUT and STDERR"};
}

std::string check_address(std::string text) {
  in6_addr address{};
  const auto trimmed = std::string{trim(text)};
  const bool valid =
      ::inet_pton(AF_INET, trimmed.c_str(), &address) == 1 || ::inet_pton(AF_INET6, trimmed.c_str(), &address) == 1;
  if (!valid) throw Error{Kind::invalid, "IP address is not correctly formatted: {}", text};
  return trimmed;
}

std::string check_extra_host(std::string text) {
  const auto separator = text.find_first_of("=:");
  if (separator == std::string::npos || separator == 0) {
    throw Error{Kind::invalid, "bad format for add-host: {}", quote(text)};
  }
  const auto address = text.substr(separator + 1);
  if (address == "host-gateway") return text.substr(0, separator) + ":" + address;
  const bool bracketed = address.starts_with('[') && address.ends_with(']');
  const auto bare = bracketed ? address.substr(1, address.size() - 2) : address;
  in6_addr parsed{};
  if (::inet_pton(AF_INET, bare.c_str(), &parsed) != 1 && ::inet_pton(AF_INET6, bare.c_str(), &parsed) != 1) {
    throw Error{Kind::invalid, "invalid IP address in add-host: {}", quote(bare)};
  }
  return text.substr(0, separator) + ":" + bare;
}

std::string check_sysctl(std::string text) {
  constexpr std::string_view exact[] = {"kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem",
                                        "kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced"};
  const auto parts = split_once(text, '=');
  if (parts) {
    for (const auto name : exact) {
      if (parts->first == name) return text;
    }
    if (text.starts_with("net.") || text.starts_with("fs.mqueue.")) return text;
  }
  throw Error{Kind::invalid, "sysctl '{}' is not allowed", text};
}

/// What is wrong with a duration, in Go's words.
[[noreturn]] void explain_duration(std::string_view text) {
  constexpr std::string_view units[] = {"ns", "us", "µs", "μs", "ms", "s", "m", "h"};
  constexpr std::string_view digits = "0123456789.";
  for (auto rest = text.substr(text.starts_with('-') || text.starts_with('+') ? 1 : 0);;) {
    const auto number = std::min(rest.find_first_not_of(digits), rest.size());
    if (rest.substr(0, number).find_first_not_of('.') == std::string_view::npos) break;
    rest.remove_prefix(number);
    const auto unit = rest.substr(0, rest.find_first_of(digits));
    if (unit.empty()) throw Error{Kind::invalid, "time: missing unit in duration {}", quote(text)};
    if (std::find(std::begin(units), std::end(units), unit) == std::end(units)) {
      throw Error{Kind::invalid, "time: unknown unit {} in duration {}", quote(unit), quote(text)};
    }
    rest.remove_prefix(unit.size());
  }
  throw Error{Kind::invalid, "time: invalid duration {}", quote(text)};
}

std::string check_duration(std::string text) {
  if (parse_duration(text)) return text;
  explain_duration(text);
}

std::string check_health_action(std::string text) {
  if (text == "none" || text == "restart" || text == "stop" || text == "kill") return text;
  throw Error{Kind::invalid, "must be one of none, restart, stop or kill"};
}

std::string check_health_port(std::string text) {
  const auto port = parse_number<std::uint16_t>(text);
  if (!port || *port == 0) throw Error{Kind::invalid, "must be a port between 1 and 65535"};
  return text;
}

/// Runs a parser for its complaints only.
template <class Parse>
Check checked(Parse parse) {
  return [parse](std::string text) {
    parse(text);
    return text;
  };
}

void declare_process(Command& command, ContainerFlags& flags) {
  flags.attach = command.list("-a,--attach", "Attach to STDIN, STDOUT or STDERR", "list", check_stream);
  flags.entrypoint = command.text("--entrypoint", "", "Overwrite the default ENTRYPOINT of the image");
  flags.env = command.list("-e,--env", "Set environment variables", "list", check_variable);
  flags.env_files = command.list("--env-file", "Read in a file of environment variables");
  flags.group_add = command.list("--group-add", "Add additional groups to join");
  flags.init = command.on_off("--init", "Run an init inside the container that forwards signals and reaps processes");
  flags.interactive = command.on_off("-i,--interactive", "Keep STDIN open even if not attached");
  flags.stop_signal = command.text("--stop-signal", "", "Signal to stop the container");
  flags.stop_timeout = command.number("--stop-timeout", 0, "Timeout (in seconds) to stop a container");
  flags.tty = command.on_off("-t,--tty", "Allocate a pseudo-TTY");
  flags.user = command.text("-u,--user", "", "Username or UID (format: <name|uid>[:<group|gid>])");
  flags.workdir = command.text("-w,--workdir", "", "Working directory inside the container");
}

void declare_identity(Command& command, ContainerFlags& flags, std::string_view moment) {
  flags.cidfile = command.text("--cidfile", "", "Write the container ID to the file");
  flags.domainname = command.text("--domainname", "", "Container NIS domain name");
  flags.hostname = command.text("-h,--hostname", "", "Container host name");
  flags.labels = command.list("-l,--label", "Set meta data on a container", "list", check_label);
  flags.label_files = command.list("--label-file", "Read in a line delimited file of labels");
  flags.name = command.text("--name", "", "Assign a name to the container");
  flags.platform = command.text("--platform", "", "Set platform if server is multi-platform capable");
  flags.pull = command.text("--pull", "missing",
                            fmt::format("Pull image before {} (\"always\", \"missing\", \"never\")", moment));
  flags.quiet = command.on_off("-q,--quiet", "Suppress the pull output");
  flags.restart = command.text("--restart", "no", "Restart policy to apply when a container exits");
  flags.remove =
      command.on_off("--rm", "Automatically remove the container and its associated anonymous volumes when it exits");
  command.on_off("--disable-content-trust", "Skip image verification", true);
  command.on_off("--help", "Print usage");
}

void declare_isolation(Command& command, ContainerFlags& flags) {
  flags.annotations =
      command.list("--annotation", "Add an annotation to the container (passed through to the OCI runtime)", "map");
  command.shows("map[]");
  flags.cap_add = command.list("--cap-add", "Add Linux capabilities");
  flags.cap_drop = command.list("--cap-drop", "Drop Linux capabilities");
  flags.cgroupns = command.text("--cgroupns", "",
                                "Cgroup namespace to use (host|private)\n"
                                "'host':    Run the container in the Docker host's cgroup namespace\n"
                                "'private': Run the container in its own private cgroup namespace\n"
                                "'':        Use the cgroup namespace as configured by the\n"
                                "           default-cgroupns-mode option on the daemon (default)");
  flags.ipc = command.text("--ipc", "", "IPC mode to use");
  flags.isolation = command.text("--isolation", "", "Container isolation technology");
  flags.pid = command.text("--pid", "", "PID namespace to use");
  flags.privileged = command.on_off("--privileged", "Give extended privileges to this container");
  flags.read_only = command.on_off("--read-only", "Mount the container's root filesystem as read only");
  flags.runtime = command.text("--runtime", "", "Runtime to use for this container");
  flags.security_opt = command.list("--security-opt", "Security Options");
  flags.sysctls = command.list("--sysctl", "Sysctl options", "map", check_sysctl);
  command.shows("map[]");
  flags.userns = command.text("--userns", "", "User namespace to use");
  flags.uts = command.text("--uts", "", "UTS namespace to use");
}

void declare_network(Command& command, ContainerFlags& flags) {
  flags.add_host = command.list("--add-host", "Add a custom host-to-IP mapping (host:ip)", "list", check_extra_host);
  flags.dns = command.list("--dns", "Set custom DNS servers", "list", check_address);
  flags.dns_option = command.list("--dns-option", "Set DNS options");
  command.also("--dns-opt");
  flags.dns_search = command.list("--dns-search", "Set custom DNS search domains");
  flags.expose = command.list("--expose", "Expose a port or a range of ports");
  flags.ip = command.text("--ip", "", "IPv4 address (e.g., 172.30.100.104)");
  flags.ip6 = command.text("--ip6", "", "IPv6 address (e.g., 2001:db8::33)");
  flags.links = command.list("--link", "Add link to another container", "list", check_link);
  flags.link_local_ips = command.list("--link-local-ip", "Container IPv4/IPv6 link-local addresses");
  flags.mac_address = command.text("--mac-address", "", "Container MAC address (e.g., 92:d0:c6:0a:29:33)");
  flags.networks = command.list("--network", "Connect a container to a network", "network", checked(parse_network));
  command.also("--net");
  flags.network_alias = command.list("--network-alias", "Add network-scoped alias for the container");
  command.also("--net-alias");
  flags.publish = command.list("-p,--publish", "Publish a container's port(s) to the host");
  flags.publish_all = command.on_off("-P,--publish-all", "Publish all exposed ports to random ports");
}

void declare_storage(Command& command, ContainerFlags& flags) {
  flags.log_driver = command.text("--log-driver", "", "Logging driver for the container");
  flags.log_opt = command.list("--log-opt", "Log driver options");
  flags.mounts = command.list("--mount", "Attach a filesystem mount to the container", "mount", checked(parse_mount));
  flags.storage_opt = command.list("--storage-opt", "Storage driver options for the container");
  flags.tmpfs = command.list("--tmpfs", "Mount a tmpfs directory");
  flags.volumes = command.list("-v,--volume", "Bind mount a volume");
  flags.volume_driver = command.text("--volume-driver", "", "Optional volume driver for the container");
  flags.volumes_from = command.list("--volumes-from", "Mount volumes from the specified container(s)");
}

void declare_health(Command& command, ContainerFlags& flags) {
  const auto duration = [&](std::string_view name, std::string usage) {
    return command.text(name, "", usage + " (ms|s|m|h) (default 0s)", "duration", check_duration);
  };
  flags.health_cmd = command.text("--health-cmd", "", "Command to run to check health");
  flags.health_http = command.text("--health-http", "", "URL to ask from inside the container's network, as a check");
  flags.health_on_failure =
      command.text("--health-on-failure", "none", "What to do with an unhealthy container (none, restart, stop, kill)",
                   "string", check_health_action);
  flags.health_tcp = command.text("--health-tcp", "", "Port to connect to in the container's network, as a check",
                                  "port", check_health_port);
  flags.health_interval = duration("--health-interval", "Time between running the check");
  flags.health_retries = command.number("--health-retries", 0, "Consecutive failures needed to report unhealthy");
  flags.health_start_interval =
      duration("--health-start-interval", "Time between running the check during the start period");
  flags.health_start_period = duration(
      "--health-start-period", "Start period for the container to initialize before starting health-retries countdown");
  flags.health_timeout = duration("--health-timeout", "Maximum time to allow one check to run");
  flags.no_healthcheck = command.on_off("--no-healthcheck", "Disable any container-specified HEALTHCHECK");
}

void declare_cpu(Command& command, ContainerFlags& flags) {
  flags.cpu_period = command.number("--cpu-period", 0, "Limit CPU CFS (Completely Fair Scheduler) period");
  flags.cpu_quota = command.number("--cpu-quota", 0, "Limit CPU CFS (Completely Fair Scheduler) quota");
  flags.cpu_rt_period = command.number("--cpu-rt-period", 0, "Limit CPU real-time period in microseconds");
  flags.cpu_rt_runtime = command.number("--cpu-rt-runtime", 0, "Limit CPU real-time runtime in microseconds");
  flags.cpu_shares = command.number("-c,--cpu-shares", 0, "CPU shares (relative weight)");
  flags.cpus = command.text("--cpus", "", "Number of CPUs", "decimal", check_cpus);
  flags.cpuset_cpus = command.text("--cpuset-cpus", "", "CPUs in which to allow execution (0-3, 0,1)");
  flags.cpuset_mems = command.text("--cpuset-mems", "", "MEMs in which to allow execution (0-3, 0,1)");
  flags.cgroup_parent = command.text("--cgroup-parent", "", "Optional parent cgroup for the container");
}

void declare_limits(Command& command, ContainerFlags& flags) {
  flags.kernel_memory = command.bytes("--kernel-memory", "Kernel memory limit");
  flags.memory = command.bytes("-m,--memory", "Memory limit");
  flags.memory_reservation = command.bytes("--memory-reservation", "Memory soft limit");
  flags.memory_swap =
      command.bytes("--memory-swap", "Swap limit equal to memory plus swap: '-1' to enable unlimited swap", true);
  flags.memory_swappiness = command.number("--memory-swappiness", -1, "Tune container memory swappiness (0 to 100)");
  flags.oom_kill_disable = command.on_off("--oom-kill-disable", "Disable OOM Killer");
  flags.oom_score_adj = command.number("--oom-score-adj", 0, "Tune host's OOM preferences (-1000 to 1000)");
  flags.pids_limit = command.number("--pids-limit", 0, "Tune container pids limit (set -1 for unlimited)");
  flags.shm_size = command.bytes("--shm-size", "Size of /dev/shm");
  flags.ulimits = command.list("--ulimit", "Ulimit options", "ulimit", checked(parse_ulimit));
  command.shows("[]");
}

void declare_devices(Command& command, ContainerFlags& flags) {
  flags.blkio_weight = command.number(
      "--blkio-weight", 0, "Block IO (relative weight), between 10 and 1000, or 0 to disable (default 0)", "uint16");
  flags.blkio_weight_device = command.list("--blkio-weight-device", "Block IO weight (relative device weight)");
  command.shows("[]");
  flags.devices = command.list("--device", "Add a host device to the container");
  flags.device_cgroup_rules = command.list("--device-cgroup-rule", "Add a rule to the cgroup allowed devices list");
  const auto throttle = [&](std::string_view name, std::string usage) {
    auto setting = command.list(name, std::move(usage));
    command.shows("[]");
    return setting;
  };
  flags.device_read_bps = throttle("--device-read-bps", "Limit read rate (bytes per second) from a device");
  flags.device_read_iops = throttle("--device-read-iops", "Limit read rate (IO per second) from a device");
  flags.device_write_bps = throttle("--device-write-bps", "Limit write rate (bytes per second) to a device");
  flags.device_write_iops = throttle("--device-write-iops", "Limit write rate (IO per second) to a device");
}

}  // namespace

std::string check_variable(std::string text) {
  if (text.empty() || text.starts_with('=')) throw Error{Kind::invalid, "invalid environment variable: {}", text};
  return text;
}

std::string check_cpus(std::string text) {
  parse_cpus(text);
  return text;
}

ContainerFlags declare_container_flags(Command& command, std::string_view moment) {
  ContainerFlags flags;
  declare_process(command, flags);
  declare_identity(command, flags, moment);
  declare_isolation(command, flags);
  declare_network(command, flags);
  declare_storage(command, flags);
  declare_health(command, flags);
  declare_cpu(command, flags);
  declare_limits(command, flags);
  declare_devices(command, flags);
  return flags;
}

}  // namespace berth::cli

// The flags that `run` and `create` share, and the request they make.
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"
#include "cli/command.hpp"

namespace berth::cli {

struct ContainerFlags {
  // The process
  Text entrypoint, workdir, user;
  List env, env_files, group_add;
  Switch tty, interactive, init;
  List attach;
  Text stop_signal;
  Number stop_timeout;
  // Identity
  Text name, hostname, domainname, cidfile, platform, pull;
  List labels, label_files;
  Switch remove, quiet;
  Text restart;
  // Security
  List cap_add, cap_drop, security_opt;
  Switch privileged, read_only;
  // Namespaces
  Text cgroupns, ipc, pid, userns, uts;
  // Network
  List networks, add_host, dns, dns_option, dns_search, expose, publish, network_alias, links, link_local_ips;
  Switch publish_all;
  Text ip, ip6, mac_address;
  // Storage and logs
  List volumes, mounts, tmpfs, volumes_from, storage_opt, log_opt;
  Text volume_driver, log_driver;
  // Health
  Text health_cmd, health_interval, health_timeout, health_start_period, health_start_interval;
  Text health_http, health_tcp, health_on_failure;
  Number health_retries;
  Switch no_healthcheck;
  // Resources
  Number memory, memory_reservation, memory_swap, memory_swappiness, kernel_memory, shm_size;
  Number cpu_shares, cpu_quota, cpu_period, cpu_rt_period, cpu_rt_runtime, pids_limit, blkio_weight;
  Text cpus, cpuset_cpus, cpuset_mems, cgroup_parent, runtime, isolation;
  List ulimits, devices, device_cgroup_rules, sysctls, annotations;
  List blkio_weight_device, device_read_bps, device_write_bps, device_read_iops, device_write_iops;
  Switch oom_kill_disable;
  Number oom_score_adj;
};

/// A Check for --env: "NAME=value" or "NAME".
std::string check_variable(std::string text);

/// Declares the flags; `moment` completes "Pull image before ...".
ContainerFlags declare_container_flags(Command& command, std::string_view moment);

/// What the command line asks the daemon to create: `words` is the image and the command.
struct ContainerRequest {
  json::Object body;  ///< Config with HostConfig and NetworkingConfig
  std::string image;
  bool tty = false;
  bool attach_stdin = false;
  bool attach_stdout = false;
  bool attach_stderr = false;
};

/// Throws `invalid`, worded as docker does, where flags contradict each other or cannot be read.
ContainerRequest make_container_request(const ContainerFlags& flags, const std::vector<std::string>& words);

/// One --network: a name, or fields ("name=back,alias=db,ip=10.0.0.5").
struct NetworkAttachment {
  std::string network;
  json::Object endpoint;  ///< EndpointSettings
};
NetworkAttachment parse_network(const std::string& text);

/// All --network and the flags that mean the first of them, as HostConfig.NetworkMode and
/// NetworkingConfig.EndpointsConfig.
struct ContainerNetworks {
  std::string mode;
  json::Object endpoints;
};
ContainerNetworks make_container_networks(const ContainerFlags& flags);

/// --mount as a member of HostConfig.Mounts.
json::Object parse_mount(const std::string& text);
/// --ulimit as a member of HostConfig.Ulimits.
json::Object parse_ulimit(const std::string& text);
/// --device as a member of HostConfig.Devices.
json::Object parse_device(const std::string& text);
/// --publish as HostConfig.PortBindings and Config.ExposedPorts.
void add_published_ports(const std::vector<std::string>& specs, json::Object& exposed, json::Object& bindings);
/// "80", "80/udp" or "8000-8010/tcp" of --expose, added to Config.ExposedPorts.
void add_exposed_ports(const std::string& spec, json::Object& exposed);
/// "net_admin" as the API spells it: CAP_NET_ADMIN. ALL stays.
std::string normalize_capability(const std::string& text);
/// Lines of env files, then the flags. A name without a value takes it from our own environment; if it is not there, a
/// file's line is dropped, and a flag is sent as it is, which removes the image's variable.
std::vector<std::string> read_environment(const std::vector<std::string>& files, const std::vector<std::string>& flags);
/// Labels of files and flags: "k=v", or "k" for an empty value.
json::Object read_labels(const std::vector<std::string>& files, const std::vector<std::string>& flags);
/// "on-failure:3" as HostConfig.RestartPolicy; throws `invalid`.
json::Object parse_restart_policy(const std::string& text);
/// A Check for --cpus.
std::string check_cpus(std::string text);
/// Billionths of a CPU of "1.5"; throws `invalid`.
std::int64_t parse_cpus(const std::string& text);

}  // namespace berth::cli

// What the machine can do, as far as containers are concerned.
#pragma once

#include <set>
#include <string>
#include <vector>

namespace berth::containers {

struct HostFacts {
  bool cgroup_v2 = false;
  bool has_swap_limit = true;   ///< memory.memsw on v1, memory.swap on v2
  bool has_swappiness = true;   ///< v1 only
  bool has_oom_control = true;  ///< memory.oom_control, v1 only
  bool has_pids_limit = true;
  int cpus = 1;                ///< how many
  std::string cpu_list = "0";  ///< those of the root cpuset: "0-3"
  std::string memory_nodes = "0";
  std::vector<std::string> capabilities;      ///< all that this process can hand on: "CAP_CHOWN"
  std::vector<std::string> thermal_throttle;  ///< directories of /sys that tell how hot the host is
  bool has_unprivileged_ports = true;         ///< net.ipv4.ip_unprivileged_port_start
  bool has_ping_group = true;                 ///< net.ipv4.ping_group_range
};

/// Read once: none of it changes while the daemon lives.
const HostFacts& host_facts();

/// The host's name, which may change at any time.
std::string host_name();

/// The numbers of a list as the kernel writes it: "0-2,5" -> {0, 1, 2, 5}. Throws `invalid`.
std::set<int> parse_number_list(const std::string& text);

}  // namespace berth::containers

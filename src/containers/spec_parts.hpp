// The parts of make_bundle and validate. Only for this folder.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "containers/spec.hpp"

namespace berth::containers {

/// A mode such as NetworkMode, IpcMode or PidMode: "container:<id>" means something for the network only yet.
inline bool is_host(std::string_view mode) {
  return mode == "host";
}

// spec_security.cpp

/// What --security-opt says. Throws `invalid` with Docker's texts, `unsupported` for AppArmor profiles.
struct Security {
  bool no_new_privileges = false;
  bool seccomp_unconfined = false;
  std::string seccomp_profile;    ///< Docker's JSON; empty: the default profile
  bool paths_unconfined = false;  ///< systempaths=unconfined
};
Security parse_security(const HostConfig& host_config);

/// The capabilities of the container: Docker's default set, changed by --cap-add and --cap-drop. Throws `invalid`.
std::vector<std::string> capabilities_of(const HostConfig& host_config, const HostFacts& facts);

/// Path of the compiled filter, empty if there is none.
std::string seccomp_filter_of(const HostConfig& host_config, const Security& security,
                              const std::vector<std::string>& capabilities, seccomp::FilterCache& filters);

std::vector<std::string> masked_paths_of(const HostConfig& host_config, const Security& security,
                                         const HostFacts& facts);
std::vector<std::string> readonly_paths_of(const HostConfig& host_config, const Security& security);

// spec_binds.cpp

/// A directory or file of the host in the container.
struct Bind {
  std::string source;
  std::string target;
  bool read_only = false;
  bool recursive = true;            ///< with what is mounted below the source
  bool recursive_read_only = true;  ///< read-only holds for that too
  std::string propagation = "rprivate";
  bool make_source = false;
};
/// -v and --mount type=bind. Throws `invalid` with Docker's texts, `unsupported` for volumes and other types.
std::vector<Bind> binds_of(const HostConfig& host_config);

/// --tmpfs and --mount type=tmpfs: target and mount options.
std::map<std::string, std::vector<std::string>> tmpfs_of(const HostConfig& host_config);

// spec_mounts.cpp

struct MountPlan {
  std::vector<oci::runtime::Mount> mounts;
  std::string root_propagation;  ///< empty: the runtime's default
};
MountPlan plan_mounts(const SpecInput& input);

// spec_devices.cpp

std::vector<oci::runtime::DeviceRule> device_rules_of(const HostConfig& host_config,
                                                      const std::vector<oci::runtime::Device>& devices);
/// One line of --device-cgroup-rule: "c 10:* rwm". Throws `invalid`.
oci::runtime::DeviceRule parse_device_rule(const std::string& text);

// spec_resources.cpp

oci::runtime::Resources resources_of(const HostConfig& host_config, const HostFacts& facts);

// spec_process.cpp

oci::runtime::Process process_of(const SpecInput& input, const Security& security);
/// What a process of the container finds in its environment, before a further process adds its own.
std::vector<std::string> environment_of(const Config& config, bool tty);
/// Docker's rules: a variable that is there already keeps its place; a name without "=" removes it.
void add_to_environment(std::vector<std::string>& environment, const std::vector<std::string>& assignments);
/// Of the API's [height, width]; nothing if one of them is 0 or missing.
std::optional<oci::runtime::Box> console_size_of(const std::vector<std::int64_t>& height_and_width);
/// "RLIMIT_NOFILE" of "nofile"; throws `invalid`.
std::string rlimit_name(const std::string& name);
/// True if tini runs as process 1.
bool wants_init(const HostConfig& host_config);
inline constexpr const char* init_path = "/sbin/docker-init";

// validate_network.cpp

/// What contradicts the network mode, and ports, links, names of hosts and servers that are none.
void check_network(const Config& config, const HostConfig& host_config, std::vector<std::string>& warnings);

// network_files.cpp

struct ExtraHost {
  std::string name;
  std::string address;  ///< or `host_gateway_word`
};
inline constexpr const char* host_gateway_word = "host-gateway";
/// --add-host: "name:address" or "name=address". Throws `invalid` with Docker's texts.
ExtraHost parse_extra_host(const std::string& text);
bool is_ip_address(const std::string& text);

}  // namespace berth::containers

// What is to be done to make a container: decided from the request, checked, and touching nothing.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "linux/capabilities.hpp"
#include "runtime/mount_options.hpp"
#include "runtime/resources.hpp"
#include "runtime/runtime.hpp"

namespace berth::runtime {

struct JoinedNamespace {
  std::string path;
  std::uint64_t flag = 0;  ///< CLONE_NEWNET...
};

/// A network namespace that was made in advance stands in `network_namespace`, and CLONE_NEWNET is not among `made`.
struct NamespacePlan {
  std::uint64_t made = 0;  ///< CLONE_NEW... flags
  std::vector<JoinedNamespace> joined;
  [[nodiscard]] bool makes(std::uint64_t flag) const { return (made & flag) != 0; }
  [[nodiscard]] bool has_own(std::uint64_t flag) const;
};

struct MountPlan {
  enum class Kind { file_system, bind, cgroup };
  Kind kind = Kind::file_system;
  std::string destination;
  std::string type;
  std::string source;
  MountOptions options;
};

struct DevicePlan {
  std::string path;
  mode_t mode = 0666;  ///< with the type: S_IFCHR
  dev_t number = 0;
  uid_t uid = 0;
  gid_t gid = 0;
};

struct CapabilityPlan {
  kernel::CapabilitySet bounding = 0;
  kernel::CapabilitySet effective = 0;
  kernel::CapabilitySet permitted = 0;
  kernel::CapabilitySet inheritable = 0;
  kernel::CapabilitySet ambient = 0;
};

struct RlimitPlan {
  int resource = 0;
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;
};

/// The program and how it is run.
struct ProcessPlan {
  std::vector<std::string> args;
  std::vector<std::string> env;
  std::string cwd = "/";
  std::string user;  ///< to be resolved in the image; empty: uid, gid and groups as they are here
  std::vector<std::string> extra_groups;
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
  mode_t umask = 0022;
  bool no_new_privs = false;
  bool terminal = false;
  std::uint16_t rows = 0;
  std::uint16_t columns = 0;
  std::optional<CapabilityPlan> capabilities;  ///< absent: those of the runtime
  std::vector<RlimitPlan> rlimits;
  std::optional<int> oom_score_adj;
  std::string apparmor_profile;
  std::optional<unsigned long> personality;
};

struct Plan {
  std::string id;
  fs::path bundle;
  NamespacePlan namespaces;
  std::vector<oci::runtime::IdMapping> uid_mappings;
  std::vector<oci::runtime::IdMapping> gid_mappings;
  std::string cgroup;  ///< path in each hierarchy
  ResourcePlan resources;
  std::optional<Overlay> overlay;
  std::string root;  ///< a directory; unless `overlay`
  bool root_readonly = false;
  MountOptions root_propagation;
  std::vector<MountPlan> mounts;
  std::vector<DevicePlan> devices;
  std::vector<std::string> masked_paths;
  std::vector<std::string> readonly_paths;
  std::vector<std::pair<std::string, std::string>> sysctls;  ///< path below /proc/sys -> value
  std::string hostname;
  std::string domainname;
  ProcessPlan process;
  oci::runtime::Hooks hooks;
  std::map<std::string, std::string> annotations;
  std::string seccomp_filter;  ///< file
  unsigned seccomp_flags = 0;
};

/// Throws `invalid` with the member that is wrong, `unsupported` for what cannot be had. `unified`: cgroup version 2.
Plan make_plan(const CreateRequest& request, bool unified);

/// The same for a process alone: what `exec` starts in a running container.
ProcessPlan make_process_plan(const oci::runtime::Process& process);

/// The path below /proc/sys of a sysctl that belongs to a namespace of the container's own. Throws `invalid` for
/// others: they would change the host.
std::string sysctl_path(const std::string& name, const NamespacePlan& namespaces);

}  // namespace berth::runtime

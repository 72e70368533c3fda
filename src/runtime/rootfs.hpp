// The container's root while process 1 furnishes it, inside its own mount namespace and before it is entered.
//
// Whatever an image or another container can influence is reached by descriptor below the root (openat2,
// RESOLVE_IN_ROOT); mounts are attached to descriptors, and files in /dev and /proc are reached through the mounts that
// were made here, never through a path that something else may have been put over.
#pragma once

#include <optional>
#include <string>

#include "base/fd.hpp"
#include "linux/mount.hpp"
#include "runtime/plan.hpp"

namespace berth::runtime {

class Rootfs {
 public:
  /// Makes the host's mounts private to this namespace and mounts the root.
  explicit Rootfs(const Plan& plan);

  [[nodiscard]] FdRef fd() const noexcept { return root_.fd(); }

  /// Mounts one entry of the plan's list; they come in its order.
  void mount(const MountPlan& mount, const Plan& plan);
  /// Makes the nodes and links of /dev, and the plan's devices.
  void make_devices(const Plan& plan);
  /// Writes the plan's sysctls, through the mount of procfs that was made here.
  void write_sysctls(const Plan& plan) const;
  /// Covers the masked paths and makes the others read-only. Paths that the container does not have are passed over.
  void restrict_paths(const Plan& plan) const;
  /// Makes the working directory if it is missing.
  void make_working_directory(const std::string& path) const;

  /// A terminal of the container's own devpts, its other side at /dev/console.
  struct Terminal {
    UniqueFd master;
    UniqueFd slave;
  };
  [[nodiscard]] Terminal make_terminal(const ProcessPlan& process) const;

  /// /dev/null of the container, checked to be that device.
  [[nodiscard]] UniqueFd open_null() const;

  /// Makes it "/", and everything of the host unreachable.
  void enter(const Plan& plan);

 private:
  void mount_file_system(const MountPlan& mount);
  void mount_bind(const MountPlan& mount, const std::string& bundle);
  void mount_cgroups(const MountPlan& mount, const Plan& plan);
  void mount_cgroups_v1(FdRef tree, const Plan& plan);
  void make_node(const DevicePlan& device, FdRef directory, const std::string& name) const;

  kernel::Mount root_;
  std::optional<kernel::Mount> dev_;  ///< what the plan mounts at /dev, /dev/pts and /proc
  std::optional<kernel::Mount> pts_;
  std::optional<kernel::Mount> proc_;
  bool dev_is_bound_ = false;  ///< the host's /dev or a volume: left as it is
};

}  // namespace berth::runtime

#include "runtime/rootfs.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"

namespace berth::runtime {
namespace {

using kernel::FileSystem;
using kernel::Mount;

/// The kernel takes at most 255 characters per option of the new API; longer paths go by descriptor.
constexpr std::size_t max_option = 255;

/// A path that the option's length allows; `keep` holds what it refers to.
std::string option_path(const std::string& path, std::vector<UniqueFd>& keep, std::size_t limit) {
  if (path.size() <= limit) return path;
  keep.push_back(open_file(path, O_PATH | O_DIRECTORY));
  return fd_path(keep.back());
}

/// Before Linux 6.5 overlay takes any option, and says only when it is mounted, and to the kernel's log, that it does
/// not know "lowerdir+".
bool overlay_knows_its_options() {
  utsname system{};
  unsigned major = 0;
  unsigned minor = 0;
  if (::uname(&system) < 0 || std::sscanf(system.release, "%u.%u", &major, &minor) != 2) return true;
  return std::pair{major, minor} >= std::pair{6U, 5U};
}

/// Before Linux 6.8 the layers are one option, which only mount(2) takes in more than 255 characters: up to one page.
/// Their paths go by descriptor, which keeps each below 20 characters.
Mount mount_overlay_in_one_option(const Overlay& overlay) {
  std::vector<UniqueFd> keep;
  std::string options = "lowerdir=";
  for (const auto& layer : overlay.lower) {
    options += option_path(layer, keep, 0) + ':';
  }
  options.pop_back();
  options += ",upperdir=" + option_path(overlay.upper, keep, 0) + ",workdir=" + option_path(overlay.work, keep, 0);
  if (options.size() >= 4096)
    throw Error{Kind::unsupported, "this kernel cannot mount {} layers", overlay.lower.size()};
  // By its path: a descriptor would go on to mean what lies under the mount.
  const auto* target = overlay.upper.c_str();
  if (::mount("overlay", target, "overlay", 0, options.c_str()) < 0) {
    throw Error::from_errno(errno, "mount overlay of {} layers", overlay.lower.size());
  }
  auto copy = Mount::clone_of(FdRef{AT_FDCWD}, target, false);
  if (::umount2(target, MNT_DETACH) < 0) throw Error::from_errno(errno, "unmount overlay");
  return copy;
}

Mount mount_overlay(const Overlay& overlay) {
  if (!overlay_knows_its_options()) return mount_overlay_in_one_option(overlay);
  std::vector<UniqueFd> keep;
  FileSystem layers{"overlay"};
  layers.set("source", "overlay");
  for (std::size_t index = 0; index < overlay.lower.size(); ++index) {
    const bool added = layers.try_set("lowerdir+", option_path(overlay.lower[index], keep, max_option));
    if (added) continue;
    if (index == 0) return mount_overlay_in_one_option(overlay);
    throw Error{Kind::unsupported, "cannot mount layer {} of {}", index + 1, overlay.lower.size()};
  }
  layers.set("upperdir", option_path(overlay.upper, keep, max_option));
  layers.set("workdir", option_path(overlay.work, keep, max_option));
  return layers.make();
}

Mount mount_root(const Plan& plan) {
  // From now on nothing that is mounted here is seen by the host. Slave, not private: volumes may ask for what the host
  // mounts later.
  kernel::change_mount(FdRef{AT_FDCWD}, "/", {.propagation = MS_SLAVE}, true);
  // An overlay hides what it is mounted on: the upper directory, not the bundle, from which files are bound later.
  const auto target = open_file(plan.overlay ? plan.overlay->upper : plan.root, O_PATH | O_DIRECTORY);
  try {
    auto root = plan.overlay ? mount_overlay(*plan.overlay) : Mount::clone_of(target, "", true);
    root.attach(target);
    return root;
  } catch (Error& error) {
    throw error.in("mount the root of the container");
  }
}

}  // namespace

Rootfs::Rootfs(const Plan& plan) : root_(mount_root(plan)) {}

void Rootfs::mount(const MountPlan& mount, const Plan& plan) {
  try {
    switch (mount.kind) {
      case MountPlan::Kind::file_system: return mount_file_system(mount);
      case MountPlan::Kind::bind: return mount_bind(mount, plan.bundle.native());
      case MountPlan::Kind::cgroup: return mount_cgroups(mount, plan);
    }
  } catch (Error& error) {
    throw error.in("mount {} at {}", quote(mount.source.empty() ? mount.type : mount.source), quote(mount.destination));
  }
}

void Rootfs::write_sysctls(const Plan& plan) const {
  for (const auto& [path, value] : plan.sysctls) {
    if (!proc_) throw Error{Kind::invalid, "sysctls need procfs at /proc"};
    const auto file = UniqueFd{::openat(proc_->fd().get(), ("sys/" + path).c_str(), O_WRONLY | O_CLOEXEC)};
    if (!file || !kernel::is_procfs(file)) throw Error::from_errno(errno, "sysctl {}", quote(path));
    if (::write(file.get(), value.data(), value.size()) < 0) {
      throw Error::from_errno(errno, "write {} to sysctl {}", quote(value), quote(path));
    }
  }
}

void Rootfs::make_working_directory(const std::string& path) const {
  if (path == "/") return;
  try {
    make_directories_in_root(fd(), path);
  } catch (Error& error) {
    // A read-only bind or procfs there: whether it can be entered is seen when it is entered.
    if (error.errno_value() == EROFS || error.errno_value() == EACCES) return;
    throw error.in("working directory {}", quote(path));
  }
}

void Rootfs::enter(const Plan& plan) {
  if (plan.root_readonly) root_.change({.set = MOUNT_ATTR_RDONLY});
  if (::fchdir(fd().get()) < 0) throw Error::from_errno(errno, "enter the root");
  // Both at the same place: the old root comes to lie over the new one, and is taken away. No directory is needed for
  // it.
  if (::syscall(SYS_pivot_root, ".", ".") < 0) throw Error::from_errno(errno, "pivot root");
  if (::umount2(".", MNT_DETACH) < 0) throw Error::from_errno(errno, "unmount the host's root");
  if (::chdir("/") < 0) throw Error::from_errno(errno, "enter the root");
  if (plan.root_propagation.propagation != 0) {
    kernel::change_mount(FdRef{AT_FDCWD}, "/", {.propagation = plan.root_propagation.propagation},
                         plan.root_propagation.recursive_propagation);
  }
}

}  // namespace berth::runtime

#include "runtime/rootfs.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/file.hpp"
#include "runtime/overlay.hpp"

namespace berth::runtime {
namespace {

using kernel::Mount;

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

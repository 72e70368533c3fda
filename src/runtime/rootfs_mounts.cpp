// The mounts that a configuration lists.
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "base/file.hpp"
#include "linux/cgroup.hpp"
#include "runtime/copy_up.hpp"
#include "runtime/rootfs.hpp"

namespace berth::runtime {
namespace {

using kernel::FileSystem;
using kernel::Mount;

/// File systems that take "ro" only for a mount, not for all their users.
constexpr std::string_view shared_file_systems[] = {"proc", "sysfs", "tmpfs", "mqueue", "devpts", "ramfs"};

/// What may be put over single files of procfs, as runc allows it (lxcfs).
constexpr std::string_view allowed_in_proc[] = {"/proc/cpuinfo",
                                                "/proc/diskstats",
                                                "/proc/meminfo",
                                                "/proc/stat",
                                                "/proc/swaps",
                                                "/proc/uptime",
                                                "/proc/loadavg",
                                                "/proc/slabinfo",
                                                "/proc/net/dev",
                                                "/proc/sys/kernel/ns_last_pid",
                                                "/proc/sys/crypto/fips_enabled"};

bool is_directory(FdRef fd) {
  struct stat status {};
  if (::fstat(fd.get(), &status) < 0) throw Error::from_errno(errno, "stat");
  return S_ISDIR(status.st_mode);
}

/// The path with every link replaced by what it leads to inside the root, also where that does not exist: images link
/// /var/run to a /run that they do not have.
fs::path without_links(FdRef root, const fs::path& path) {
  std::vector<fs::path> left{path.begin(), path.end()};
  std::ranges::reverse(left);
  fs::path resolved = "/";
  int links = 0;
  while (!left.empty()) {
    const auto part = left.back();
    left.pop_back();
    const auto next = part.is_absolute() ? fs::path{"/"} : (resolved / part).lexically_normal();
    std::array<char, 4096> text{};
    const auto entry = try_open_in_root(root, next.native(), O_PATH | O_NOFOLLOW);
    const auto size = entry ? ::readlinkat(entry.get(), "", text.data(), text.size()) : -1;
    if (size <= 0) {
      resolved = next;
      continue;
    }
    if (++links > 40) throw Error::from_errno(ELOOP, "{}", quote(path.native()));
    const fs::path target{std::string{text.data(), static_cast<std::size_t>(size)}};
    const std::vector<fs::path> parts{target.begin(), target.end()};
    left.insert(left.end(), parts.rbegin(), parts.rend());
  }
  return resolved;
}

UniqueFd make_directories(FdRef root, const std::string& path) {
  if (auto present = try_open_in_root(root, path, O_PATH | O_DIRECTORY)) return present;
  return make_directories_in_root(root, without_links(root, path).native());
}

/// The target of a mount, made if it is missing; a directory, or a file for the bind of one.
UniqueFd make_target(FdRef root, const std::string& destination, bool directory) {
  if (directory) return make_directories(root, destination);
  if (auto present = try_open_in_root(root, destination, O_PATH)) return present;
  if (errno != ENOENT) throw Error::from_errno(errno, "open {}", quote(destination));
  const auto path = without_links(root, fs::path{destination}.lexically_normal());
  const auto parent = make_directories_in_root(root, path.parent_path().native());
  const auto name = path.filename().native();
  const UniqueFd made{::openat(parent.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644)};
  if (!made) throw Error::from_errno(errno, "make file {}", quote(destination));
  UniqueFd target{::openat(parent.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
  if (!target) throw Error::from_errno(errno, "open {}", quote(destination));
  return target;
}

/// /proc and /sys decide what the rest of the set-up writes to: an image that makes them links is refused
/// (CVE-2019-19921).
UniqueFd make_plain_target(FdRef root, const std::string& destination) {
  open_how how{};
  how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS;
  const auto open = [&] {
    return UniqueFd{static_cast<int>(::syscall(SYS_openat2, root.get(), destination.c_str(), &how, sizeof how))};
  };
  auto target = open();
  if (!target && errno == ENOENT) {
    make_directories_in_root(root, destination);
    target = open();
  }
  if (!target) throw Error::from_errno(errno, "{} must be on an ordinary directory", quote(destination));
  return target;
}

/// Refuses to cover procfs, or the directory that procfs is mounted on, with something else: later writes to /proc
/// would go there.
void refuse_over_proc(FdRef root, FdRef target, const std::string& destination, FdRef source) {
  if (kernel::is_procfs(target)) {
    if (std::ranges::find(allowed_in_proc, fs::path{destination}.lexically_normal().native()) !=
        std::end(allowed_in_proc))
      return;
    struct stat status {};
    // The root of procfs itself, with procfs from elsewhere: a container in the host's PID namespace.
    const bool is_root = ::fstat(target.get(), &status) == 0 && status.st_ino == 1;
    if (is_root && source && kernel::is_procfs(source)) return;
    throw Error{Kind::invalid, "{} is inside /proc", quote(destination)};
  }
  struct stat at {};
  struct stat proc {};
  const bool same = ::fstat(target.get(), &at) == 0 && ::fstatat(root.get(), "proc", &proc, AT_SYMLINK_NOFOLLOW) == 0 &&
                    at.st_dev == proc.st_dev && at.st_ino == proc.st_ino;
  if (same && !(source && kernel::is_procfs(source))) {
    throw Error{Kind::invalid, "{} cannot be mounted because it is not of type proc", quote(destination)};
  }
}

void change_if_any(const Mount& mount, const MountOptions& options) {
  if (!options.attributes.empty()) mount.change(options.attributes);
  if (!options.recursive_attributes.empty()) mount.change(options.recursive_attributes, true);
  if (options.propagation != 0) mount.change({.propagation = options.propagation}, options.recursive_propagation);
}

}  // namespace

void Rootfs::mount_file_system(const MountPlan& mount) {
  const bool plain = mount.type == "proc" || mount.type == "sysfs";
  const auto target = plain ? make_plain_target(fd(), mount.destination) : make_target(fd(), mount.destination, true);
  if (mount.type != "proc") refuse_over_proc(fd(), target, mount.destination, FdRef{-1});
  FileSystem file_system{mount.type};
  file_system.set("source", mount.source.empty() ? mount.type : mount.source);
  for (const auto& [key, value] : mount.options.data) {
    value.empty() ? file_system.set_flag(key) : file_system.set(key, value);
  }
  const bool readonly = (mount.options.attributes.set & MOUNT_ATTR_RDONLY) != 0;
  if (readonly && std::ranges::find(shared_file_systems, mount.type) == std::end(shared_file_systems)) {
    file_system.set_flag("ro");
  }
  const auto delayed = mount.options.copy_up ? std::uint64_t{MOUNT_ATTR_RDONLY} : 0;
  auto made = file_system.make(mount.options.attributes.set & ~delayed);
  if (mount.options.copy_up) {
    copy_up(target, made.fd());
    if (readonly) made.change({.set = MOUNT_ATTR_RDONLY});
  }
  if (mount.options.propagation != 0) made.change({.propagation = mount.options.propagation});
  made.attach(target);
  const auto place = fs::path{mount.destination}.lexically_normal();
  if (place == "/dev")
    dev_ = std::move(made);
  else if (place == "/dev/pts")
    pts_ = std::move(made);
  else if (place == "/proc" && mount.type == "proc")
    proc_ = std::move(made);
}

void Rootfs::mount_bind(const MountPlan& mount, const std::string& bundle) {
  const auto source = mount.source.starts_with('/') ? mount.source : bundle + "/" + mount.source;
  auto tree = Mount::clone_of(FdRef{AT_FDCWD}, source.c_str(), mount.options.recursive);
  change_if_any(tree, mount.options);
  const auto target = make_target(fd(), mount.destination, is_directory(tree.fd()));
  refuse_over_proc(fd(), target, mount.destination, tree.fd());
  tree.attach(target);
  if (fs::path{mount.destination}.lexically_normal() == "/dev") dev_is_bound_ = true;
}

void Rootfs::mount_cgroups(const MountPlan& mount, const Plan& plan) {
  const auto& layout = kernel::cgroup_layout();
  const auto target = make_target(fd(), mount.destination, true);
  refuse_over_proc(fd(), target, mount.destination, FdRef{-1});
  if (!layout.unified) {
    FileSystem directory{"tmpfs"};
    auto tree = directory.set("source", "tmpfs").set("mode", "755").make();
    tree.attach(target);
    mount_cgroups_v1(tree.fd(), plan);
    tree.change(mount.options.attributes, true);
    return;
  }
  if (plan.namespaces.has_own(CLONE_NEWCGROUP)) {
    FileSystem cgroups{"cgroup2"};
    cgroups.set("source", "cgroup").make(mount.options.attributes.set).attach(target);
    return;
  }
  auto host = Mount::clone_of(FdRef{AT_FDCWD}, layout.hierarchies.front().mount_point.c_str(), false);
  change_if_any(host, mount.options);
  host.attach(target);
}

/// One directory per hierarchy with the container's own cgroup in it, and a link for each controller of several ("cpu"
/// and "cpuacct" to "cpu,cpuacct").
void Rootfs::mount_cgroups_v1(FdRef tree, const Plan& plan) {
  for (const auto& hierarchy : kernel::cgroup_layout().hierarchies) {
    const auto name = hierarchy.mount_point.substr(hierarchy.mount_point.rfind('/') + 1);
    if (::mkdirat(tree.get(), name.c_str(), 0755) < 0) throw Error::from_errno(errno, "make directory {}", quote(name));
    const UniqueFd place{::openat(tree.get(), name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    Mount::clone_of(FdRef{AT_FDCWD}, kernel::cgroup_directory(hierarchy, plan.cgroup).c_str(), false).attach(place);
    for (const auto& controller : hierarchy.controllers) {
      if (controller == name || controller.starts_with("name=")) continue;
      if (::symlinkat(name.c_str(), tree.get(), controller.c_str()) < 0 && errno != EEXIST) {
        throw Error::from_errno(errno, "link {}", quote(controller));
      }
    }
  }
}

}  // namespace berth::runtime

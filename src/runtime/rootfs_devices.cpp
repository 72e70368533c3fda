// /dev of a container, its terminal, and what is covered or read-only in /proc and /sys.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#include <array>

#include "base/error.hpp"
#include "base/file.hpp"
#include "runtime/rootfs.hpp"

namespace berth::runtime {
namespace {

using kernel::FileSystem;
using kernel::Mount;

struct Link {
  const char* name;
  const char* target;
};

constexpr Link dev_links[] = {{"fd", "/proc/self/fd"},       {"stdin", "/proc/self/fd/0"},
                              {"stdout", "/proc/self/fd/1"}, {"stderr", "/proc/self/fd/2"},
                              {"core", "/proc/kcore"},       {"ptmx", "pts/ptmx"}};

struct Node {
  const char* name;
  unsigned major;
  unsigned minor;
};

constexpr Node dev_nodes[] = {{"null", 1, 3},   {"zero", 1, 5},    {"full", 1, 7},
                              {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}};

bool is_null_device(FdRef fd) {
  struct stat status {};
  return ::fstat(fd.get(), &status) == 0 && S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3);
}

/// Empty if the container has no such path.
UniqueFd find_in_root(FdRef root, const std::string& path) {
  auto found = try_open_in_root(root, path, O_PATH);
  if (!found && errno != ENOENT && errno != ENOTDIR && errno != EACCES)
    throw Error::from_errno(errno, "open {}", quote(path));
  return found;
}

/// A tmpfs with the two things that paths are covered with, /empty and /null, shared by all of them. They are not the
/// container's /dev/null, which an image or a volume could have replaced (CVE-2025-31133).
Mount make_covers() {
  FileSystem covers{"tmpfs"};
  auto tree = covers.set("source", "tmpfs").set("mode", "555").make(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
  const int root = tree.fd().get();
  bool made = ::mkdirat(root, "empty", 0555) == 0 && ::mknodat(root, "null", S_IFCHR | 0666, makedev(1, 3)) == 0;
  // In a user namespace there are no nodes to be made: an empty file reads like one.
  if (!made && errno == EPERM) made = ::mknodat(root, "null", S_IFREG | 0444, 0) == 0;
  if (!made) throw Error::from_errno(errno, "make what masked paths are covered with");
  tree.change({.set = MOUNT_ATTR_RDONLY});
  // Before Linux 6.15 only what is attached can be cloned. The host's /dev is not needed any more in this namespace.
  tree.attach(open_file("/dev", O_PATH | O_DIRECTORY));
  return tree;
}

}  // namespace

/// In a user namespace nodes cannot be made: the host's are bound instead.
void Rootfs::make_node(const DevicePlan& device, FdRef directory, const std::string& name) const {
  if (::mknodat(directory.get(), name.c_str(), device.mode, device.number) == 0) {
    if (device.uid != 0 || device.gid != 0) {
      if (::fchownat(directory.get(), name.c_str(), device.uid, device.gid, AT_SYMLINK_NOFOLLOW) < 0) {
        throw Error::from_errno(errno, "change owner of device {}", quote(device.path));
      }
    }
    return;
  }
  if (errno == EEXIST) {
    struct stat present {};
    const bool same = ::fstatat(directory.get(), name.c_str(), &present, AT_SYMLINK_NOFOLLOW) == 0 &&
                      (present.st_mode & S_IFMT) == (device.mode & S_IFMT) && present.st_rdev == device.number;
    if (same) return;
    throw Error{Kind::invalid, "device {}: something else is there", quote(device.path)};
  }
  if (errno != EPERM) throw Error::from_errno(errno, "make device {}", quote(device.path));
  const UniqueFd place{
      ::openat(directory.get(), name.c_str(), O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666)};
  if (!place) throw Error::from_errno(errno, "make device {}", quote(device.path));
  Mount::clone_of(FdRef{AT_FDCWD}, device.path.c_str(), false).attach(place);
}

void Rootfs::make_devices(const Plan& plan) {
  if (!dev_is_bound_) {
    UniqueFd in_image;
    if (!dev_) in_image = make_directories_in_root(fd(), "/dev");
    const FdRef dev = dev_ ? dev_->fd() : FdRef{in_image};
    for (const auto& node : dev_nodes) {
      make_node(
          {.path = std::string{"/dev/"} + node.name, .mode = S_IFCHR | 0666, .number = makedev(node.major, node.minor)},
          dev, node.name);
    }
    for (const auto& link : dev_links) {
      if (std::string_view{link.name} == "ptmx") ::unlinkat(dev.get(), link.name, 0);
      if (::symlinkat(link.target, dev.get(), link.name) < 0 && errno != EEXIST) {
        throw Error::from_errno(errno, "link /dev/{}", link.name);
      }
    }
  }
  for (const auto& device : plan.devices) {
    const fs::path path = fs::path{device.path}.lexically_normal();
    make_node(device, make_directories_in_root(fd(), path.parent_path().native()), path.filename().native());
  }
}

UniqueFd Rootfs::open_null() const {
  UniqueFd null{dev_ ? ::openat(dev_->fd().get(), "null", O_RDWR | O_NOFOLLOW | O_CLOEXEC) : -1};
  if (!null) null = UniqueFd{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  if (!null || !is_null_device(null)) throw Error{Kind::internal, "/dev/null is not that device"};
  return null;
}

Rootfs::Terminal Rootfs::make_terminal(const ProcessPlan& process) const {
  if (!pts_) throw Error{Kind::invalid, "a terminal needs devpts at /dev/pts"};
  Terminal terminal;
  terminal.master.reset(::openat(pts_->fd().get(), "ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC));
  if (!terminal.master) throw Error::from_errno(errno, "open a terminal");
  const int unlocked = 0;
  if (::ioctl(terminal.master.get(), TIOCSPTLCK, &unlocked) < 0) throw Error::from_errno(errno, "unlock the terminal");
  // By the master, not by the name /dev/pts/0, which something could have been put over.
  terminal.slave.reset(::ioctl(terminal.master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!terminal.slave) throw Error::from_errno(errno, "open the other side of the terminal");
  if (process.rows != 0 && process.columns != 0) {
    winsize size{};
    size.ws_row = process.rows;
    size.ws_col = process.columns;
    ::ioctl(terminal.slave.get(), TIOCSWINSZ, &size);
  }
  if (!dev_) return terminal;
  const int dev = dev_->fd().get();
  const UniqueFd made{::openat(dev, "console", O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!made) throw Error::from_errno(errno, "make /dev/console");
  Mount::clone_of(terminal.slave, "", false).attach(made);
  return terminal;
}

void Rootfs::restrict_paths(const Plan& plan) const {
  std::optional<Mount> covers;
  for (const auto& path : plan.masked_paths) {
    const auto target = find_in_root(fd(), path);
    if (!target) continue;
    if (!covers) covers = make_covers();
    struct stat status {};
    if (::fstat(target.get(), &status) < 0) throw Error::from_errno(errno, "stat {}", quote(path));
    try {
      Mount::clone_of(covers->fd(), S_ISDIR(status.st_mode) ? "empty" : "null", false).attach(target);
    } catch (Error& error) {
      throw error.in("mask {}", quote(path));
    }
  }
  for (const auto& path : plan.readonly_paths) {
    const auto target = find_in_root(fd(), path);
    if (!target) continue;
    try {
      const auto copy = Mount::clone_of(target, "", true);
      copy.change({.set = MOUNT_ATTR_RDONLY}, true);
      copy.attach(target);
    } catch (Error& error) {
      throw error.in("make {} read-only", quote(path));
    }
  }
}

}  // namespace berth::runtime

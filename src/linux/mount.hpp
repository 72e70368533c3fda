// Mounts by descriptor: the kernel's new mount API (fsopen, fsmount, open_tree, move_mount, mount_setattr).
//
//   auto tmpfs = FileSystem{"tmpfs"}.set("mode", "755").make(MOUNT_ATTR_NOSUID);
//   tmpfs.attach(target);                      // target was opened with openat2 below the container's root
#pragma once

#include <sys/mount.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.hpp"

namespace berth::kernel {

/// What mount_setattr changes. `propagation` is MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE or 0.
struct MountAttributes {
  std::uint64_t set = 0;
  std::uint64_t clear = 0;
  std::uint64_t propagation = 0;
  [[nodiscard]] bool empty() const { return set == 0 && clear == 0 && propagation == 0; }
};

/// A mount known by its descriptor: detached, and undone when dropped, until `attach`; afterwards a name for it.
class Mount {
 public:
  explicit Mount(UniqueFd fd) noexcept : fd_(std::move(fd)) {}

  /// A copy of the mount at `path`, with those below it if `recursive`. An empty path stands for `directory` itself.
  static Mount clone_of(FdRef directory, const char* path, bool recursive);

  [[nodiscard]] FdRef fd() const noexcept { return fd_; }
  void change(const MountAttributes& attributes, bool recursive = false) const;
  /// Makes it visible at `target`, an O_PATH descriptor of a directory, or of a file if its root is a file.
  void attach(FdRef target) const;

 private:
  UniqueFd fd_;
};

/// Changes the mount that `path` is the root of; an empty path stands for `directory` itself.
void change_mount(FdRef directory, const char* path, const MountAttributes& attributes, bool recursive);

/// A file system in the making. What the kernel says about a refused option is part of the error.
class FileSystem {
 public:
  /// Throws `unsupported` if the kernel has no file system of this type.
  explicit FileSystem(const std::string& type);

  FileSystem& set(const std::string& key, const std::string& value);
  FileSystem& set_flag(const std::string& key);
  /// False if the kernel does not know the option; throws on other failures.
  bool try_set(const std::string& key, const std::string& value);
  Mount make(std::uint64_t attributes = 0);

 private:
  [[noreturn]] void fail(int error, std::string_view step) const;

  std::string type_;
  UniqueFd fd_;
};

/// True if the descriptor is of a file on procfs: a path under /proc may lead elsewhere, and writes must not.
bool is_procfs(FdRef fd);

}  // namespace berth::kernel

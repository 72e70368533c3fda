#include "snapshots/layer_root.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/error.hpp"
#include "base/file.hpp"
#include "snapshots/layer_path.hpp"

namespace berth::snapshots {
namespace {

constexpr std::size_t max_open = 24;
// Directories whose times are set at the end are kept in memory: 64 MiB of names are some 600,000 of them.
constexpr std::size_t max_remembered = 64U << 20U;
constexpr mode_t implied_directory_mode = 0755;
constexpr const char* opaque_attribute = "trusted.overlay.opaque";

/// errno of a call whose path an image chose: what can only be the image's fault is `invalid`.
Error entry_error(int error, std::string_view action, std::string_view path) {
  auto failure = Error::from_errno(error, "{} {}", action, quote(path));
  for (const int fault : {ENOENT, ENOTDIR, ELOOP, EISDIR, EEXIST, ENAMETOOLONG, EINVAL, EXDEV}) {
    if (error == fault) return failure.as(Kind::invalid);
  }
  return failure;
}

std::pair<FdRef, std::string> at(FdRef parent, std::string_view path) {
  return {parent, std::string{split_path(path).second}};
}

uid_t checked_owner(std::int64_t id) {
  if (id < 0 || id >= 0xffffffffLL) throw Error{Kind::invalid, "owner {} is out of range", id};
  return static_cast<uid_t>(id);
}

std::array<timespec, 2> both_times(const timespec& mtime) {
  return {mtime, mtime};
}

bool is_unsupported(int error) {
  return error == ENOTSUP || error == EPERM;
}

/// overlayfs' own attributes would let a layer redirect lookups to places of its choice: only we set them.
bool is_private(const std::string& attribute) {
  return attribute.starts_with("trusted.overlay.") || attribute.starts_with("user.overlay.");
}

void set_attributes(const TarEntry& entry, auto&& set) {
  for (const auto& [name, value] : entry.attributes) {
    if (is_private(name)) continue;
    // A file system without this kind of attribute is no reason to refuse an image; Docker goes on too.
    if (set(name.c_str(), value.data(), value.size()) < 0 && !is_unsupported(errno)) {
      throw Error::from_errno(errno, "set attribute {}", quote(name));
    }
  }
}

/// Owner, mode, attributes, in this order: a change of owner clears setuid and file capabilities.
void set_metadata(int fd, const TarEntry& entry) {
  if (::fchown(fd, checked_owner(entry.uid), checked_owner(entry.gid)) < 0) throw Error::from_errno(errno, "set owner");
  if (::fchmod(fd, entry.permissions) < 0) throw Error::from_errno(errno, "set mode");
  set_attributes(entry, [&](const char* name, const char* value, std::size_t size) {
    return ::fsetxattr(fd, name, value, size, 0);
  });
}

/// The same for what cannot be opened: symbolic links, devices, fifos.
void set_metadata_at(FdRef parent, const std::string& name, const TarEntry& entry) {
  const auto [uid, gid] = std::pair{checked_owner(entry.uid), checked_owner(entry.gid)};
  if (::fchownat(parent.get(), name.c_str(), uid, gid, AT_SYMLINK_NOFOLLOW) < 0) {
    throw Error::from_errno(errno, "set owner");
  }
  if (entry.type != EntryType::symlink && ::fchmodat(parent.get(), name.c_str(), entry.permissions, 0) < 0) {
    throw Error::from_errno(errno, "set mode");
  }
  if (!entry.attributes.empty()) {
    const auto path = fd_path(parent) + "/" + name;
    set_attributes(entry, [&](const char* attribute, const char* value, std::size_t size) {
      return ::lsetxattr(path.c_str(), attribute, value, size, 0);
    });
  }
  const auto times = both_times(entry.mtime);
  if (::utimensat(parent.get(), name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) < 0) {
    throw Error::from_errno(errno, "set times");
  }
}

UniqueFd open_real_directory(FdRef parent, const std::string& name) {
  return UniqueFd{::openat(parent.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
}

void set_opaque(FdRef directory) {
  if (::fsetxattr(directory.get(), opaque_attribute, "y", 1, 0) < 0) throw Error::from_errno(errno, "make opaque");
}

bool is_whiteout(const struct stat& status) {
  return S_ISCHR(status.st_mode) && status.st_rdev == ::makedev(0, 0);
}

}  // namespace

LayerRoot::LayerRoot(UniqueFd root) : root_(std::move(root)) {
  open_.reserve(max_open);
}

FdRef LayerRoot::open_parent(std::string_view path) {
  return open_directory(split_path(path).first);
}

FdRef LayerRoot::open_directory(std::string_view directory) {
  if (directory.empty()) return root_;
  for (auto& known : open_) {
    if (known.path != directory) continue;
    known.last_use = ++uses_;
    return known.fd;
  }
  open_how how{};
  how.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
  const std::string name{directory};
  UniqueFd fd{static_cast<int>(::syscall(SYS_openat2, root_.get(), name.c_str(), &how, sizeof how))};
  if (!fd && errno == ENOENT) {
    try {
      make_directories_in_root(root_, name, implied_directory_mode);
    } catch (Error& error) {
      throw entry_error(error.errno_value(), "make directory", directory);
    }
    fd.reset(static_cast<int>(::syscall(SYS_openat2, root_.get(), name.c_str(), &how, sizeof how)));
  }
  if (!fd) throw entry_error(errno, "open directory", directory);
  return remember(directory, std::move(fd));
}

FdRef LayerRoot::remember(std::string_view path, UniqueFd fd) {
  if (open_.size() < max_open) {
    open_.push_back({std::string{path}, std::move(fd), ++uses_});
    return open_.back().fd;
  }
  auto& oldest = *std::ranges::min_element(open_, {}, &OpenDirectory::last_use);
  oldest = {std::string{path}, std::move(fd), ++uses_};
  return oldest.fd;
}

/// Called whenever a directory or link goes away: what was resolved through it is no longer true.
void LayerRoot::forget_open() noexcept {
  open_.clear();
}

void LayerRoot::remove_existing(FdRef parent, const std::string& name) {
  if (::unlinkat(parent.get(), name.c_str(), 0) == 0) return;
  if (errno != EISDIR && errno != ENOENT) throw entry_error(errno, "replace", name);
  if (auto directory = open_real_directory(parent, name)) remove_tree(fd_path(parent) + "/" + name);
}

void LayerRoot::put_directory(const std::string& path, const TarEntry& entry) {
  if (path.empty()) {
    set_metadata(root_.get(), entry);
    remember_time(path, entry.mtime);
    return;
  }
  const auto [parent, name] = at(open_parent(path), path);
  struct stat existing {};
  bool replaces = false;
  if (::mkdirat(parent.get(), name.c_str(), 0700) < 0) {
    if (errno != EEXIST) throw entry_error(errno, "make directory", path);
    if (::fstatat(parent.get(), name.c_str(), &existing, AT_SYMLINK_NOFOLLOW) < 0) {
      throw entry_error(errno, "look at", path);
    }
    replaces = !S_ISDIR(existing.st_mode);
  }
  if (replaces) {
    remove_existing(parent, name);
    if (::mkdirat(parent.get(), name.c_str(), 0700) < 0) throw entry_error(errno, "make directory", path);
  }
  auto directory = open_real_directory(parent, name);
  if (!directory) throw entry_error(errno, "open directory", path);
  set_metadata(directory.get(), entry);
  // The whiteout that it replaces hid a directory of the layers below, which must not come back merged.
  if (replaces && is_whiteout(existing)) set_opaque(directory);
  remember_time(path, entry.mtime);
  if (replaces) forget_open();
  // Its contents usually follow.
  if (std::ranges::find(open_, path, &OpenDirectory::path) == open_.end()) remember(path, std::move(directory));
}

void LayerRoot::put_symlink(const std::string& path, const TarEntry& entry) {
  const auto [parent, name] = at(open_parent(path), path);
  const std::string target{entry.target};
  if (::symlinkat(target.c_str(), parent.get(), name.c_str()) < 0) {
    if (errno != EEXIST) throw entry_error(errno, "make link", path);
    remove_existing(parent, name);
    if (::symlinkat(target.c_str(), parent.get(), name.c_str()) < 0) throw entry_error(errno, "make link", path);
    set_metadata_at(parent, name, entry);
    forget_open();
    return;
  }
  set_metadata_at(parent, name, entry);
}

void LayerRoot::put_node(const std::string& path, const TarEntry& entry) {
  const auto [parent, name] = at(open_parent(path), path);
  mode_t type = S_IFIFO;
  if (entry.type == EntryType::character_device) type = S_IFCHR;
  if (entry.type == EntryType::block_device) type = S_IFBLK;
  const dev_t device = type == S_IFIFO ? dev_t{0} : entry.device;
  remove_existing(parent, name);
  if (::mknodat(parent.get(), name.c_str(), type | 0600, device) < 0) throw entry_error(errno, "make device", path);
  set_metadata_at(parent, name, entry);
  forget_open();
}

void LayerRoot::put_hard_link(const std::string& path, const std::string& target) {
  // Duplicated: looking for the second parent may close the first.
  const auto source_parent = duplicate(open_parent(target));
  const std::string source{split_path(target).second};
  const auto [parent, name] = at(open_parent(path), path);
  struct stat from {};
  if (source.empty() || ::fstatat(source_parent.get(), source.c_str(), &from, AT_SYMLINK_NOFOLLOW) < 0) {
    throw Error{Kind::invalid, "hard link {} to {}, which this layer does not have", quote(path), quote(target)};
  }
  if (S_ISDIR(from.st_mode)) throw Error{Kind::invalid, "hard link {} to the directory {}", quote(path), quote(target)};
  struct stat to {};
  if (::fstatat(parent.get(), name.c_str(), &to, AT_SYMLINK_NOFOLLOW) == 0) {
    if (to.st_ino == from.st_ino && to.st_dev == from.st_dev) return;
    remove_existing(parent, name);
  }
  if (::linkat(source_parent.get(), source.c_str(), parent.get(), name.c_str(), 0) < 0) {
    throw entry_error(errno, "make hard link", path);
  }
  if (S_ISDIR(to.st_mode) || S_ISLNK(to.st_mode)) forget_open();
}

UniqueFd LayerRoot::put_file(const std::string& path) {
  if (path.empty()) throw Error{Kind::invalid, "the image's root is not a directory"};
  const auto [parent, name] = at(open_parent(path), path);
  constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  UniqueFd file{::openat(parent.get(), name.c_str(), flags, 0600)};
  if (!file && errno == EEXIST) {
    remove_existing(parent, name);
    file.reset(::openat(parent.get(), name.c_str(), flags, 0600));
    const int error = errno;
    if (file) forget_open();
    errno = error;
  }
  if (!file) throw entry_error(errno, "make file", path);
  return file;
}

void LayerRoot::finish_file(FdRef file, const TarEntry& entry) {
  set_metadata(file.get(), entry);
  const auto times = both_times(entry.mtime);
  if (::futimens(file.get(), times.data()) < 0) throw Error::from_errno(errno, "set times");
}

void LayerRoot::put_whiteout(const std::string& path) {
  const auto [parent, name] = at(open_parent(path), path);
  if (::mknodat(parent.get(), name.c_str(), S_IFCHR, ::makedev(0, 0)) == 0) return;
  if (errno != EEXIST) throw entry_error(errno, "make whiteout", path);
  // A whiteout speaks of the layers below: what this layer has stays. A directory must not show what they have in it.
  if (const auto directory = open_real_directory(parent, name)) set_opaque(directory);
}

void LayerRoot::make_opaque(const std::string& path) {
  set_opaque(open_directory(path));
}

void LayerRoot::remember_time(const std::string& path, const timespec& mtime) {
  remembered_bytes_ += path.size() + sizeof(DirectoryTime);
  if (remembered_bytes_ > max_remembered) throw Error{Kind::invalid, "the layer has too many directories"};
  times_.push_back({path, mtime});
}

void LayerRoot::finish() {
  open_how how{};
  how.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  for (const auto& [path, mtime] : times_) {
    const char* name = path.empty() ? "." : path.c_str();
    const UniqueFd directory{static_cast<int>(::syscall(SYS_openat2, root_.get(), name, &how, sizeof how))};
    if (!directory) continue;  // replaced by a later entry
    const auto times = both_times(mtime);
    if (::futimens(directory.get(), times.data()) < 0) throw Error::from_errno(errno, "set times of {}", quote(path));
  }
  times_.clear();
}

}  // namespace berth::snapshots

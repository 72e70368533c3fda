#include "linux/mount.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>

#include "base/error.hpp"

namespace berth::kernel {

Mount Mount::clone_of(FdRef directory, const char* path, bool recursive) {
  const unsigned flags =
      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0U) | (*path == '\0' ? AT_EMPTY_PATH : 0U);
  UniqueFd fd{::open_tree(directory.get(), path, flags)};
  if (!fd) throw Error::from_errno(errno, "clone mount {}", quote(path));
  return Mount{std::move(fd)};
}

void Mount::change(const MountAttributes& attributes, bool recursive) const {
  change_mount(fd_, "", attributes, recursive);
}

void Mount::attach(FdRef target) const {
  if (::move_mount(fd_.get(), "", target.get(), "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0) {
    throw Error::from_errno(errno, "attach mount");
  }
}

void change_mount(FdRef directory, const char* path, const MountAttributes& attributes, bool recursive) {
  mount_attr change{};
  change.attr_set = attributes.set;
  change.attr_clr = attributes.clear;
  change.propagation = attributes.propagation;
  const unsigned flags = (*path == '\0' ? AT_EMPTY_PATH : 0U) | (recursive ? AT_RECURSIVE : 0U);
  if (::mount_setattr(directory.get(), path, flags, &change, sizeof change) < 0) {
    throw Error::from_errno(errno, "change mount {}", quote(path));
  }
}

FileSystem::FileSystem(const std::string& type) : type_(type), fd_(::fsopen(type.c_str(), FSOPEN_CLOEXEC)) {
  if (!fd_) {
    const int error = errno;
    throw Error::from_errno(error, "file system {}", quote(type))
        .as(error == ENODEV ? Kind::unsupported : Kind::internal);
  }
}

FileSystem& FileSystem::set(const std::string& key, const std::string& value) {
  if (!try_set(key, value)) fail(EINVAL, fmt::format("option {}={}", key, value));
  return *this;
}

bool FileSystem::try_set(const std::string& key, const std::string& value) {
  if (::fsconfig(fd_.get(), FSCONFIG_SET_STRING, key.c_str(), value.c_str(), 0) == 0) return true;
  if (errno == EINVAL) return false;
  fail(errno, fmt::format("option {}={}", key, value));
}

FileSystem& FileSystem::set_flag(const std::string& key) {
  if (::fsconfig(fd_.get(), FSCONFIG_SET_FLAG, key.c_str(), nullptr, 0) < 0) fail(errno, fmt::format("option {}", key));
  return *this;
}

Mount FileSystem::make(std::uint64_t attributes) {
  if (::fsconfig(fd_.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) < 0) fail(errno, "create");
  UniqueFd mount{::fsmount(fd_.get(), FSMOUNT_CLOEXEC, static_cast<unsigned>(attributes))};
  if (!mount) fail(errno, "mount");
  return Mount{std::move(mount)};
}

void FileSystem::fail(int error, std::string_view step) const {
  std::array<char, 512> message{};
  const auto size =
      ::read(fd_.get(), message.data(), message.size());  // one line of the kernel's own log: "e overlay: ..."
  std::string_view said{message.data(), size > 2 ? static_cast<std::size_t>(size) : 0};
  if (said.size() > 2) said.remove_prefix(2);
  while (said.ends_with('\n')) said.remove_suffix(1);
  auto failure = Error::from_errno(error, "{}: {}", type_, step);
  if (!said.empty()) failure = Error{Kind::internal, error, fmt::format("{} ({})", failure.message(), said)};
  throw failure;
}

bool is_procfs(FdRef fd) {
  struct statfs status {};
  return ::fstatfs(fd.get(), &status) == 0 && status.f_type == PROC_SUPER_MAGIC;
}

}  // namespace berth::kernel

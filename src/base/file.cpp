#include "base/file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/error.hpp"
#include "base/id.hpp"

namespace berth {
namespace {

[[noreturn]] void throw_path_error(int error, std::string_view action, const fs::path& path) {
  auto failure = Error::from_errno(error, "{} {}", action, quote(path.native()));
  if (error == ENOENT) failure.as(Kind::not_found);
  throw failure;
}

UniqueFd open_resolved(FdRef root, const std::string& path, int flags, mode_t mode) {
  open_how how{};
  how.flags = static_cast<unsigned>(flags | O_CLOEXEC);
  how.mode = (flags & (O_CREAT | __O_TMPFILE)) != 0 ? mode : mode_t{0};
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  for (int attempt = 0;; ++attempt) {
    const auto fd = ::syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof how);
    // EAGAIN: a rename raced with "..", the kernel asks to try again.
    if (fd >= 0 || errno != EAGAIN || attempt == 100) return UniqueFd{static_cast<int>(fd)};
  }
}

/// Removes what is inside an open directory; entries that vanish meanwhile are fine.
void remove_children(UniqueFd directory) {
  DIR* stream = ::fdopendir(directory.get());
  if (stream == nullptr) throw Error::from_errno(errno, "read directory");
  const int fd = directory.release();
  struct Close {
    DIR* stream;
    ~Close() { ::closedir(stream); }
  } close{stream};
  struct stat self {};
  if (::fstat(fd, &self) < 0) throw Error::from_errno(errno, "stat directory");
  while (const dirent* entry = ::readdir(stream)) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (entry->d_type != DT_DIR && ::unlinkat(fd, entry->d_name, 0) == 0) continue;
    if (::unlinkat(fd, entry->d_name, AT_REMOVEDIR) == 0) continue;
    UniqueFd child{::openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (!child) {
      if (errno == ENOENT) continue;
      if (::unlinkat(fd, entry->d_name, 0) == 0) continue;
      throw Error::from_errno(errno, "remove {}", quote(name));
    }
    struct stat inner {};
    if (::fstat(child.get(), &inner) == 0 && inner.st_dev != self.st_dev) {
      throw Error{Kind::internal, "remove {}: it is a mount point", quote(name)};
    }
    remove_children(std::move(child));
    if (::unlinkat(fd, entry->d_name, AT_REMOVEDIR) < 0 && errno != ENOENT) {
      throw Error::from_errno(errno, "remove {}", quote(name));
    }
  }
}

}  // namespace

UniqueFd open_file(const fs::path& path, int flags, mode_t mode) {
  UniqueFd fd{::open(path.c_str(), flags | O_CLOEXEC, mode)};
  if (!fd) throw_path_error(errno, "open", path);
  return fd;
}

UniqueFd open_directory(const fs::path& path) {
  return open_file(path, O_RDONLY | O_DIRECTORY);
}

std::string read_file(const fs::path& path, std::size_t limit) {
  try {
    return read_to_end(open_file(path, O_RDONLY), limit);
  } catch (Error& error) {
    if (error.kind() == Kind::too_large) error.in("{}", quote(path.native()));
    throw;
  }
}

std::optional<std::string> find_file(const fs::path& path, std::size_t limit) {
  const UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
  if (!fd) throw_path_error(errno, "open", path);
  return read_to_end(fd, limit);
}

UniqueFd make_memory_file(const char* name, std::string_view content) {
  UniqueFd file{::memfd_create(name, MFD_CLOEXEC)};
  if (!file) throw Error::from_errno(errno, "make a file in memory");
  write_all(file, content);
  return file;
}

void write_file(const fs::path& path, std::string_view content, mode_t mode) {
  try {
    write_all(open_file(path, O_WRONLY | O_CREAT | O_TRUNC, mode), content);
  } catch (Error& error) {
    throw error.in("write {}", quote(path.native()));
  }
}

void replace_file(const fs::path& path, std::string_view content, mode_t mode, bool durable) {
  // A name of its own: another thread or process may be replacing the same file.
  const fs::path temporary = path.native() + "." + random_hex(4) + ".new";
  try {
    const auto fd = open_file(temporary, O_WRONLY | O_CREAT | O_EXCL, mode);
    write_all(fd, content);
    if (durable && ::fsync(fd.get()) < 0) throw Error::from_errno(errno, "sync");
  } catch (Error& error) {
    ::unlink(temporary.c_str());
    throw error.in("write {}", quote(path.native()));
  }
  if (::rename(temporary.c_str(), path.c_str()) < 0) {
    const int error = errno;
    ::unlink(temporary.c_str());
    throw_path_error(error, "rename to", path);
  }
  if (durable) sync_path(path.parent_path());
}

void write_control(FdRef directory, const char* name, std::string_view value) {
  const UniqueFd fd{::openat(directory.get(), name, O_WRONLY | O_CLOEXEC)};
  if (!fd) throw Error::from_errno(errno, "open {}", name);
  if (::write(fd.get(), value.data(), value.size()) < 0) {
    throw Error::from_errno(errno, "write {} to {}", quote(value), name);
  }
}

void sync_path(const fs::path& path) {
  const auto fd = open_file(path, O_RDONLY);
  if (::fsync(fd.get()) < 0) throw_path_error(errno, "sync", path);
}

void make_directories(const fs::path& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) == 0) return;
  if (errno == EEXIST) {
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) return;
    throw_path_error(ENOTDIR, "make directory", path);
  }
  if (errno != ENOENT || !path.has_parent_path()) throw_path_error(errno, "make directory", path);
  make_directories(path.parent_path(), mode);
  if (::mkdir(path.c_str(), mode) < 0 && errno != EEXIST) throw_path_error(errno, "make directory", path);
}

void remove_tree(const fs::path& path) {
  if (::unlink(path.c_str()) == 0 || errno == ENOENT || errno == ENOTDIR) return;
  UniqueFd directory{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!directory) {
    if (errno == ENOENT) return;
    throw_path_error(errno, "remove", path);
  }
  try {
    remove_children(std::move(directory));
  } catch (Error& error) {
    throw error.in("remove {}", quote(path.native()));
  }
  if (::rmdir(path.c_str()) < 0 && errno != ENOENT) throw_path_error(errno, "remove", path);
}

UniqueFd open_in_root(FdRef root, const std::string& path, int flags, mode_t mode) {
  auto fd = open_resolved(root, path, flags, mode);
  if (!fd) throw_path_error(errno, "open", path);
  return fd;
}

UniqueFd try_open_in_root(FdRef root, const std::string& path, int flags) noexcept {
  return open_resolved(root, path, flags, 0);
}

UniqueFd make_directories_in_root(FdRef root, const std::string& path, mode_t mode) {
  if (auto fd = open_resolved(root, path.empty() ? "." : path, O_PATH | O_DIRECTORY, 0)) return fd;
  if (errno != ENOENT) throw_path_error(errno, "make directory", path);
  const fs::path whole = fs::path{path}.lexically_normal();
  const fs::path clean = whole.has_filename() ? whole : whole.parent_path();
  if (!clean.has_filename() || clean == clean.parent_path()) throw_path_error(ENOENT, "make directory", path);
  const auto parent = make_directories_in_root(root, clean.parent_path().native(), mode);
  const std::string name = clean.filename().native();
  if (::mkdirat(parent.get(), name.c_str(), mode) < 0 && errno != EEXIST)
    throw_path_error(errno, "make directory", path);
  UniqueFd made{::openat(parent.get(), name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!made) throw_path_error(errno, "make directory", path);
  return made;
}

std::string fd_path(FdRef fd) {
  return fmt::format("/proc/self/fd/{}", fd.get());
}

TempDir::TempDir(const fs::path& parent, std::string_view prefix) {
  std::string name = (parent / fmt::format("{}XXXXXX", prefix)).native();
  if (::mkdtemp(name.data()) == nullptr) throw_path_error(errno, "make temporary directory in", parent);
  path_ = name;
}

TempDir::~TempDir() {
  if (path_.empty()) return;
  try {
    remove_tree(path_);
  } catch (const Error&) {  // A destructor only abandons; start-up removes what is left.
    return;
  }
}

}  // namespace berth

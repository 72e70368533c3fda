// Files and directories: whole reads, durable writes, walks by descriptor that stay inside a root.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.hpp"

namespace berth {

namespace fs = std::filesystem;

/// Opens a path with O_CLOEXEC added; throws with the path in the message.
UniqueFd open_file(const fs::path& path, int flags, mode_t mode = 0);
UniqueFd open_directory(const fs::path& path);

/// The whole file; throws `too_large` beyond `limit` bytes, `not_found` if it does not exist.
std::string read_file(const fs::path& path, std::size_t limit = 64U << 20U);
/// The same, with absence as an answer.
std::optional<std::string> find_file(const fs::path& path, std::size_t limit = 64U << 20U);

/// Creates or truncates and writes in place, not durable: for files that can be made again.
void write_file(const fs::path& path, std::string_view content, mode_t mode = 0644);

/// A file that exists only in memory, to hand bytes of any number to another process (memfd_create(2)).
UniqueFd make_memory_file(const char* name, std::string_view content);

/// Replaces the file atomically (temporary file, rename); with `durable` the bytes and the name are on disk on return.
void replace_file(const fs::path& path, std::string_view content, mode_t mode, bool durable);

/// Writes a control file of the kernel (cgroup, /proc): one write, O_WRONLY without O_CREAT.
void write_control(FdRef directory, const char* name, std::string_view value);

/// fsyncs the file or directory at `path`.
void sync_path(const fs::path& path);

/// mkdir -p with `mode` for what is new.
void make_directories(const fs::path& path, mode_t mode = 0755);

/// Removes a file or a tree. Absence is fine. Never crosses into another file system's mount and never follows links.
void remove_tree(const fs::path& path);

/// openat2 with RESOLVE_IN_ROOT and RESOLVE_NO_MAGICLINKS: `path` is resolved as if `root` were "/", links included.
UniqueFd open_in_root(FdRef root, const std::string& path, int flags, mode_t mode = 0);

/// The same, with failure as an answer: empty, and errno says why.
UniqueFd try_open_in_root(FdRef root, const std::string& path, int flags) noexcept;

/// mkdir -p inside `root` by descriptor; links in `path` resolve within `root`. Returns an O_PATH descriptor of the
/// last one.
UniqueFd make_directories_in_root(FdRef root, const std::string& path, mode_t mode = 0755);

/// "/proc/self/fd/N", to hand a descriptor to calls that take only paths.
std::string fd_path(FdRef fd);

/// A directory that is removed with all that is in it.
class TempDir {
 public:
  /// Makes "<parent>/<prefix>XXXXXX", mode 0700.
  TempDir(const fs::path& parent, std::string_view prefix);
  TempDir(TempDir&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
  TempDir& operator=(TempDir&&) = delete;
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir();

  [[nodiscard]] const fs::path& path() const noexcept { return path_; }
  /// Keeps the directory: somebody else owns it now.
  fs::path release() noexcept { return std::exchange(path_, {}); }

 private:
  fs::path path_;
};

}  // namespace berth

// The lines of one log file, plain or compressed.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hpp"
#include "base/file.hpp"

namespace berth::logs {

/// Which file it is, whatever its name is by now.
struct FileIdentity {
  dev_t device = 0;
  ino_t inode = 0;
  bool operator==(const FileIdentity&) const = default;
};

/// The identity of the file at `path`; nothing if there is none.
std::optional<FileIdentity> find_identity(const fs::path& path);

class Lines {
 public:
  /// `fd` at its beginning. Throws `internal` if it cannot be read.
  Lines(UniqueFd fd, bool compressed);
  ~Lines();
  Lines(const Lines&) = delete;
  Lines& operator=(const Lines&) = delete;

  /// The next complete line, without its newline; valid until the next call. Nothing at the end of what is there now.
  std::optional<std::string_view> next();

  /// True if `next` has a line without reading.
  [[nodiscard]] bool has_buffered() const;

  /// Goes to the last `wanted` complete lines and returns how many there are.
  std::size_t seek_to_tail(std::size_t wanted);

  /// If the file has become shorter than what was read of it, starts again at its beginning.
  void restart_if_truncated();

  [[nodiscard]] const FileIdentity& identity() const noexcept { return identity_; }

 private:
  std::size_t read(char* buffer, std::size_t size);
  bool fill();
  std::size_t skip_to_tail_of_compressed(std::size_t wanted);

  UniqueFd fd_;
  void* gz_ = nullptr;  ///< gzFile
  FileIdentity identity_;
  std::string buffer_;
  std::size_t begin_ = 0;    ///< of the next line in buffer_
  std::size_t scanned_ = 0;  ///< no newline before this
  off_t position_ = 0;       ///< in the file
  bool skipping_ = false;    ///< inside a line that is too long to be one of ours
};

/// The log file and its rotated ones as they are at one moment, newest first.
std::vector<std::unique_ptr<Lines>> open_log_files(const fs::path& file);

}  // namespace berth::logs

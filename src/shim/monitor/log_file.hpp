// A log file that is rotated when it has reached its size.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.hpp"
#include "shim/bundle.hpp"

namespace berth::shim {

/// <path> is the present file, <path>.1 the one before, and so on; with `compress` the older ones are <path>.N.gz.
class LogFile {
 public:
  explicit LogFile(const LogSettings& settings);
  /// Abandons a compression under way: the rotated file stays as it is.
  ~LogFile();
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  /// Whether the file is full, with `pending` bytes that are not yet written: then `rotate` comes before the next line.
  [[nodiscard]] bool is_full(std::size_t pending) const noexcept;
  void append(std::string_view lines);
  void rotate();

  [[nodiscard]] FdRef descriptor() const noexcept { return file_; }

  /// Tells that a child process has been reaped, which may be the one that compresses.
  void child_ended(pid_t pid) noexcept;

 private:
  void open();
  void compress_rotated();
  void abandon_compression() noexcept;

  const LogSettings& settings_;
  UniqueFd file_;
  std::int64_t size_ = 0;
  pid_t compressor_ = -1;
};

}  // namespace berth::shim

#include "logs/lines.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/error.hpp"

namespace berth::logs {
namespace {

constexpr std::size_t block = 64 << 10;
/// A line of 16 KiB, each byte escaped, with attributes, is far below.
constexpr std::size_t max_line = 1 << 20;
constexpr int max_attempts = 10;

FileIdentity identity_of(FdRef fd) {
  struct stat status {};
  if (::fstat(fd.get(), &status) < 0) throw Error::from_errno(errno, "stat log file");
  return {status.st_dev, status.st_ino};
}

UniqueFd find_and_open(const fs::path& path) {
  return UniqueFd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
}

/// The offset of the line that is `wanted` lines before `end`, and how many there are.
struct Tail {
  off_t offset = 0;
  std::size_t lines = 0;
};

/// Reads backwards from the end: the cost does not depend on the size of the file.
Tail find_tail(FdRef fd, std::size_t wanted) {
  struct stat status {};
  if (::fstat(fd.get(), &status) < 0) throw Error::from_errno(errno, "stat log file");
  std::vector<char> buffer(block);
  off_t end = status.st_size;
  std::size_t newlines = 0;
  while (end > 0) {
    const auto size = std::min<off_t>(end, static_cast<off_t>(block));
    const auto count = ::pread(fd.get(), buffer.data(), static_cast<std::size_t>(size), end - size);
    if (count < 0) throw Error::from_errno(errno, "read log file");
    if (count < size) return {};  // truncated meanwhile
    for (auto at = size; at > 0; --at) {
      if (buffer[static_cast<std::size_t>(at - 1)] != '\n') continue;
      // The newline before the first wanted line; what follows the last one is not complete.
      if (newlines == wanted) return {end - size + at, wanted};
      ++newlines;
    }
    end -= size;
  }
  return {0, newlines};
}

/// While the files are rotated, one number after the other is free for a moment: the files are there up to the second
/// one that is.
std::vector<std::unique_ptr<Lines>> open_once(const fs::path& file) {
  std::vector<std::unique_ptr<Lines>> files;
  if (auto present = find_and_open(file)) files.push_back(std::make_unique<Lines>(std::move(present), false));
  for (int number = 1, missing = 0; missing < 2; ++number) {
    const auto rotated = fmt::format("{}.{}", file.native(), number);
    auto fd = find_and_open(rotated);
    const bool compressed = !fd;
    if (compressed) fd = find_and_open(rotated + ".gz");
    if (fd) {
      files.push_back(std::make_unique<Lines>(std::move(fd), compressed));
    } else {
      ++missing;
    }
  }
  return files;
}

}  // namespace

std::optional<FileIdentity> find_identity(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) < 0) return std::nullopt;
  return FileIdentity{status.st_dev, status.st_ino};
}

Lines::Lines(UniqueFd fd, bool compressed) : fd_(std::move(fd)), identity_(identity_of(fd_)) {
  if (!compressed) return;
  gz_ = ::gzdopen(duplicate(fd_).release(), "rb");
  if (gz_ == nullptr) throw Error{Kind::internal, "open compressed log file"};
}

Lines::~Lines() {
  if (gz_ != nullptr) ::gzclose(static_cast<gzFile>(gz_));
}

std::size_t Lines::read(char* buffer, std::size_t size) {
  if (gz_ != nullptr) {
    const int count = ::gzread(static_cast<gzFile>(gz_), buffer, static_cast<unsigned>(size));
    return count > 0 ? static_cast<std::size_t>(count) : 0;  // what is damaged ends the file
  }
  const auto count = ::pread(fd_.get(), buffer, size, position_);
  if (count < 0) throw Error::from_errno(errno, "read log file");
  position_ += count;
  return static_cast<std::size_t>(count);
}

bool Lines::fill() {
  buffer_.erase(0, begin_);
  scanned_ -= begin_;
  begin_ = 0;
  if (buffer_.size() > max_line) {
    skipping_ = true;
    buffer_.clear();
    scanned_ = 0;
  }
  const auto used = buffer_.size();
  buffer_.resize(used + block);
  const auto count = read(buffer_.data() + used, block);
  buffer_.resize(used + count);
  return count > 0;
}

std::optional<std::string_view> Lines::next() {
  for (;;) {
    const auto newline = buffer_.find('\n', scanned_);
    if (newline == std::string::npos) {
      scanned_ = buffer_.size();
      if (!fill()) return std::nullopt;
      continue;
    }
    const auto line = std::string_view{buffer_}.substr(begin_, newline - begin_);
    begin_ = scanned_ = newline + 1;
    if (!std::exchange(skipping_, false)) return line;
  }
}

bool Lines::has_buffered() const {
  return buffer_.find('\n', scanned_) != std::string::npos;
}

std::size_t Lines::seek_to_tail(std::size_t wanted) {
  if (gz_ != nullptr) return skip_to_tail_of_compressed(wanted);
  const auto tail = find_tail(fd_, wanted);
  position_ = tail.offset;
  return tail.lines;
}

/// Only forwards: once to count, once to get there.
std::size_t Lines::skip_to_tail_of_compressed(std::size_t wanted) {
  std::size_t total = 0;
  while (next()) ++total;
  ::gzrewind(static_cast<gzFile>(gz_));
  buffer_.clear();
  begin_ = scanned_ = 0;
  for (auto skip = total - std::min(wanted, total); skip > 0; --skip) next();
  return std::min(wanted, total);
}

void Lines::restart_if_truncated() {
  struct stat status {};
  if (gz_ != nullptr || ::fstat(fd_.get(), &status) < 0 || status.st_size >= position_) return;
  position_ = 0;
  buffer_.clear();
  begin_ = scanned_ = 0;
  skipping_ = false;
}

std::vector<std::unique_ptr<Lines>> open_log_files(const fs::path& file) {
  std::vector<std::unique_ptr<Lines>> files;
  for (int attempt = 0; attempt < max_attempts; ++attempt) {
    files = open_once(file);
    // If the names have moved meanwhile, the newest file may be missing, and another one may be there twice.
    const auto still = find_identity(file);
    const bool is_newest = files.empty() ? !still : still == files.front()->identity();
    const auto twice = std::adjacent_find(files.begin(), files.end(), [](const auto& newer, const auto& older) {
      return newer->identity() == older->identity();
    });
    if (is_newest && twice == files.end()) break;
  }
  return files;
}

}  // namespace berth::logs

#include "shim/monitor/log_file.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "base/error.hpp"
#include "base/file.hpp"

namespace berth::shim {
namespace {

constexpr mode_t log_mode = 0640;

std::string rotated(const std::string& path, int number) {
  return fmt::format("{}.{}", path, number);
}
std::string compressed(const std::string& path) {
  return path + ".gz";
}
std::string half_compressed(const std::string& path) {
  return path + ".gz.new";
}

/// The life of the compressing child: `from` becomes `from`.gz. Runs no destructors and touches nothing of the monitor.
[[noreturn]] void run_compressor(const std::string& from) noexcept {
  ::close_range(3, ~0U, 0);
  // It runs when nobody else wants the processor: a flood of lines must not slow the containers twice.
  const sched_param none{};
  ::sched_setscheduler(0, SCHED_IDLE, &none);
  const auto target = half_compressed(from);
  const int in = ::open(from.c_str(), O_RDONLY | O_CLOEXEC);
  const int out = ::open(target.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, log_mode);
  gzFile gz = out >= 0 ? ::gzdopen(out, "wb1") : nullptr;
  bool good = in >= 0 && gz != nullptr;
  std::array<char, 16 << 10> buffer;
  ssize_t count = 0;
  while (good && (count = ::read(in, buffer.data(), buffer.size())) > 0) {
    good = ::gzwrite(gz, buffer.data(), static_cast<unsigned>(count)) == count;
  }
  good = gz != nullptr && ::gzclose(gz) == Z_OK && good && count == 0;
  // The new name first: a reader finds at least one of the two.
  if (good && ::rename(target.c_str(), compressed(from).c_str()) == 0) {
    ::unlink(from.c_str());
    ::_exit(0);
  }
  ::unlink(target.c_str());
  ::_exit(1);
}

}  // namespace

LogFile::LogFile(const LogSettings& settings) : settings_(settings) {
  open();
}

LogFile::~LogFile() {
  abandon_compression();
}

void LogFile::open() {
  file_ = open_file(settings_.path, O_WRONLY | O_APPEND | O_CREAT, log_mode);
  struct stat status {};
  if (::fstat(file_.get(), &status) < 0) throw Error::from_errno(errno, "stat {}", quote(settings_.path));
  size_ = status.st_size;
}

bool LogFile::is_full(std::size_t pending) const noexcept {
  return settings_.max_size > 0 && size_ + static_cast<std::int64_t>(pending) >= settings_.max_size;
}

void LogFile::append(std::string_view lines) {
  try {
    write_all(file_, lines);
  } catch (Error& error) {
    // Half a line would make the next one unreadable too; if this fails as well, that one is lost.
    static_cast<void>(::ftruncate(file_.get(), size_) == 0);
    throw error.in("write {}", quote(settings_.path));
  }
  size_ += static_cast<std::int64_t>(lines.size());
}

void LogFile::rotate() {
  if (settings_.max_file < 2) {
    if (::ftruncate(file_.get(), 0) < 0) throw Error::from_errno(errno, "truncate {}", quote(settings_.path));
    size_ = 0;
    return;
  }
  // A file that fills faster than it can be compressed stays plain: the container never waits for it.
  abandon_compression();
  for (int number = settings_.max_file - 1; number > 1; --number) {
    const auto from = rotated(settings_.path, number - 1);
    const auto to = rotated(settings_.path, number);
    ::unlink(to.c_str());
    ::unlink(compressed(to).c_str());
    ::rename(from.c_str(), to.c_str());
    ::rename(compressed(from).c_str(), compressed(to).c_str());
  }
  const auto newest = rotated(settings_.path, 1);
  ::unlink(compressed(newest).c_str());
  if (::rename(settings_.path.c_str(), newest.c_str()) < 0) {
    throw Error::from_errno(errno, "rename {}", quote(settings_.path));
  }
  open();
  if (settings_.compress) compress_rotated();
}

void LogFile::compress_rotated() {
  const auto newest = rotated(settings_.path, 1);
  compressor_ = ::fork();
  if (compressor_ == 0) run_compressor(newest);
  if (compressor_ < 0) throw Error::from_errno(errno, "start compression of {}", quote(newest));
}

void LogFile::abandon_compression() noexcept {
  if (compressor_ <= 0) return;
  ::kill(compressor_, SIGKILL);
  ::waitpid(compressor_, nullptr, 0);
  compressor_ = -1;
  const auto newest = rotated(settings_.path, 1);
  ::unlink(half_compressed(newest).c_str());
  // Killed between its two last steps: the compressed file is whole, the plain one goes.
  if (::access(compressed(newest).c_str(), F_OK) == 0) ::unlink(newest.c_str());
}

void LogFile::child_ended(pid_t pid) noexcept {
  if (pid == compressor_) compressor_ = -1;
}

}  // namespace berth::shim

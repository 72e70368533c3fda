#include "shim/monitor/log_writer.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <optional>

#include "base/error.hpp"
#include "shim/monitor/log_file.hpp"

namespace berth::shim {
namespace {

/// Of the pipe, if the kernel's limit for users allows it; the kernel takes memory only for what is in it.
constexpr int pipe_size = 256 << 10;

void reap_compressors(LogFile& file) {
  for (pid_t pid = 0; (pid = ::waitpid(-1, nullptr, WNOHANG)) > 0;) file.child_ended(pid);
}

/// Appends whole lines, rotating between two of them.
void append_lines(LogFile& file, std::string_view lines) {
  while (!lines.empty()) {
    std::size_t size = 0;
    while (size < lines.size() && !file.is_full(size)) size = lines.find('\n', size) + 1;
    if (size > 0) file.append(lines.substr(0, size));
    lines.remove_prefix(size);
    if (file.is_full(0)) file.rotate();
  }
}

/// The life of the writing process: until the pipe ends, which it does too when the monitor is killed.
void write_from(FdRef pipe, LogFile& file) {
  std::string pending;
  std::array<char, 64 << 10> buffer;
  for (;;) {
    const auto count = read_some(pipe, buffer);
    if (count == 0) return;
    pending.append(buffer.data(), count);
    const auto whole = pending.rfind('\n') + 1;
    try {
      append_lines(file, std::string_view{pending}.substr(0, whole));
    } catch (const Error&) {
      // These lines are lost, and the next ones may find room again. The monitor cannot be told; a disk that is full
      // shows itself elsewhere too.
    }
    pending.erase(0, whole);
    reap_compressors(file);
  }
}

[[noreturn]] void run_writer(int pipe, std::optional<LogFile>& file) noexcept {
  // Nothing of the monitor's stays open, above all not the container's pipes and the clients' connections.
  const int low = std::min(pipe, file->descriptor().get());
  const int high = std::max(pipe, file->descriptor().get());
  if (low > 3) ::close_range(3, static_cast<unsigned>(low) - 1, 0);
  if (high > low + 1) ::close_range(static_cast<unsigned>(low) + 1, static_cast<unsigned>(high) - 1, 0);
  ::close_range(static_cast<unsigned>(high) + 1, ~0U, 0);
  ::signal(SIGCHLD, SIG_DFL);  // the monitor's handler writes to a descriptor that is closed now
  try {
    write_from(FdRef{pipe}, *file);
  } catch (...) {
    ::_exit(EXIT_FAILURE);
  }
  file.reset();  // ends a compression: nobody is left to hear of it
  ::_exit(EXIT_SUCCESS);
}

}  // namespace

LogWriter::LogWriter(Loop& loop, const LogSettings& settings, Warn warn)
    : warn_(std::move(warn)),
      encoder_(settings.attrs),
      queue_(static_cast<std::size_t>(std::max<std::int64_t>(settings.max_buffer_size, 0))),
      lost_(warn_, "the buffer is full of lines for the disk") {
  std::optional<LogFile> file{std::in_place, settings};
  auto pipe = make_pipe();
  ::fcntl(pipe.write_end.get(), F_SETPIPE_SZ, pipe_size);
  set_nonblocking(pipe.write_end, true);
  process_ = ::fork();
  if (process_ == 0) run_writer(pipe.read_end.get(), file);
  if (process_ < 0) throw Error::from_errno(errno, "start a writer of the log");
  pipe_ = std::move(pipe.write_end);
  watch_ = std::make_unique<Watch>(loop, pipe_, [this](std::uint32_t) { flush(); });
}

LogWriter::~LogWriter() {
  if (process_ < 0) return;
  ::kill(process_, SIGKILL);
  // Not awaited: on a disk that stalls a process does not even die.
}

void LogWriter::add(const LogEntry& entry) {
  line_.clear();
  encoder_.append(line_, entry);
  if (queue_.is_full_for(line_.size())) {
    lost_.add(1);
    return;
  }
  queue_.push(line_);
}

void LogWriter::flush() {
  while (!queue_.empty() && pipe_) {
    const auto bytes = queue_.all().substr(sent_);
    const auto count = ::write(pipe_.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) break;
    if (count < 0) {
      warn_("log lines are lost: the writer has ended");
      watch_->clear();
      pipe_.reset();
      return;
    }
    sent_ += static_cast<std::size_t>(count);
    while (!queue_.empty() && sent_ >= queue_.front().size()) {
      sent_ -= queue_.front().size();
      queue_.pop();
    }
  }
  if (!pipe_) return;
  if (!queue_.empty()) return watch_->set(EPOLLOUT);
  watch_->clear();
  if (finishing_) pipe_.reset();  // the process ends once it has written what is in the pipe
}

void LogWriter::finish() {
  if (std::exchange(finishing_, true)) return;
  lost_.tell();
  flush();
}

void LogWriter::child_ended(pid_t pid) noexcept {
  if (pid == process_) process_ = -1;
}

}  // namespace berth::shim

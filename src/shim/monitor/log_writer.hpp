// A log file that is written without waiting for the disk.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>

#include "base/fd.hpp"
#include "shim/bundle.hpp"
#include "shim/monitor/json_log.hpp"
#include "shim/monitor/log_entry.hpp"
#include "shim/monitor/loop.hpp"
#include "shim/monitor/loss_report.hpp"
#include "shim/monitor/message_queue.hpp"

namespace berth::shim {

/// For the non-blocking mode: a process of its own writes and rotates the file, because a write to a file cannot be
/// told not to wait. Lines that the disk does not take wait in a bounded queue here and in the pipe to that process;
/// when the queue is full, new ones are dropped.
class LogWriter {
 public:
  using Warn = std::function<void(const std::string& message)>;

  /// `settings` outlives this. Opens the file, so that a fault is known at once.
  LogWriter(Loop& loop, const LogSettings& settings, Warn warn);
  /// Kills the process if it has not ended.
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  /// Queues a line; `flush` hands it on.
  void add(const LogEntry& entry);
  void flush();

  /// No line will come any more.
  void finish();
  /// True once all lines are in the file.
  [[nodiscard]] bool is_done() const noexcept { return process_ < 0; }

  /// Tells that a child process has been reaped, which may be this one.
  void child_ended(pid_t pid) noexcept;

 private:
  Warn warn_;
  JsonEncoder encoder_;
  MessageQueue queue_;
  std::string line_;      ///< room for the next one
  std::size_t sent_ = 0;  ///< bytes of the queue's first line
  LossReport lost_;
  bool finishing_ = false;
  pid_t process_ = -1;
  UniqueFd pipe_;
  std::unique_ptr<Watch> watch_;
};

}  // namespace berth::shim

// What becomes of a container's output: a file, a receiver, or both.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "shim/bundle.hpp"
#include "shim/monitor/json_log.hpp"
#include "shim/monitor/log_entry.hpp"
#include "shim/monitor/log_lines.hpp"
#include "shim/monitor/log_writer.hpp"
#include "shim/monitor/loop.hpp"
#include "shim/monitor/receiver.hpp"

namespace berth::shim {

/// Cuts output into entries and gives each to where the settings want it. Nothing of it throws once the container runs:
/// a fault costs lines, and is told once.
class ContainerLog {
 public:
  using Warn = std::function<void(const std::string& message)>;

  /// `settings` outlives this.
  ContainerLog(Loop& loop, const LogSettings& settings, Warn warn);

  /// Before the container is made: connects to the receiver, if there is one. Throws if that fails.
  void connect();
  /// Before the first output, but not on the path of the start: opens the file, if one is kept. Throws if that fails.
  void open_file();

  /// Adds output of one stream; without a receiver and the non-blocking mode, its complete lines are in the file on
  /// return.
  void write(Stream stream, std::string_view bytes, Time time);
  /// Adds what is left of a stream's last line.
  void end(Stream stream, Time time);

  /// True while the container has to wait.
  [[nodiscard]] bool is_blocked() const { return receiver_ && receiver_->is_blocked(); }

  /// No output will come any more.
  void finish();
  /// True once everything is where it should be, or cannot get there.
  [[nodiscard]] bool is_done() const;

  /// Gives up what is not yet there, and lets the receiver go.
  void close() noexcept;

  /// Call after each event.
  void step();
  /// When `step` is to be called without one.
  [[nodiscard]] std::optional<std::chrono::milliseconds> timeout() const;

  void child_ended(pid_t pid) noexcept;

 private:
  void add(const LogEntry& entry);
  void flush();
  template <class Function>
  void to_file(Function function);

  Loop& loop_;
  const LogSettings& settings_;
  Warn warn_;
  LogLines lines_;
  std::optional<JsonLog> file_;
  std::optional<LogWriter> writer_;  ///< of the file, in the non-blocking mode
  std::optional<Receiver> receiver_;
  bool file_is_broken_ = false;
};

}  // namespace berth::shim

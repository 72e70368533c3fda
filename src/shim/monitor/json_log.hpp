// Docker's json-file format, written.
#pragma once

#include <string>
#include <string_view>

#include "shim/bundle.hpp"
#include "shim/monitor/log_entry.hpp"
#include "shim/monitor/log_file.hpp"
#include "shim/monitor/log_lines.hpp"

namespace berth::shim {

/// Appends `text` as a JSON string the way Go does: <, > and & are escaped.
///
/// A byte that is no UTF-8 becomes half a surrogate pair, \udc80 to \udcff: valid JSON that other programs read as a
/// replacement character, as Docker writes at once, and that our reader makes the same byte of again.
void append_json_string(std::string& out, std::string_view text);

/// Keeps one JSON object for each line that a container writes.
class JsonLog {
 public:
  explicit JsonLog(const LogSettings& settings);

  /// Adds output of one stream; complete lines are in the file on return. Throws if they cannot be written: they are
  /// lost.
  void write(Stream stream, std::string_view bytes, Time time);
  /// Writes what is left of a stream's last line.
  void end(Stream stream, Time time);

  void child_ended(pid_t pid) noexcept { file_.child_ended(pid); }

 private:
  void add(const LogEntry& entry);
  void flush();

  LogFile file_;
  std::string attrs_;  ///< "\"attrs\":{...}," or nothing
  LogLines lines_;
  TimeWriter times_;
  std::string batch_;  ///< encoded, not yet written
};

}  // namespace berth::shim

// Docker's json-file format, written.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "shim/bundle.hpp"
#include "shim/monitor/log_entry.hpp"
#include "shim/monitor/log_file.hpp"

namespace berth::shim {

/// Appends `text` as a JSON string the way Go does: <, > and & are escaped.
///
/// A byte that is no UTF-8 becomes half a surrogate pair, \udc80 to \udcff: valid JSON that other programs read as a
/// replacement character, as Docker writes at once, and that our reader makes the same byte of again.
void append_json_string(std::string& out, std::string_view text);

/// One JSON object for each entry, a line each.
class JsonEncoder {
 public:
  explicit JsonEncoder(const std::map<std::string, std::string>& attrs);

  void append(std::string& out, const LogEntry& entry);

 private:
  std::string attrs_;  ///< "\"attrs\":{...}," or nothing
  TimeWriter times_;
};

/// Keeps entries in a file. What throws has lost what was not yet flushed.
class JsonLog {
 public:
  explicit JsonLog(const LogSettings& settings) : file_(settings), encoder_(settings.attrs) {}

  void add(const LogEntry& entry);
  /// Writes what was added.
  void flush();

  void child_ended(pid_t pid) noexcept { file_.child_ended(pid); }

 private:
  LogFile file_;
  JsonEncoder encoder_;
  std::string batch_;  ///< encoded, not yet written
};

}  // namespace berth::shim

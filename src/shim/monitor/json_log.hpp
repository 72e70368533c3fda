// Docker's json-file format, written.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "shim/bundle.hpp"
#include "shim/monitor/log_file.hpp"

namespace berth::shim {

enum class Stream { out = 1, err = 2 };  // the numbers of the stream headers

/// Appends `text` as a JSON string the way Go does: <, > and & escaped, each invalid byte of UTF-8 as \ufffd.
void append_json_string(std::string& out, std::string_view text);

/// Cuts what a container writes into lines and keeps one JSON object for each.
///
/// As Docker does, a line longer than 16 KiB becomes several entries of which only the last has its newline, all with
/// the time of the first; a last line without newline is kept without one.
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
  /// A line of which the end has not come yet.
  struct Line {
    std::string begin;
    bool split = false;  ///< earlier pieces of it are written
    std::string time;    ///< of the first piece
  };

  void add_entry(Stream stream, Line& line, std::string_view rest, bool complete);
  void flush();

  LogFile file_;
  std::string attrs_;  ///< "\"attrs\":{...}," or nothing
  std::array<Line, 2> lines_;
  std::string time_;   ///< of the entries being added
  std::string batch_;  ///< encoded, not yet written
};

}  // namespace berth::shim

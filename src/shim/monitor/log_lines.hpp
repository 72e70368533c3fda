// Cuts what a container writes into the entries of its log.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <string_view>

#include "shim/monitor/log_entry.hpp"

namespace berth::shim {

/// As Docker does, a line longer than 16 KiB becomes several entries, all with the time of the first; a last line
/// without newline is kept without one. Beyond Docker, each line has a time of its own, later than the one before: a
/// reader that knows the time of the last line it has got can go on behind it.
class LogLines {
 public:
  using Sink = std::function<void(const LogEntry& entry)>;

  /// Gives the sink the entries that are complete with these bytes.
  void write(Stream stream, std::string_view bytes, Time time, const Sink& sink);
  /// Gives the sink what is left of a stream's last line.
  void end(Stream stream, Time time, const Sink& sink);

 private:
  /// A line of which the end has not come yet.
  struct Line {
    std::string begin;
    std::string partial_id;
    int pieces = 0;  ///< of it that have been given to the sink
    Time time;       ///< of the first piece
  };

  void add(Stream stream, Line& line, std::string_view rest, bool complete, bool last, const Sink& sink);

  std::array<Line, 2> lines_;
  Time time_ = Time::min();  ///< the earliest that the next line may have
};

}  // namespace berth::shim

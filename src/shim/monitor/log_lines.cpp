#include "shim/monitor/log_lines.hpp"

#include <algorithm>

#include "base/id.hpp"

namespace berth::shim {
namespace {

constexpr std::size_t max_line = 16 << 10;

}  // namespace

void LogLines::write(Stream stream, std::string_view bytes, Time time, const Sink& sink) {
  auto& line = lines_.at(stream == Stream::out ? 0 : 1);
  time_ = std::max(time_, time);
  while (!bytes.empty()) {
    const auto room = max_line - line.begin.size();
    const auto newline = bytes.substr(0, room).find('\n');
    if (newline != std::string_view::npos) {
      add(stream, line, bytes.substr(0, newline), true, true, sink);
      bytes.remove_prefix(newline + 1);
    } else if (bytes.size() >= room) {
      add(stream, line, bytes.substr(0, room), false, false, sink);
      bytes.remove_prefix(room);
    } else {
      line.begin += bytes;
      break;
    }
  }
}

void LogLines::end(Stream stream, Time time, const Sink& sink) {
  auto& line = lines_.at(stream == Stream::out ? 0 : 1);
  time_ = std::max(time_, time);
  if (!line.begin.empty()) add(stream, line, {}, false, true, sink);
}

void LogLines::add(Stream stream, Line& line, std::string_view rest, bool complete, bool last, const Sink& sink) {
  if (line.pieces == 0) {
    line.time = time_;
    time_ += std::chrono::nanoseconds{1};
    if (!last) line.partial_id = random_hex(32);
  }
  const bool in_pieces = line.pieces > 0 || !last;
  if (in_pieces) ++line.pieces;
  sink({.stream = stream,
        .text = line.begin.empty() ? rest : line.begin.append(rest),
        .complete = complete,
        .time = line.time,
        .partial_id = in_pieces ? std::string_view{line.partial_id} : std::string_view{},
        .ordinal = line.pieces,
        .last = last});
  line.begin.clear();
  if (last) {
    line.partial_id.clear();
    line.pieces = 0;
  }
}

}  // namespace berth::shim

// What a container's log is made of.
#pragma once

#include <string_view>

#include "base/time.hpp"

namespace berth::shim {

enum class Stream { out = 1, err = 2 };  // the numbers of the stream headers

/// A line of output, or a piece of a long one.
struct LogEntry {
  Stream stream = Stream::out;
  std::string_view text;        ///< without the newline
  bool complete = true;         ///< the line ends with this, by a newline
  Time time;                    ///< of the line's beginning; no two lines have the same
  std::string_view partial_id;  ///< what the pieces of one line have in common; empty: it is in one piece
  int ordinal = 0;              ///< of a piece, from 1
  bool last = true;             ///< no piece of this line follows
};

}  // namespace berth::shim

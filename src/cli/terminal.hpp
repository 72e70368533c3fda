// The terminal we were started on.
#pragma once

#include <termios.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/fd.hpp"

namespace berth::cli {

struct TerminalSize {
  unsigned short rows = 0;
  unsigned short columns = 0;
};

bool is_terminal(FdRef fd);
std::optional<TerminalSize> find_terminal_size(FdRef fd);

/// Keys go to the container as they are typed, until this ends.
class RawMode {
 public:
  RawMode() = default;
  explicit RawMode(FdRef terminal);
  RawMode(RawMode&& other) noexcept : terminal_(other.terminal_), saved_(std::exchange(other.saved_, std::nullopt)) {}
  RawMode& operator=(RawMode&& other) noexcept;
  RawMode(const RawMode&) = delete;
  RawMode& operator=(const RawMode&) = delete;
  ~RawMode() { restore(); }

  void restore() noexcept;

 private:
  FdRef terminal_{-1};
  std::optional<termios> saved_;
};

/// "ctrl-p,ctrl-q" or "a,b" as bytes; throws `invalid` on an unknown key.
std::string parse_detach_keys(std::string_view text);

/// Finds the detach keys in what is typed, across pieces.
class DetachFilter {
 public:
  explicit DetachFilter(std::string keys) : keys_(std::move(keys)) {}

  /// What to send of `typed`: a possible start of the sequence is held back until it is decided.
  std::string pass(std::string_view typed);
  [[nodiscard]] bool detached() const { return detached_; }

 private:
  std::string keys_;
  std::size_t matched_ = 0;
  bool detached_ = false;
};

}  // namespace berth::cli

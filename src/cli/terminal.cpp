#include "cli/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.hpp"
#include "base/strings.hpp"

namespace berth::cli {

bool is_terminal(FdRef fd) {
  return ::isatty(fd.get()) == 1;
}

std::optional<TerminalSize> find_terminal_size(FdRef fd) {
  winsize size{};
  if (::ioctl(fd.get(), TIOCGWINSZ, &size) < 0) return std::nullopt;
  return TerminalSize{size.ws_row, size.ws_col};
}

RawMode::RawMode(FdRef terminal) : terminal_(terminal) {
  termios mode{};
  if (::tcgetattr(terminal.get(), &mode) < 0) throw Error::from_errno(errno, "read the terminal's mode");
  saved_ = mode;
  ::cfmakeraw(&mode);
  if (::tcsetattr(terminal.get(), TCSADRAIN, &mode) < 0) throw Error::from_errno(errno, "set the terminal's mode");
}

RawMode& RawMode::operator=(RawMode&& other) noexcept {
  if (this != &other) {
    restore();
    terminal_ = other.terminal_;
    saved_ = std::exchange(other.saved_, std::nullopt);
  }
  return *this;
}

void RawMode::restore() noexcept {
  if (saved_) ::tcsetattr(terminal_.get(), TCSADRAIN, &*saved_);
  saved_.reset();
}

std::string parse_detach_keys(std::string_view text) {
  std::string keys;
  for (const auto& name : split(text, ',')) {
    if (name.size() == 1) {
      keys += name;
    } else if (name == "DEL") {
      keys += '\x7f';
    } else if (name.size() == 6 && name.starts_with("ctrl-")) {
      constexpr std::string_view symbols = "@abcdefghijklmnopqrstuvwxyz[\\]^_";
      const auto code = symbols.find(to_lower(name.substr(5))[0]);
      if (code == std::string_view::npos) throw Error{Kind::invalid, "unknown character: '{}'", name};
      keys += static_cast<char>(code);
    } else {
      throw Error{Kind::invalid, "unknown character: '{}'", name};
    }
  }
  return keys;
}

std::string DetachFilter::pass(std::string_view typed) {
  std::string passed;
  for (const char key : typed) {
    if (key != keys_[matched_]) {
      passed += keys_.substr(0, matched_);
      matched_ = 0;
    }
    if (key != keys_[matched_]) {
      passed += key;
    } else if (++matched_ == keys_.size()) {
      detached_ = true;
      break;
    }
  }
  return passed;
}

}  // namespace berth::cli

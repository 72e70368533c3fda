#include "containers/signals.hpp"

#include <csignal>

#include "base/error.hpp"
#include "base/strings.hpp"

namespace berth::containers {
namespace {

// The kernel's real-time range, not glibc's, which keeps two for itself: containers count as Docker does.
constexpr int first_realtime = 34;
constexpr int last_realtime = 64;

int find_by_name(std::string_view name) {
  for (int number = 1; number < 32; ++number) {
    const char* known = ::sigabbrev_np(number);
    if (known != nullptr && name == known) return number;
  }
  if (name == "IOT") return SIGABRT;
  if (name == "CLD") return SIGCHLD;
  if (name == "IO") return SIGIO;
  if (name == "STKFLT") return 16;
  if (name == "RTMIN") return first_realtime;
  if (name == "RTMAX") return last_realtime;
  int number = 0;
  if (name.starts_with("RTMIN+")) number = first_realtime + parse_number<int>(name.substr(6)).value_or(-100);
  if (name.starts_with("RTMAX-")) number = last_realtime - parse_number<int>(name.substr(6)).value_or(100);
  return number >= first_realtime && number <= last_realtime ? number : 0;
}

}  // namespace

int parse_signal(std::string_view text) {
  if (const auto number = parse_number<int>(text)) {
    if (*number >= 1 && *number <= last_realtime) return *number;
    if (*number != 0) throw Error{Kind::invalid, "the linux daemon does not support signal {}", *number};
  } else {
    const std::string upper = to_upper(text);
    std::string_view name = upper;
    if (name.starts_with("SIG")) name.remove_prefix(3);
    if (const int found = find_by_name(name); found != 0) return found;
  }
  throw Error{Kind::invalid, "invalid signal: {}", text};
}

}  // namespace berth::containers

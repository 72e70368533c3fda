// Wall-clock times as the Engine API writes them.
#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace berth {

/// UTC, nanoseconds.
using Time = std::chrono::sys_time<std::chrono::nanoseconds>;

/// The present time.
Time now();

/// RFC 3339 with nanoseconds, trailing zeros dropped as Go's time.RFC3339Nano does: "2026-11-21T07:51:53.123456789Z".
std::string to_rfc3339(Time time);

/// With exactly nine digits, as `docker logs --timestamps` prints.
std::string to_rfc3339_fixed(Time time);

/// Writes many times that follow each other: the date and the clock are computed once for each second.
class TimeWriter {
 public:
  /// As `to_rfc3339`; valid until the next call.
  std::string_view rfc3339(Time time);
  /// As `to_rfc3339_fixed`; valid until the next call.
  std::string_view rfc3339_fixed(Time time);

 private:
  void write(Time time);

  std::array<char, 31> text_{};  // "2026-11-21T07:51:53.123456789Z"
  std::chrono::sys_seconds second_ = std::chrono::sys_seconds::min();
};

/// What Go writes for a time that was never set.
inline constexpr std::string_view zero_time_text = "0001-01-01T00:00:00Z";

/// RFC 3339, any offset and number of digits; nothing if malformed. The zero time of Go is `Time::min()`.
std::optional<Time> parse_rfc3339(std::string_view text);

/// A `since`/`until` parameter of the Engine API: Unix seconds with an optional fraction ("1700000000.5"), or RFC 3339,
/// or a local date without a zone ("2026-11-21", taken as UTC), or a duration in Go's form before now ("10m", "1h30m").
/// Throws `invalid`, naming the text.
Time parse_timestamp(std::string_view text);

/// A duration in Go's form ("1h30m", "1.5s", "100ms"); nothing if malformed.
std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);

/// As Go prints it: "1m30s", "1.5s", "100ms", "0s".
std::string format_duration(std::chrono::nanoseconds duration);

}  // namespace berth

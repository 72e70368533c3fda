// Sizes and ages as people write and read them, worded as docker words them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.hpp"

namespace berth::cli {

/// Decimal units with `digits` significant ones: 1913 -> "1.913kB" with 4, "1.91kB" with 3.
std::string human_size(double bytes, int digits = 4);
/// Binary units: "23.54GiB".
std::string binary_size(double bytes);

/// "About a minute", "3 hours", "2 weeks".
std::string human_duration(std::chrono::seconds age);
/// human_duration since then, with " ago".
std::string ago(std::int64_t unix_seconds);

/// "2026-11-21 08:22:02 +0000 UTC", in the local zone, as Go's time.Time prints.
std::string go_time(std::int64_t unix_seconds);
/// The same of an RFC 3339 text, in its own zone and with its fraction; another text as it is.
std::string go_time(const std::string& text);
/// RFC 3339 with nine digits in the local zone, as `docker events` prints.
std::string local_rfc3339(Time time);
/// RFC 3339 in whole seconds in the local zone.
std::string local_rfc3339_seconds(std::int64_t unix_seconds);
/// "Fri May 30 12:07:14 2025" of an RFC 3339 text; another text as it is.
std::string ansi_time(const std::string& text);

/// A time as --since and --until take it, as "seconds.nanoseconds" for the daemon; "" stays "". Throws `invalid`.
std::string unix_timestamp(const std::string& text);

/// %g with `digits` significant digits.
std::string significant(double value, int digits);

/// Unicode text cut to `length` characters, the last of which is an ellipsis if something was cut.
std::string ellipsis(std::string_view text, std::size_t length);

/// Characters of the text: what column alignment counts.
std::size_t display_width(std::string_view text);

}  // namespace berth::cli

#include "cli/units.hpp"

#include <array>
#include <cmath>
#include <ctime>

#include "base/error.hpp"
#include "base/strings.hpp"

namespace berth::cli {
namespace {

std::string scaled(double size, double step, const std::array<std::string_view, 9>& units, int digits) {
  std::size_t unit = 0;
  while (size >= step && unit + 1 < units.size()) {
    size /= step;
    ++unit;
  }
  return significant(size, digits) + std::string{units[unit]};
}

std::tm local_time(std::int64_t unix_seconds) {
  const std::time_t clock = unix_seconds;
  std::tm parts{};
  ::localtime_r(&clock, &parts);
  return parts;
}

std::string formatted(const std::tm& parts, const char* format) {
  std::array<char, 128> buffer{};
  return {buffer.data(), std::strftime(buffer.data(), buffer.size(), format, &parts)};
}

/// "Z" or "+02:00".
std::string zone_of(const std::tm& parts) {
  if (parts.tm_gmtoff == 0) return "Z";
  const auto zone = formatted(parts, "%z");
  return zone.substr(0, 3) + ":" + zone.substr(3);
}

std::size_t character_length(char first) {
  const auto byte = static_cast<unsigned char>(first);
  return byte < 0x80 ? 1 : byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
}

}  // namespace

std::string significant(double value, int digits) {
  std::array<char, 64> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.*g", digits, value);
  return buffer.data();
}

std::string human_size(double bytes, int digits) {
  return scaled(bytes, 1000.0, {"B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"}, digits);
}

std::string binary_size(double bytes) {
  return scaled(bytes, 1024.0, {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"}, 4);
}

std::string human_duration(std::chrono::seconds age) {
  const auto seconds = age.count();
  if (seconds < 1) return "Less than a second";
  if (seconds == 1) return "1 second";
  if (seconds < 60) return fmt::format("{} seconds", seconds);
  const auto minutes = seconds / 60;
  if (minutes == 1) return "About a minute";
  if (minutes < 60) return fmt::format("{} minutes", minutes);
  const auto hours = std::lround(static_cast<double>(seconds) / 3600);
  if (hours == 1) return "About an hour";
  if (hours < 48) return fmt::format("{} hours", hours);
  if (hours < 24 * 7 * 2) return fmt::format("{} days", hours / 24);
  if (hours < 24 * 30 * 2) return fmt::format("{} weeks", hours / 24 / 7);
  if (hours < 24 * 365 * 2) return fmt::format("{} months", hours / 24 / 30);
  return fmt::format("{} years", seconds / 3600 / 24 / 365);
}

std::string ago(std::int64_t unix_seconds) {
  const auto then = Time{std::chrono::seconds{unix_seconds}};
  return human_duration(std::chrono::floor<std::chrono::seconds>(now() - then)) + " ago";
}

std::string go_time(std::int64_t unix_seconds) {
  return formatted(local_time(unix_seconds), "%Y-%m-%d %H:%M:%S %z %Z");
}

std::string go_time(const std::string& text) {
  const auto time = parse_rfc3339(text);
  if (!time) return text;
  const std::size_t date = 11;
  const std::size_t zone = text.ends_with('Z') ? 1 : 6;
  auto clock = text.substr(date, text.size() - zone - date);
  if (clock.contains('.')) clock.erase(clock.find_last_not_of('0') + 1);
  if (clock.ends_with('.')) clock.pop_back();
  const auto shown = text.substr(0, 10) + ' ' + clock;
  if (text.ends_with('Z')) return shown + " +0000 UTC";
  const auto parts = local_time(std::chrono::floor<std::chrono::seconds>(*time).time_since_epoch().count());
  const auto offset = text.substr(text.size() - 6, 3) + text.substr(text.size() - 2);
  const bool is_local = formatted(parts, "%z") == offset;
  return fmt::format("{} {} {}", shown, offset, is_local ? formatted(parts, "%Z") : offset);
}

std::string local_rfc3339(Time time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto parts = local_time(seconds.time_since_epoch().count());
  return fmt::format("{}.{:09}{}", formatted(parts, "%Y-%m-%dT%H:%M:%S"), (time - seconds).count(), zone_of(parts));
}

std::string local_rfc3339_seconds(std::int64_t unix_seconds) {
  const auto parts = local_time(unix_seconds);
  return formatted(parts, "%Y-%m-%dT%H:%M:%S") + zone_of(parts);
}

std::string unix_timestamp(const std::string& text) {
  if (text.empty()) return text;
  const auto time = parse_timestamp(text);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  return fmt::format("{}.{:09}", seconds.time_since_epoch().count(), (time - seconds).count());
}

std::string ansi_time(const std::string& text) {
  const auto time = parse_rfc3339(text);
  if (!time) return text;
  const std::time_t clock = std::chrono::floor<std::chrono::seconds>(*time).time_since_epoch().count();
  std::tm parts{};
  ::gmtime_r(&clock, &parts);
  return formatted(parts, "%a %b %e %H:%M:%S %Y");
}

std::string ellipsis(std::string_view text, std::size_t length) {
  std::size_t characters = 0;
  std::size_t cut = 0;  // where the last character that stays ends
  for (std::size_t i = 0; i < text.size(); i += character_length(text[i])) {
    if (++characters == length) cut = i;
  }
  return characters <= length ? std::string{text} : std::string{text.substr(0, cut)} + "…";
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t i = 0; i < text.size(); i += character_length(text[i])) ++width;
  return width;
}

}  // namespace berth::cli

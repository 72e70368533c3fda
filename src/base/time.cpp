#include "base/time.hpp"

#include <ctime>

#include "base/error.hpp"
#include "base/strings.hpp"

namespace berth {
namespace {

using std::chrono::nanoseconds;

constexpr std::size_t whole_seconds_size = 19;  // "2026-11-21T07:51:53"
constexpr std::size_t fixed_size = 30;

struct Parts {
  std::tm tm{};
  long nanos = 0;
};

Parts parts_of(Time time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const std::time_t clock = seconds.time_since_epoch().count();
  Parts parts;
  ::gmtime_r(&clock, &parts.tm);
  parts.nanos = static_cast<long>((time - seconds).count());
  return parts;
}

std::string date_and_time(const std::tm& tm) {
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
                     tm.tm_min, tm.tm_sec);
}

/// Consumes exactly `digits` digits.
std::optional<int> take_number(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  const auto number = parse_number<int>(text.substr(0, digits));
  if (number && *number < 0) return std::nullopt;
  text.remove_prefix(digits);
  return number;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

/// ".123" -> 123,000,000 ns; digits beyond the ninth are cut.
std::optional<long> take_fraction(std::string_view& text) {
  if (!take(text, '.')) return 0;
  long nanos = 0;
  long unit = 100'000'000;
  std::size_t digits = 0;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    nanos += (text.front() - '0') * unit;
    unit /= 10;
    ++digits;
    text.remove_prefix(1);
  }
  if (digits == 0) return std::nullopt;
  return nanos;
}

std::optional<std::chrono::seconds> take_zone(std::string_view& text) {
  if (take(text, 'Z') || take(text, 'z')) return std::chrono::seconds{0};
  if (text.empty() || (text.front() != '+' && text.front() != '-')) return std::nullopt;
  const int sign = text.front() == '-' ? -1 : 1;
  text.remove_prefix(1);
  const auto hours = take_number(text, 2);
  if (!hours || !take(text, ':')) return std::nullopt;
  const auto minutes = take_number(text, 2);
  if (!minutes) return std::nullopt;
  return std::chrono::seconds{sign * (*hours * 3600 + *minutes * 60)};
}

std::optional<std::chrono::sys_days> take_date(std::string_view& text) {
  const auto year = take_number(text, 4);
  if (!year || !take(text, '-')) return std::nullopt;
  const auto month = take_number(text, 2);
  if (!month || !take(text, '-')) return std::nullopt;
  const auto day = take_number(text, 2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year}, std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days{date};
}

/// The local forms that Docker takes without a zone: date, date and hour:minute, or whole seconds.
std::optional<Time> parse_without_zone(std::string_view text) {
  const auto date = take_date(text);
  if (!date) return std::nullopt;
  nanoseconds of_day{0};
  if (take(text, 'T')) {
    const auto hour = take_number(text, 2);
    if (!hour) return std::nullopt;
    of_day += std::chrono::hours{*hour};
    if (take(text, ':')) {
      const auto minute = take_number(text, 2);
      if (!minute) return std::nullopt;
      of_day += std::chrono::minutes{*minute};
      if (take(text, ':')) {
        const auto second = take_number(text, 2);
        const auto fraction = second ? take_fraction(text) : std::nullopt;
        if (!second || !fraction) return std::nullopt;
        of_day += std::chrono::seconds{*second} + nanoseconds{*fraction};
      }
    }
  }
  if (!text.empty()) return std::nullopt;
  return Time{*date} + of_day;
}

std::optional<Time> parse_unix(std::string_view text) {
  const auto dot = text.find('.');
  const auto seconds = parse_number<long>(text.substr(0, dot));
  if (!seconds) return std::nullopt;
  auto rest = dot == std::string_view::npos ? std::string_view{} : text.substr(dot);
  const auto nanos = take_fraction(rest);
  if (!nanos || !rest.empty()) return std::nullopt;
  // Beyond the years that nanoseconds can count (1678 to 2262): the end of time will do.
  constexpr long most_seconds = 9'000'000'000;
  if (*seconds > most_seconds) return Time::max();
  if (*seconds < -most_seconds) return Time::min();
  return Time{std::chrono::seconds{*seconds} + nanoseconds{*nanos}};
}

}  // namespace

Time now() {
  return std::chrono::time_point_cast<nanoseconds>(std::chrono::system_clock::now());
}

std::string to_rfc3339(Time time) {
  if (time == Time::min()) return std::string{zero_time_text};
  const auto parts = parts_of(time);
  std::string text = date_and_time(parts.tm);
  if (parts.nanos != 0) {
    std::string fraction = fmt::format(".{:09}", parts.nanos);
    fraction.erase(fraction.find_last_not_of('0') + 1);
    text += fraction;
  }
  return text + 'Z';
}

std::string to_rfc3339_fixed(Time time) {
  const auto parts = parts_of(time);
  return fmt::format("{}.{:09}Z", date_and_time(parts.tm), parts.nanos);
}

void TimeWriter::write(Time time) {
  const auto second = std::chrono::floor<std::chrono::seconds>(time);
  if (second != second_) {
    date_and_time(parts_of(time).tm).copy(text_.data(), whole_seconds_size);
    second_ = second;
  }
  text_[whole_seconds_size] = '.';
  auto nanos = (time - second).count();
  for (std::size_t at = fixed_size - 2; at > whole_seconds_size; --at, nanos /= 10) {
    text_[at] = static_cast<char>('0' + nanos % 10);
  }
  text_[fixed_size - 1] = 'Z';
}

std::string_view TimeWriter::rfc3339_fixed(Time time) {
  write(time);
  return {text_.data(), fixed_size};
}

std::string_view TimeWriter::rfc3339(Time time) {
  write(time);
  auto end = fixed_size - 1;
  while (text_[end - 1] == '0') --end;
  if (end - 1 == whole_seconds_size) --end;  // no fraction, no point
  text_[end] = 'Z';
  return {text_.data(), end + 1};
}

std::optional<Time> parse_rfc3339(std::string_view text) {
  if (text == zero_time_text) return Time::min();
  const auto date = take_date(text);
  if (!date || !(take(text, 'T') || take(text, 't') || take(text, ' '))) return std::nullopt;
  const auto hour = take_number(text, 2);
  if (!hour || !take(text, ':')) return std::nullopt;
  const auto minute = take_number(text, 2);
  if (!minute || !take(text, ':')) return std::nullopt;
  const auto second = take_number(text, 2);
  if (!second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  const auto fraction = take_fraction(text);
  if (!fraction) return std::nullopt;
  const auto zone = take_zone(text);
  if (!zone || !text.empty()) return std::nullopt;
  // Nanoseconds count from 1678 to 2262.
  const auto year = std::chrono::year_month_day{*date}.year();
  if (year > std::chrono::year{2261}) return Time::max();
  if (year < std::chrono::year{1678}) return Time::min();
  return Time{*date} + std::chrono::hours{*hour} + std::chrono::minutes{*minute} + std::chrono::seconds{*second} +
         nanoseconds{*fraction} - *zone;
}

Time parse_timestamp(std::string_view text) {
  if (const auto time = parse_unix(text)) return *time;
  if (const auto time = parse_rfc3339(text)) return *time;
  if (const auto time = parse_without_zone(text)) return *time;
  if (const auto ago = parse_duration(text)) return now() - *ago;
  throw Error{Kind::invalid, "failed to parse value as time or duration: {}", quote(text)};
}

std::optional<nanoseconds> parse_duration(std::string_view text) {
  struct Unit {
    std::string_view name;
    double nanos;
  };
  constexpr Unit units[] = {{"ns", 1}, {"us", 1e3}, {"µs", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}};
  if (text == "0") return nanoseconds{0};
  double sign = 1;
  if (take(text, '-')) {
    sign = -1;
  } else {
    take(text, '+');
  }
  if (text.empty()) return std::nullopt;
  double total = 0;
  while (!text.empty()) {
    const auto length = std::min(text.find_first_not_of("0123456789."), text.size());
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + length, value);
    if (length == 0 || error != std::errc{} || end != text.data() + length) return std::nullopt;
    text.remove_prefix(length);
    const auto unit_length = std::min(text.find_first_of("0123456789."), text.size());
    const auto name = text.substr(0, unit_length);
    text.remove_prefix(unit_length);
    const Unit* found = nullptr;
    for (const auto& unit : units) {
      if (unit.name == name) found = &unit;
    }
    if (found == nullptr) return std::nullopt;
    total += value * found->nanos;
  }
  constexpr double most_nanos = 9e18;
  if (total > most_nanos) return std::nullopt;
  return nanoseconds{static_cast<long>(sign * total)};
}

std::string format_duration(nanoseconds duration) {
  const auto total = duration.count();
  const std::string sign = total < 0 ? "-" : "";
  const auto nanos = total < 0 ? 0 - static_cast<std::uint64_t>(total) : static_cast<std::uint64_t>(total);
  const auto amount = [](std::uint64_t count, std::uint64_t unit) {
    return fmt::format("{}", static_cast<double>(count) / static_cast<double>(unit));
  };
  if (nanos == 0) return "0s";
  if (nanos < 1'000) return fmt::format("{}{}ns", sign, nanos);
  if (nanos < 1'000'000) return sign + amount(nanos, 1'000) + "µs";
  if (nanos < 1'000'000'000) return sign + amount(nanos, 1'000'000) + "ms";
  const auto minutes = nanos / 60'000'000'000;
  auto text = sign;
  if (minutes >= 60) text += fmt::format("{}h", minutes / 60);
  if (minutes > 0) text += fmt::format("{}m", minutes % 60);
  return text + amount(nanos % 60'000'000'000, 1'000'000'000) + "s";
}

}  // namespace berth

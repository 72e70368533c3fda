#include "base/size.hpp"

#include <charconv>
#include <cmath>

#include "base/error.hpp"
#include "base/strings.hpp"

namespace berth {

std::int64_t parse_size(const std::string& text, int step) {
  const auto bad = [&] { return Error{Kind::invalid, "invalid size: '{}'", text}; };
  const auto digits_end = text.find_last_of("01234567890. ");
  if (digits_end == std::string::npos) throw bad();
  const bool spaced = text[digits_end] == ' ';
  const auto number = text.substr(0, spaced ? digits_end : digits_end + 1);
  auto unit = to_lower(text.substr(digits_end + 1));
  double value = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (error != std::errc{} || end != number.data() + number.size() || value < 0) throw bad();
  if (unit.empty()) unit = "b";
  const auto power = std::string_view{"bkmgtp"}.find(unit[0]);
  const auto suffix = unit.substr(1);
  const bool known = power == 0 ? suffix.empty() : suffix.empty() || suffix == "b" || suffix == "ib";
  if (power == std::string_view::npos || !known) {
    throw Error{Kind::invalid, "invalid suffix: '{}'", text.substr(digits_end + 1)};
  }
  const auto bytes = value * std::pow(step, static_cast<double>(power));
  if (!(bytes < 9e18)) throw bad();  // more than the number holds
  return static_cast<std::int64_t>(bytes);
}

}  // namespace berth

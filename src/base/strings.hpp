// Text helpers that the standard library lacks.
#pragma once

#include <charconv>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace berth {

std::vector<std::string> split(std::string_view text, char separator);

/// "a=b=c" at '=' -> {"a", "b=c"}; nothing if the separator is absent.
std::optional<std::pair<std::string_view, std::string_view>> split_once(std::string_view text, char separator);

template <class Range>
std::string join(const Range& parts, std::string_view separator) {
  std::string joined;
  bool first = true;
  for (const auto& part : parts) {
    if (!first) joined += separator;
    joined += part;
    first = false;
  }
  return joined;
}

std::string_view trim(std::string_view text);
/// What stands between ASCII blanks, any number of them.
std::vector<std::string_view> words_of(std::string_view text);
std::string to_lower(std::string_view text);
std::string to_upper(std::string_view text);
bool equals_ignoring_case(std::string_view left, std::string_view right);

/// The whole text as a decimal (or other base) number; nothing on any other character, sign mismatch or overflow.
template <std::integral Number>
std::optional<Number> parse_number(std::string_view text, int base = 10) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

/// As Go's strconv.ParseBool: "1", "t", "TRUE", "false"...; nothing on another word.
std::optional<bool> parse_bool(std::string_view text);

std::string to_hex(std::string_view bytes);
/// Standard base64 with padding.
std::string to_base64(std::string_view bytes);
std::optional<std::string> from_base64(std::string_view text);

/// `%41` -> `A`; with `plus_is_space` also '+' -> ' ' (query strings). Throws `invalid` on a broken escape.
std::string percent_decode(std::string_view text, bool plus_is_space);
std::string percent_encode(std::string_view text);

/// Length of the valid UTF-8 sequence at the start of `bytes`, which is not empty; 0 if there is none.
std::size_t utf8_length(std::string_view bytes);

/// The bytes as valid UTF-8: each invalid byte becomes U+FFFD, as Go's encoding/json does.
std::string to_valid_utf8(std::string_view bytes);

}  // namespace berth

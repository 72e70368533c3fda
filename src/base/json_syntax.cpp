#include "base/json_syntax.hpp"

#include <optional>

#include <fmt/format.h>

namespace berth::json {
namespace {

constexpr std::string_view digits = "0123456789";
constexpr std::string_view hex_digits = "0123456789abcdefABCDEF";
constexpr int depth_limit = 256;

std::string shown(char character) {
  const auto code = static_cast<unsigned char>(character);
  if (character == '\'') return R"('\'')";
  if (character == '"') return R"('"')";
  if (character == '\\') return R"('\\')";
  if (character == '\n') return R"('\n')";
  if (character == '\r') return R"('\r')";
  if (character == '\t') return R"('\t')";
  if (code >= 0x20 && code < 0x7f) return fmt::format("'{}'", character);
  if (code < 0x80) return fmt::format(R"('\x{:02x}')", code);
  // Go takes the byte for a code point of its own.
  return fmt::format("'{}{}'", static_cast<char>(0xc0 | code >> 6), static_cast<char>(0x80 | (code & 0x3f)));
}

/// Walks over the text by the grammar of RFC 8259 until something does not belong there.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  std::string fault() {
    const bool whole = value(0);
    skip_blanks();
    if (whole && !rest_.empty()) return "unexpected content after JSON";
    return fault_;
  }

 private:
  void skip_blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size())); }

  void skip_digits() { rest_.remove_prefix(std::min(rest_.find_first_not_of(digits), rest_.size())); }

  /// Notes that the next character does not belong here; always false.
  bool refuse(std::string_view where) {
    fault_ = rest_.empty() ? "unexpected EOF" : fmt::format("invalid character {} {}", shown(rest_.front()), where);
    return false;
  }

  bool take(char wanted) {
    if (!rest_.starts_with(wanted)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool take_one_of(std::string_view wanted) {
    if (rest_.empty() || !wanted.contains(rest_.front())) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool value(int depth) {
    skip_blanks();
    if (depth > depth_limit) return false;
    if (rest_.empty()) return refuse("");
    switch (rest_.front()) {
      case '{': return object(depth);
      case '[': return array(depth);
      case '"': return string();
      case 't': return literal("true");
      case 'f': return literal("false");
      case 'n': return literal("null");
      default: return number();
    }
  }

  bool object(int depth) {
    take('{');
    skip_blanks();
    if (take('}')) return true;
    for (;;) {
      skip_blanks();
      if (!rest_.starts_with('"')) return refuse("looking for beginning of object key string");
      if (!string()) return false;
      skip_blanks();
      if (!take(':')) return refuse("after object key");
      if (!value(depth + 1)) return false;
      skip_blanks();
      if (take('}')) return true;
      if (!take(',')) return refuse("after object key:value pair");
    }
  }

  bool array(int depth) {
    take('[');
    skip_blanks();
    if (take(']')) return true;
    for (;;) {
      if (!value(depth + 1)) return false;
      skip_blanks();
      if (take(']')) return true;
      if (!take(',')) return refuse("after array element");
    }
  }

  bool string() {
    take('"');
    for (;;) {
      if (take('"')) return true;
      if (take('\\')) {
        if (!escape()) return false;
      } else if (rest_.empty() || static_cast<unsigned char>(rest_.front()) < 0x20) {
        return refuse("in string literal");
      } else {
        rest_.remove_prefix(1);
      }
    }
  }

  bool escape() {
    if (take_one_of(R"("\/bfnrt)")) return true;
    if (!take('u')) return refuse("in string escape code");
    for (int digit = 0; digit < 4; ++digit) {
      if (!take_one_of(hex_digits)) return refuse(R"(in \u hexadecimal character escape)");
    }
    return true;
  }

  bool literal(std::string_view word) {
    for (const char letter : word) {
      if (!take(letter)) return refuse(fmt::format("in literal {} (expecting {})", word, shown(letter)));
    }
    return true;
  }

  bool number() {
    const bool negative = take('-');
    if (!take('0')) {
      if (!take_one_of(digits)) return refuse(negative ? "in numeric literal" : "looking for beginning of value");
      skip_digits();
    }
    if (take('.')) {
      if (!take_one_of(digits)) return refuse("after decimal point in numeric literal");
      skip_digits();
    }
    if (take_one_of("eE")) {
      take_one_of("+-");
      if (!take_one_of(digits)) return refuse("in exponent of numeric literal");
      skip_digits();
    }
    return true;
  }

  std::string_view rest_;
  std::string fault_;
};

}  // namespace

std::string syntax_fault(std::string_view text) {
  return Scanner{text}.fault();
}

}  // namespace berth::json

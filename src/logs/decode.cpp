#include "logs/decode.hpp"

#include <array>

#include "base/json.hpp"
#include "base/strings.hpp"

namespace berth::logs {
namespace {

constexpr std::size_t second_size = 19;  // "2026-11-21T07:51:53"

bool take(std::string_view& text, std::string_view expected) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(expected.size());
  return true;
}

void append_utf8(std::string& out, unsigned code) {
  const auto low_bits = [&](unsigned shift) { out += static_cast<char>(0x80U | ((code >> shift) & 0x3fU)); };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0U | code >> 6U);
    low_bits(0);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xe0U | code >> 12U);
    low_bits(6);
    low_bits(0);
  } else {
    out += static_cast<char>(0xf0U | code >> 18U);
    low_bits(12);
    low_bits(6);
    low_bits(0);
  }
}

std::optional<unsigned> take_hex(std::string_view& text) {
  if (text.size() < 4) return std::nullopt;
  const auto code = parse_number<unsigned>(text.substr(0, 4), 16);
  text.remove_prefix(4);
  return code;
}

/// What follows "\u".
bool take_code(std::string_view& text, std::string& out) {
  auto code = take_hex(text);
  if (!code) return false;
  if (*code >= 0xdc80 && *code <= 0xdcff) {
    out += static_cast<char>(*code - 0xdc00);  // a byte that was no UTF-8
    return true;
  }
  if (*code >= 0xd800 && *code <= 0xdbff) {
    if (!take(text, "\\u")) return false;
    const auto low = take_hex(text);
    if (!low || *low < 0xdc00 || *low > 0xdfff) return false;
    code = 0x10000 + ((*code - 0xd800) << 10U) + (*low - 0xdc00);
  }
  append_utf8(out, *code);
  return true;
}

bool take_escape(std::string_view& text, std::string& out) {
  if (text.empty()) return false;
  const char c = text.front();
  text.remove_prefix(1);
  switch (c) {
    case 'n': out += '\n'; return true;
    case 'r': out += '\r'; return true;
    case 't': out += '\t'; return true;
    case 'b': out += '\b'; return true;
    case 'f': out += '\f'; return true;
    case '"':
    case '\\':
    case '/': out += c; return true;
    case 'u': return take_code(text, out);
    default: return false;
  }
}

/// A string whose opening quote has been taken; its closing one is taken too.
bool take_string(std::string_view& text, std::string& out) {
  out.clear();
  // Escapes are rare but the newline's, so the quote is looked for first, and backslashes only before it.
  auto quote = text.find('"');
  for (;;) {
    if (quote == std::string_view::npos) return false;
    const auto backslash = text.substr(0, quote).find('\\');
    if (backslash == std::string_view::npos) break;
    out += text.substr(0, backslash);
    text.remove_prefix(backslash + 1);
    const auto before = text.size();
    if (!take_escape(text, out)) return false;
    const auto taken = before - text.size() + backslash + 1;
    quote = quote >= taken ? quote - taken : text.find('"');
  }
  out += text.substr(0, quote);
  text.remove_prefix(quote + 1);
  return true;
}

bool take_attrs(std::string_view& text, std::map<std::string, std::string>& attrs) {
  std::string name;
  do {
    if (!take(text, "\"") || !take_string(text, name) || !take(text, ":\"")) return false;
    if (!take_string(text, attrs[name])) return false;
  } while (take(text, ","));
  return take(text, "},");
}

}  // namespace

std::optional<Time> Decoder::parse_time(std::string_view text) {
  if (text.size() < second_size + 1) return std::nullopt;
  if (text.substr(0, second_size) != second_text_) {
    const auto second = parse_rfc3339(std::string{text.substr(0, second_size)} + 'Z');
    if (!second) return std::nullopt;
    second_text_ = text.substr(0, second_size);
    second_ = *second;
  }
  text.remove_prefix(second_size);
  long nanos = 0;
  if (take(text, ".")) {
    long unit = 100'000'000;
    for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1), unit /= 10) {
      nanos += (text.front() - '0') * unit;
    }
  }
  if (text != "Z") return std::nullopt;
  return second_ + std::chrono::nanoseconds{nanos};
}

bool Decoder::decode_own(std::string_view line, Entry& entry) {
  if (!take(line, "{\"log\":\"") || !take_string(line, entry.bytes)) return false;
  if (take(line, ",\"stream\":\"stdout\",")) {
    entry.stream = Stream::out;
  } else if (take(line, ",\"stream\":\"stderr\",")) {
    entry.stream = Stream::err;
  } else {
    return false;
  }
  entry.attrs.clear();
  if (take(line, "\"attrs\":{") && !take_attrs(line, entry.attrs)) return false;
  if (!take(line, "\"time\":\"") || !line.ends_with("\"}")) return false;
  line.remove_suffix(2);
  const auto time = parse_time(line);
  if (time) entry.time = *time;
  return time.has_value();
}

bool Decoder::decode(std::string_view line, Entry& entry) {
  if (decode_own(line, entry)) return true;
  std::array<unsigned char, 8 << 10> memory;
  boost::json::monotonic_resource resource{memory.data(), memory.size()};
  boost::json::error_code error;
  const auto value = boost::json::parse({line.data(), line.size()}, error, &resource);
  if (error) return false;
  const auto* log = json::find(value, "log");
  const auto* stream = json::find(value, "stream");
  const auto* time = json::find(value, "time");
  if (log == nullptr || !log->is_string() || time == nullptr || !time->is_string()) return false;
  const auto parsed = parse_rfc3339({time->get_string().data(), time->get_string().size()});
  if (!parsed) return false;
  entry.time = *parsed;
  entry.stream =
      stream != nullptr && stream->is_string() && stream->get_string() == "stderr" ? Stream::err : Stream::out;
  entry.bytes.assign(log->get_string().data(), log->get_string().size());
  entry.attrs.clear();
  const auto* attrs = json::find(value, "attrs");
  if (attrs == nullptr || !attrs->is_object()) return true;
  for (const auto& attr : attrs->get_object()) {
    if (attr.value().is_string()) entry.attrs[std::string{attr.key()}] = std::string{attr.value().get_string()};
  }
  return true;
}

}  // namespace berth::logs

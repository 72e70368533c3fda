#include "shim/monitor/json_log.hpp"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <bit>

#include "base/strings.hpp"

namespace berth::shim {
namespace {

/// More than this is not kept after a small write: a container that writes much has its memory at hand for the next.
constexpr std::size_t max_idle_batch = 4 << 10;
constexpr std::size_t large_batch = 8 << 10;

std::string encoded_attrs(const std::map<std::string, std::string>& attrs) {
  if (attrs.empty()) return {};
  std::string text = "\"attrs\":{";
  for (const auto& [name, value] : attrs) {
    if (text.back() != '{') text += ',';
    append_json_string(text, name);
    text += ':';
    append_json_string(text, value);
  }
  return text + "},";
}

bool is_plain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

/// How many bytes at the front of `text` stand for themselves.
std::size_t plain_length(std::string_view text) {
  std::size_t length = 0;
#ifdef __SSE2__
  for (; text.size() - length >= sizeof(__m128i); length += sizeof(__m128i)) {
    const auto bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + length));
    // As signed bytes what is not ASCII is less than a blank too.
    auto special = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20));
    for (const char c : {'"', '\\', '<', '>', '&'}) {
      special = _mm_or_si128(special, _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c)));
    }
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(special));
    if (mask != 0) return length + static_cast<std::size_t>(std::countr_zero(mask));
  }
#endif
  while (length < text.size() && is_plain(text[length])) ++length;
  return length;
}

void append_escaped(std::string& out, char c) {
  constexpr std::string_view digits = "0123456789abcdef";
  switch (c) {
    case '"':
    case '\\':
      out += '\\';
      out += c;
      break;
    case '\n': out += "\\n"; break;
    case '\r': out += "\\r"; break;
    default: {
      const auto byte = static_cast<unsigned char>(c);
      out += "\\u00";
      out += digits[byte >> 4U];
      out += digits[byte & 0xfU];
    }
  }
}

/// The part of `text` that is not ASCII, at its front: one character, or one byte that is none.
std::size_t append_wide(std::string& out, std::string_view text) {
  const auto length = utf8_length(text);
  if (length == 0) {
    constexpr std::string_view digits = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(text.front());
    out += "\\udc";
    out += digits[byte >> 4U];
    out += digits[byte & 0xfU];
    return 1;
  }
  const auto character = text.substr(0, length);
  if (character == "\xe2\x80\xa8") {
    out += "\\u2028";  // line and paragraph separator: valid JSON, but no valid JavaScript
  } else if (character == "\xe2\x80\xa9") {
    out += "\\u2029";
  } else {
    out += character;
  }
  return length;
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const auto plain = plain_length(text);
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    std::size_t taken = 1;
    if (static_cast<unsigned char>(text.front()) < 0x80) {
      append_escaped(out, text.front());
    } else {
      taken = append_wide(out, text);
    }
    text.remove_prefix(taken);
  }
  out += '"';
}

JsonEncoder::JsonEncoder(const std::map<std::string, std::string>& attrs) : attrs_(encoded_attrs(attrs)) {}

void JsonEncoder::append(std::string& out, const LogEntry& entry) {
  out += "{\"log\":";
  append_json_string(out, entry.text);
  if (entry.complete) {
    out.pop_back();
    out += "\\n\"";
  }
  out += entry.stream == Stream::out ? ",\"stream\":\"stdout\"," : ",\"stream\":\"stderr\",";
  out += attrs_;
  out += "\"time\":\"";
  out += times_.rfc3339(entry.time);
  out += "\"}\n";
}

void JsonLog::add(const LogEntry& entry) {
  if (file_.is_full(batch_.size())) {
    flush();
    file_.rotate();
  }
  encoder_.append(batch_, entry);
}

void JsonLog::flush() {
  if (batch_.empty()) return;
  auto lines = std::move(batch_);
  batch_ = {};
  file_.append(lines);
  const bool keep = lines.size() >= large_batch || lines.capacity() <= max_idle_batch;
  lines.clear();
  if (keep) batch_ = std::move(lines);
}

}  // namespace berth::shim

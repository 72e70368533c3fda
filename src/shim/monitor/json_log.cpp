#include "shim/monitor/json_log.hpp"

#include <algorithm>

#include "base/json.hpp"
#include "base/strings.hpp"

namespace berth::shim {
namespace {

constexpr std::size_t max_line = 16 << 10;
constexpr std::size_t max_idle_batch = 4 << 10;

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
    out += "\\ufffd";
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
    const auto plain = static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_plain) - text.begin());
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

JsonLog::JsonLog(const LogSettings& settings) : file_(settings), attrs_(encoded_attrs(settings.attrs)) {}

void JsonLog::write(Stream stream, std::string_view bytes, Time time) {
  auto& line = lines_.at(stream == Stream::out ? 0 : 1);
  time_ = to_rfc3339(time);
  while (!bytes.empty()) {
    const auto room = max_line - line.begin.size();
    const auto newline = bytes.substr(0, room).find('\n');
    if (newline != std::string_view::npos) {
      add_entry(stream, line, bytes.substr(0, newline), true);
      bytes.remove_prefix(newline + 1);
    } else if (bytes.size() >= room) {
      add_entry(stream, line, bytes.substr(0, room), false);
      bytes.remove_prefix(room);
    } else {
      line.begin += bytes;
      break;
    }
  }
  flush();
}

void JsonLog::end(Stream stream, Time time) {
  auto& line = lines_.at(stream == Stream::out ? 0 : 1);
  time_ = to_rfc3339(time);
  if (!line.begin.empty()) add_entry(stream, line, {}, false);
  flush();
}

void JsonLog::add_entry(Stream stream, Line& line, std::string_view rest, bool complete) {
  if (file_.is_full(batch_.size())) {
    flush();
    file_.rotate();
    time_ = to_rfc3339(now());  // a reader tells by their times which entries are in which file
  }
  if (!line.split) line.time = time_;
  batch_ += "{\"log\":";
  append_json_string(batch_, line.begin.empty() ? rest : line.begin.append(rest));
  if (complete) batch_.insert(batch_.size() - 1, "\\n");
  batch_ += stream == Stream::out ? ",\"stream\":\"stdout\"," : ",\"stream\":\"stderr\",";
  batch_ += attrs_;
  batch_ += "\"time\":\"" + line.time + "\"}\n";
  line.begin.clear();
  line.split = !complete;
}

void JsonLog::flush() {
  if (batch_.empty()) return;
  const auto lines = std::move(batch_);
  batch_.clear();
  file_.append(lines);
}

}  // namespace berth::shim

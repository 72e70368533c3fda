#include "shim/monitor/log_fluentd.hpp"

#include <cstdint>

#include "base/id.hpp"

namespace berth::shim {
namespace {

/// Of a chunk's ID; it stands at the end of a message.
constexpr std::size_t chunk_digits = 24;

template <class Number>
void append_number(std::string& out, Number number) {
  for (int shift = static_cast<int>(sizeof number) * 8 - 8; shift >= 0; shift -= 8) {
    out += static_cast<char>((number >> shift) & 0xff);
  }
}

void append_text(std::string& out, std::string_view text) {
  const auto size = text.size();
  if (size < 32) {
    out += static_cast<char>(0xa0U | size);
  } else if (size <= 0xff) {
    out += '\xd9';
    append_number(out, static_cast<std::uint8_t>(size));
  } else if (size <= 0xffff) {
    out += '\xda';
    append_number(out, static_cast<std::uint16_t>(size));
  } else {
    out += '\xdb';
    append_number(out, static_cast<std::uint32_t>(size));
  }
  out += text;
}

void append_member(std::string& out, std::string_view name, std::string_view value) {
  append_text(out, name);
  append_text(out, value);
}

void append_map_of(std::string& out, std::size_t members) {
  if (members < 16) {
    out += static_cast<char>(0x80U | members);
  } else {
    out += '\xde';
    append_number(out, static_cast<std::uint16_t>(members));
  }
}

/// Seconds, or with `exact` fluentd's EventTime: an extension of type 0 with seconds and nanoseconds.
void append_time(std::string& out, Time time, bool exact) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto count = static_cast<std::uint32_t>(seconds.time_since_epoch().count());
  if (!exact) {
    out += '\xce';
    append_number(out, count);
    return;
  }
  out += '\xd7';
  out += '\0';
  append_number(out, count);
  append_number(out, static_cast<std::uint32_t>((time - seconds).count()));
}

}  // namespace

FluentdEncoder::FluentdEncoder(const LogReceiver& settings) : settings_(settings) {
  for (const auto& [name, value] : settings.fields) append_member(fields_, name, value);
}

void FluentdEncoder::append(std::string& out, const LogEntry& entry) const {
  out += '\x94';
  append_text(out, settings_.tag);
  append_time(out, entry.time, settings_.sub_second);
  const bool partial = !entry.partial_id.empty();
  append_map_of(out, settings_.fields.size() + (partial ? 6 : 2));
  out += fields_;
  append_member(out, "source", entry.stream == Stream::out ? "stdout" : "stderr");
  append_member(out, "log", entry.text);
  if (partial) {
    append_member(out, "partial_message", "true");
    append_member(out, "partial_id", entry.partial_id);
    append_member(out, "partial_ordinal", std::to_string(entry.ordinal));
    append_member(out, "partial_last", entry.last ? "true" : "false");
  }
  append_map_of(out, settings_.request_ack ? 1 : 0);
  if (settings_.request_ack) append_member(out, "chunk", random_hex(chunk_digits / 2));
}

std::string FluentdEncoder::acknowledgement(std::string_view message) {
  return std::string{message.substr(message.size() - chunk_digits)};
}

}  // namespace berth::shim

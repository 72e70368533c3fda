#include "shim/monitor/log_journald.hpp"

#include <string_view>

#include "base/id.hpp"

namespace berth::shim {
namespace {

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  if (value.contains('\n')) {
    out += '\n';
    for (unsigned shift = 0; shift < 64; shift += 8) out += static_cast<char>((value.size() >> shift) & 0xffU);
  } else {
    out += '=';
  }
  out += value;
  out += '\n';
}

}  // namespace

JournaldEncoder::JournaldEncoder(const LogReceiver& settings) {
  for (const auto& [name, value] : settings.fields) append_field(fields_, name, value);
  // Docker's own fields too: with them a reader finds the order of messages, and where a run of the container begins.
  append_field(fields_, "CONTAINER_LOG_EPOCH", random_hex(32));
}

void JournaldEncoder::append(std::string& out, const LogEntry& entry) {
  append_field(out, "PRIORITY", entry.stream == Stream::err ? "3" : "6");
  append_field(out, "MESSAGE", entry.text);
  out += fields_;
  append_field(out, "CONTAINER_LOG_ORDINAL", std::to_string(++count_));
  append_field(out, "SYSLOG_TIMESTAMP", to_rfc3339(entry.time));
  if (entry.partial_id.empty()) return;
  append_field(out, "CONTAINER_PARTIAL_ID", entry.partial_id);
  append_field(out, "CONTAINER_PARTIAL_ORDINAL", std::to_string(entry.ordinal));
  append_field(out, "CONTAINER_PARTIAL_LAST", entry.last ? "true" : "false");
  if (!entry.last) append_field(out, "CONTAINER_PARTIAL_MESSAGE", "true");
}

}  // namespace berth::shim

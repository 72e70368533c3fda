// Messages of systemd's journal.
#pragma once

#include <cstdint>
#include <string>

#include "shim/bundle.hpp"
#include "shim/monitor/log_entry.hpp"

namespace berth::shim {

/// The journal's native protocol: one datagram a message, one field a line; a value with a newline in it goes with its
/// length. Source: systemd.io/JOURNAL_NATIVE_PROTOCOL.
class JournaldEncoder {
 public:
  explicit JournaldEncoder(const LogReceiver& settings);

  void append(std::string& out, const LogEntry& entry);

 private:
  std::string fields_;       ///< those that are always the same
  std::uint64_t count_ = 0;  ///< of the messages
};

}  // namespace berth::shim

// Messages of fluentd's forward protocol.
#pragma once

#include <string>
#include <string_view>

#include "shim/bundle.hpp"
#include "shim/monitor/log_entry.hpp"

namespace berth::shim {

/// Message mode: [tag, time, record, options], in msgpack.
/// Source: github.com/fluent/fluentd/wiki/Forward-Protocol-Specification-v1.
class FluentdEncoder {
 public:
  /// `settings` outlives this.
  explicit FluentdEncoder(const LogReceiver& settings);

  void append(std::string& out, const LogEntry& entry) const;

  /// What stands in a receiver's answer to this message, and in no other, once it has it; if `request_ack` is set.
  static std::string acknowledgement(std::string_view message);

 private:
  const LogReceiver& settings_;
  std::string fields_;  ///< the record's members that are always the same
};

}  // namespace berth::shim

// Messages of the syslog protocols.
#pragma once

#include <chrono>
#include <string>

#include "base/time.hpp"
#include "shim/bundle.hpp"
#include "shim/monitor/log_entry.hpp"

namespace berth::shim {

/// The formats that Docker has, each message ended by a newline, on every transport. A piece of a long line is a
/// message like any other.
class SyslogEncoder {
 public:
  /// `settings` outlives this. `pid`: told as the sender's.
  SyslogEncoder(const LogReceiver& settings, int pid);

  void append(std::string& out, const LogEntry& entry);

 private:
  void write_time(Time time);

  const LogReceiver& settings_;
  std::string sender_;  ///< host name, tag and process, as the format has them, up to the text
  std::string time_;    ///< of second_, without its fraction
  std::string zone_;    ///< "+01:00"
  std::chrono::sys_seconds second_ = std::chrono::sys_seconds::min();
};

}  // namespace berth::shim

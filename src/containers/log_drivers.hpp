// The log drivers as the daemon sees them: their options, checked and turned into what a shim is told. Only for this
// folder.
//
// A driver is a row of the table in log_drivers.cpp and a function that fills in LogSettings: log_file_options.cpp
// (json-file, local, and the cache of the others), log_syslog.cpp, log_journald.cpp, log_fluentd.cpp. What names a
// container to its readers is in log_tag.cpp. All of it is a plan: only resolve_receiver and check_receiver, in
// log_address.cpp, look at the host.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "containers/spec.hpp"

namespace berth::containers {

using LogOptions = std::map<std::string, std::string>;

/// One driver. `options`: the names of its own, beside those that every driver has.
struct LogDriver {
  std::string_view name;
  std::vector<std::string_view> options;
  std::string_view unknown_option;  ///< Docker's text, with the option's name for {}
  bool keeps_file = false;          ///< of its own; the others have a cache that `docker logs` reads
  /// Fills in what the driver needs. Throws `invalid` with Docker's text on a wrong value.
  void (*configure)(shim::LogSettings& settings, const LogSubject& subject, const LogOptions& options);
};

/// Null for "none", and for drivers that are not there.
const LogDriver* find_log_driver(std::string_view name);

// Options, as Docker reads them: an empty value is as good as none.

std::optional<std::string> find_option(const LogOptions& options, const std::string& name);
/// strconv.ParseBool; false without a value.
bool flag_option(const LogOptions& options, const std::string& name);

// log_file_options.cpp

void configure_json_file(shim::LogSettings& settings, const LogSubject& subject, const LogOptions& options);
void configure_local(shim::LogSettings& settings, const LogSubject& subject, const LogOptions& options);
/// The file from which logs are read back although they are sent elsewhere: cache-disabled, cache-max-size...
void configure_cache(shim::LogSettings& settings, const LogSubject& subject, const LogOptions& options);
bool has_cache(const LogOptions& options);

// log_syslog.cpp, log_journald.cpp, log_fluentd.cpp

void configure_syslog(shim::LogSettings& settings, const LogSubject& subject, const LogOptions& options);
void configure_journald(shim::LogSettings& settings, const LogSubject& subject, const LogOptions& options);
void configure_fluentd(shim::LogSettings& settings, const LogSubject& subject, const LogOptions& options);

// log_tag.cpp

/// The labels and variables that `labels`, `labels-regex`, `env` and `env-regex` ask for. `rename` makes names that the
/// receiver takes; what it leaves empty is left out.
std::map<std::string, std::string> log_attributes(
    const LogSubject& subject, const LogOptions& options,
    const std::function<std::string(const std::string&)>& rename = nullptr);
/// The option `tag`, or `fallback`, with its fields filled in. Throws `invalid` with Go's text.
std::string log_tag(const LogSubject& subject, const LogOptions& options, const std::string& fallback);
inline constexpr const char* default_log_tag = "{{.ID}}";

}  // namespace berth::containers

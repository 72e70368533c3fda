#include "containers/log_drivers.hpp"

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "base/size.hpp"
#include "base/strings.hpp"
#include "containers/log_address.hpp"

namespace berth::containers {
namespace {

/// What dockerd has and Berth does not.
constexpr std::array missing_drivers = {"gelf", "awslogs", "splunk", "etwlogs", "gcplogs"};

const std::vector<std::string_view> common_options = {"tag", "labels", "labels-regex", "env", "env-regex"};

std::vector<std::string_view> with_common(std::vector<std::string_view> options) {
  options.insert(options.end(), common_options.begin(), common_options.end());
  return options;
}

const std::vector<LogDriver>& driver_table() {
  static const std::vector<LogDriver> table = {
      {.name = "fluentd",
       .options =
           with_common({"fluentd-address", "fluentd-async", "fluentd-async-connect", "fluentd-async-reconnect-interval",
                        "fluentd-buffer-limit", "fluentd-max-retries", "fluentd-request-ack", "fluentd-retry-wait",
                        "fluentd-sub-second-precision", "fluentd-write-timeout"}),
       .unknown_option = "unknown log opt '{}' for fluentd log driver",
       .configure = configure_fluentd},
      {.name = "journald",
       .options = with_common({}),
       .unknown_option = "unknown log opt '{}' for journald log driver",
       .configure = configure_journald},
      {.name = "json-file",
       .options = with_common({"max-file", "max-size", "compress"}),
       .unknown_option = "unknown log opt '{}' for json-file log driver",
       .keeps_file = true,
       .configure = configure_json_file},
      {.name = "local",
       .options = with_common({"max-file", "max-size", "compress"}),
       .unknown_option = "unknown log opt '{}' for log driver local",
       .keeps_file = true,
       .configure = configure_local},
      {.name = "syslog",
       .options = with_common({"syslog-address", "syslog-facility", "syslog-format", "syslog-tls-ca-cert",
                               "syslog-tls-cert", "syslog-tls-key", "syslog-tls-skip-verify"}),
       .unknown_option = "unknown log opt '{}' for syslog log driver",
       .configure = configure_syslog},
  };
  return table;
}

/// Those that every driver takes: how messages wait, and the cache.
bool is_general(std::string_view option) {
  static constexpr std::array names = {"mode",           "max-buffer-size", "cache-disabled",
                                       "cache-max-size", "cache-max-file",  "cache-compress"};
  return std::ranges::find(names, option) != names.end();
}

void set_mode(shim::LogSettings& settings, const LogOptions& options) {
  const auto mode = find_option(options, "mode").value_or("");
  if (!mode.empty() && mode != "blocking" && mode != "non-blocking") {
    throw Error{Kind::invalid, "logger: logging mode not supported: {}", mode};
  }
  settings.non_blocking = mode == "non-blocking";
  const auto size = options.find("max-buffer-size");
  if (size == options.end()) return;
  if (!settings.non_blocking) {
    throw Error{Kind::invalid, "logger: max-buffer-size option is only supported with 'mode=non-blocking'"};
  }
  try {
    settings.max_buffer_size = parse_size(size->second);
  } catch (Error& error) {
    throw error.in("error parsing option max-buffer-size");
  }
}

const LogDriver& known_driver(const std::string& name) {
  if (const auto* driver = find_log_driver(name)) return *driver;
  if (std::ranges::find(missing_drivers, name) != missing_drivers.end()) {
    throw Error{Kind::unsupported, "log driver {} is not there yet: none, {} are", quote(name),
                join(log_driver_names(), ", ")};
  }
  throw Error{Kind::invalid, "logger: no log driver named '{}' is registered", name};
}

void check_names(const LogDriver& driver, const LogOptions& options) {
  for (const auto& [name, value] : options) {
    if (is_general(name) || std::ranges::find(driver.options, name) != driver.options.end()) continue;
    throw Error{Kind::invalid, "{}", fmt::format(fmt::runtime(driver.unknown_option), name)};
  }
}

}  // namespace

const LogDriver* find_log_driver(std::string_view name) {
  const auto& table = driver_table();
  const auto found = std::ranges::find(table, name, &LogDriver::name);
  return found == table.end() ? nullptr : &*found;
}

std::optional<std::string> find_option(const LogOptions& options, const std::string& name) {
  const auto found = options.find(name);
  return found == options.end() || found->second.empty() ? std::nullopt : std::optional{found->second};
}

bool flag_option(const LogOptions& options, const std::string& name) {
  const auto text = find_option(options, name);
  if (!text) return false;
  const auto value = parse_bool(*text);
  if (!value) throw Error{Kind::invalid, "strconv.ParseBool: parsing {}: invalid syntax", quote(*text)};
  return *value;
}

std::vector<std::string> log_driver_names() {
  std::vector<std::string> names;
  for (const auto& driver : driver_table()) names.emplace_back(driver.name);
  return names;
}

shim::LogSettings log_settings(const LogSubject& subject, const LogConfig& chosen) {
  const auto& options = chosen.Config;
  shim::LogSettings settings;
  settings.driver = chosen.Type.empty() ? "json-file" : chosen.Type;
  if (settings.driver == "none") return settings;
  set_mode(settings, options);
  const auto& driver = known_driver(settings.driver);
  check_names(driver, options);
  driver.configure(settings, subject, options);
  if (!driver.keeps_file) configure_cache(settings, subject, options);
  settings.path = log_path(subject.directory, chosen);
  return settings;
}

void check_log_config(const LogConfig& chosen) {
  const Config config;
  const LogSubject somebody{.id = std::string(64, '0'),
                            .name = "name",
                            .image_id = "sha256:" + std::string(64, '0'),
                            .command = {},
                            .config = config,
                            .directory = {}};
  check_receiver(log_settings(somebody, chosen));
}

fs::path log_path(const fs::path& directory, const LogConfig& chosen) {
  if (chosen.Type == "none") return {};
  if (chosen.Type == "local") return directory / (directory.filename().native() + "-local.log");
  const auto* driver = find_log_driver(chosen.Type);
  if (driver == nullptr || driver->keeps_file) return directory / (directory.filename().native() + "-json.log");
  return has_cache(chosen.Config) ? directory / "container-cached.log" : fs::path{};
}

void set_log_defaults(LogConfig& chosen, const LogConfig& defaults) {
  if (chosen.Type.empty()) chosen.Type = defaults.Type;
  for (const auto& [name, value] : defaults.Config) {
    // The cache's are for whichever driver has one.
    if (chosen.Type == defaults.Type || name.starts_with("cache-")) chosen.Config.emplace(name, value);
  }
}

}  // namespace berth::containers

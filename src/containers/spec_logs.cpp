// --log-driver and --log-opt.
#include <algorithm>
#include <array>
#include <cmath>
#include <regex>

#include "base/error.hpp"
#include "base/strings.hpp"
#include "containers/spec_parts.hpp"

namespace berth::containers {
namespace {

// Docker keeps everything for ever in one file, and disks fill up. Bounded by default here.
constexpr std::int64_t default_max_size = 100'000'000;
constexpr int default_max_file = 3;

// Docker's own bounds of the local driver.
constexpr std::int64_t local_max_size = 20 << 20;
constexpr int local_max_file = 5;

constexpr std::array other_drivers = {"syslog",  "journald", "gelf",    "fluentd",
                                      "awslogs", "splunk",   "etwlogs", "gcplogs"};

/// "10m" in units of `base`.
std::int64_t parse_size(const std::string& text, double base) {
  static const std::regex form{R"(^(\d+(?:\.\d+)?) ?([kKmMgGtTpP]?)[iI]?[bB]?$)"};
  std::smatch match;
  if (!std::regex_match(text, match, form)) throw Error{Kind::invalid, "invalid size: '{}'", text};
  constexpr std::string_view units = "kmgtp";
  const auto unit = to_lower(match[2].str());
  const auto power = unit.empty() ? 0.0 : static_cast<double>(units.find(unit[0]) + 1);
  const auto bytes = std::stod(match[1].str()) * std::pow(base, power);
  if (bytes > 9e18) throw Error{Kind::invalid, "invalid size: '{}'", text};
  return static_cast<std::int64_t>(bytes);
}

using Options = std::map<std::string, std::string>;

std::optional<std::string> find(const Options& options, const char* name) {
  const auto found = options.find(name);
  return found == options.end() ? std::nullopt : std::optional{found->second};
}

/// Both modes are the same to a file: what the shim writes there waits for no receiver, so that no buffer stands
/// between, and nothing is dropped.
void check_mode(const Options& options) {
  const auto mode = find(options, "mode").value_or("");
  if (!mode.empty() && mode != "blocking" && mode != "non-blocking") {
    throw Error{Kind::invalid, "logger: logging mode not supported: {}", mode};
  }
  const auto size = find(options, "max-buffer-size");
  if (!size) return;
  if (mode != "non-blocking") {
    throw Error{Kind::invalid, "logger: max-buffer-size option is only supported with 'mode=non-blocking'"};
  }
  try {
    parse_size(*size, 1024);
  } catch (Error& error) {
    throw error.in("error parsing option max-buffer-size");
  }
}

void check_names(const std::string& driver, const Options& options) {
  static constexpr std::array known = {"max-file", "max-size",  "compress", "labels", "labels-regex",
                                       "env",      "env-regex", "tag",      "mode",   "max-buffer-size"};
  for (const auto& [name, value] : options) {
    if (std::ranges::find(known, name) != known.end()) continue;
    if (driver == "local") throw Error{Kind::invalid, "unknown log opt '{}' for log driver local", name};
    throw Error{Kind::invalid, "unknown log opt '{}' for {} log driver", name, driver};
  }
  if (options.contains("tag")) throw Error{Kind::unsupported, "log opt 'tag' is not there yet"};
}

std::int64_t parse_max_size(const std::string& text) {
  return text == "-1" ? 0 : parse_size(text, 1000);  // decimal units, as docker takes them
}

int parse_max_file(const std::string& text) {
  const auto number = parse_number<int>(text);
  if (!number) throw Error{Kind::invalid, "invalid max-file: {}", quote(text)};
  if (*number < 1) throw Error{Kind::invalid, "max-file cannot be less than 1"};
  return *number;
}

bool parse_compress(const std::string& text) {
  if (text == "true" || text == "false") return text == "true";
  throw Error{Kind::invalid, "strconv.ParseBool: parsing {}: invalid syntax", quote(text)};
}

void set_rotation(shim::LogSettings& settings, const Options& options) {
  const auto size = find(options, "max-size");
  const auto file = find(options, "max-file");
  const auto compress = find(options, "compress");
  settings.max_size = size ? parse_max_size(*size) : default_max_size;
  settings.max_file = size || file ? 1 : default_max_file;
  if (file) settings.max_file = parse_max_file(*file);
  const bool rotates = settings.max_file > 1 && settings.max_size > 0;
  settings.compress = compress ? parse_compress(*compress) : rotates && !size && !file;
  if (settings.compress && !rotates) {
    throw Error{Kind::invalid, "compress cannot be true when max-file is less than 2 or max-size is not set"};
  }
}

void set_local_rotation(shim::LogSettings& settings, const Options& options) {
  const auto size = find(options, "max-size");
  const auto file = find(options, "max-file");
  const auto compress = find(options, "compress");
  settings.max_size = size ? parse_max_size(*size) : local_max_size;
  settings.max_file = file ? parse_max_file(*file) : local_max_file;
  settings.compress = compress ? parse_compress(*compress) : true;
  if (settings.compress && settings.max_file < 2) {
    throw Error{Kind::invalid, "compression cannot be enabled when max file count is 1"};
  }
}

std::regex pattern(const std::string& text) {
  try {
    return std::regex{text, std::regex::extended};
  } catch (const std::regex_error&) {
    throw Error{Kind::invalid, "invalid regular expression in log options: {}", quote(text)};
  }
}

/// The labels and variables that are to be in each line.
void set_attributes(shim::LogSettings& settings, const Options& options, const Config& config) {
  auto keep = [&](const char* list, const char* regex, const std::string& name, const std::string& value) {
    const auto names = options.find(list);
    const auto expression = options.find(regex);
    bool wanted = false;
    if (names != options.end()) {
      const auto all = split(names->second, ',');
      wanted = std::ranges::find(all, name) != all.end();
    }
    if (!wanted && expression != options.end()) wanted = std::regex_search(name, pattern(expression->second));
    if (wanted) settings.attrs[name] = value;
  };
  for (const auto& [name, value] : config.Labels) keep("labels", "labels-regex", name, value);
  for (const auto& assignment : config.Env) {
    if (const auto parts = split_once(assignment, '=')) {
      keep("env", "env-regex", std::string{parts->first}, std::string{parts->second});
    }
  }
}

}  // namespace

shim::LogSettings log_settings(const Config& config, const HostConfig& host_config, const fs::path& directory) {
  const auto& [driver, options] = host_config.LogConfig_;
  shim::LogSettings settings;
  settings.driver = driver.empty() ? "json-file" : driver;
  if (settings.driver == "none") return settings;
  check_mode(options);
  if (std::ranges::find(other_drivers, settings.driver) != other_drivers.end()) {
    throw Error{Kind::unsupported, "log driver {} is not there yet: json-file, local and none are",
                quote(settings.driver)};
  }
  if (settings.driver != "json-file" && settings.driver != "local") {
    throw Error{Kind::invalid, "logger: no log driver named '{}' is registered", settings.driver};
  }
  settings.path = log_path(directory, settings.driver);
  check_names(settings.driver, options);
  if (settings.driver == "local") {
    set_local_rotation(settings, options);
  } else {
    set_rotation(settings, options);
  }
  set_attributes(settings, options, config);
  return settings;
}

fs::path log_path(const fs::path& directory, const std::string& driver) {
  return directory / (directory.filename().native() + (driver == "local" ? "-local.log" : "-json.log"));
}

void set_log_defaults(LogConfig& chosen, const LogConfig& defaults) {
  if (chosen.Type.empty()) chosen.Type = defaults.Type;
  if (chosen.Type == defaults.Type) chosen.Config.insert(defaults.Config.begin(), defaults.Config.end());
}

}  // namespace berth::containers

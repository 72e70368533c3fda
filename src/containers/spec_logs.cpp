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

constexpr std::array other_drivers = {"local",   "syslog", "journald", "gelf",   "fluentd",
                                      "awslogs", "splunk", "etwlogs",  "gcplogs"};

/// "10m": decimal units, as docker's --log-opt max-size takes them.
std::int64_t parse_size(const std::string& text) {
  static const std::regex form{R"(^(\d+(?:\.\d+)?) ?([kKmMgGtTpP]?)[iI]?[bB]?$)"};
  std::smatch match;
  if (text == "-1") return 0;
  if (!std::regex_match(text, match, form)) throw Error{Kind::invalid, "invalid size: '{}'", text};
  constexpr std::string_view units = "kmgtp";
  const auto unit = to_lower(match[2].str());
  const auto power = unit.empty() ? 0.0 : static_cast<double>(units.find(unit[0]) + 1);
  const auto bytes = std::stod(match[1].str()) * std::pow(1000.0, power);
  if (bytes > 9e18) throw Error{Kind::invalid, "invalid size: '{}'", text};
  return static_cast<std::int64_t>(bytes);
}

using Options = std::map<std::string, std::string>;

void check_names(const Options& options) {
  static constexpr std::array known = {"max-file", "max-size",  "compress", "labels", "labels-regex",
                                       "env",      "env-regex", "tag",      "mode",   "max-buffer-size"};
  for (const auto& [name, value] : options) {
    if (std::ranges::find(known, name) == known.end()) {
      throw Error{Kind::invalid, "unknown log opt '{}' for json-file log driver", name};
    }
  }
  const auto mode = options.find("mode");
  if (mode != options.end() && mode->second == "non-blocking") {
    throw Error{Kind::unsupported, "log mode non-blocking is not there yet"};
  }
  if (mode != options.end() && mode->second != "blocking" && !mode->second.empty()) {
    throw Error{Kind::invalid, "logger: logging mode not supported: {}", mode->second};
  }
  if (options.contains("tag")) throw Error{Kind::unsupported, "log opt 'tag' is not there yet"};
}

void set_rotation(shim::LogSettings& settings, const Options& options) {
  auto find = [&](const char* name) -> std::optional<std::string> {
    const auto found = options.find(name);
    return found == options.end() ? std::nullopt : std::optional{found->second};
  };
  const auto size = find("max-size");
  const auto file = find("max-file");
  settings.max_size = size ? parse_size(*size) : default_max_size;
  settings.max_file = size || file ? 1 : default_max_file;
  if (file) {
    const auto number = parse_number<int>(*file);
    if (!number) throw Error{Kind::invalid, "invalid max-file: {}", quote(*file)};
    if (*number < 1) throw Error{Kind::invalid, "max-file cannot be less than 1"};
    settings.max_file = *number;
  }
  const auto compress = find("compress");
  if (compress && *compress != "true" && *compress != "false") {
    throw Error{Kind::invalid, "strconv.ParseBool: parsing {}: invalid syntax", quote(*compress)};
  }
  const bool rotates = settings.max_file > 1 && settings.max_size > 0;
  if (compress == "true" && !rotates) {
    throw Error{Kind::invalid, "compress cannot be true when max-file is less than 2 or max-size is not set"};
  }
  settings.compress = compress ? *compress == "true" : rotates && !size && !file;
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

shim::LogSettings log_settings(const Config& config, const HostConfig& host_config, const fs::path& path) {
  const auto& [driver, options] = host_config.LogConfig_;
  shim::LogSettings settings;
  settings.driver = driver.empty() ? "json-file" : driver;
  if (settings.driver == "none") return settings;
  if (settings.driver != "json-file") {
    if (std::ranges::find(other_drivers, settings.driver) != other_drivers.end()) {
      throw Error{Kind::unsupported, "log driver {} is not there yet: json-file and none are", quote(settings.driver)};
    }
    throw Error{Kind::invalid, "logger: no log driver named '{}' is registered", settings.driver};
  }
  settings.path = path;
  check_names(options);
  set_rotation(settings, options);
  set_attributes(settings, options, config);
  return settings;
}

}  // namespace berth::containers

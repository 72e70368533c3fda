// json-file and local, and the cache of drivers that send their messages elsewhere: how files are bounded.
#include "base/error.hpp"
#include "base/size.hpp"
#include "base/strings.hpp"
#include "containers/log_drivers.hpp"

namespace berth::containers {
namespace {

// Docker keeps everything for ever in one file, and disks fill up. Bounded by default here.
constexpr std::int64_t default_max_size = 100'000'000;
constexpr int default_max_file = 3;

// Docker's own bounds of the local driver.
constexpr std::int64_t local_max_size = 20 << 20;
constexpr int local_max_file = 5;

/// "-1": without bound, as Docker's documentation has it. 0 is told as that too.
std::int64_t parse_max_size(const std::string& text) {
  if (text == "-1") return 0;
  const auto bytes = parse_size(text, 1000);
  if (bytes == 0) throw Error{Kind::invalid, "max-size must be a positive number"};
  return bytes;
}

int parse_max_file(const std::string& text) {
  const auto number = parse_number<int>(text);
  if (!number) throw Error{Kind::invalid, "strconv.Atoi: parsing {}: invalid syntax", quote(text)};
  if (*number < 1) throw Error{Kind::invalid, "max-file cannot be less than 1"};
  return *number;
}

/// The local driver's options, which the cache has under other names.
void set_local_bounds(shim::LogSettings& settings, const LogOptions& options, const std::string& prefix) {
  const auto size = find_option(options, prefix + "max-size");
  const auto file = find_option(options, prefix + "max-file");
  settings.max_size = local_max_size;
  settings.max_file = local_max_file;
  try {
    if (size) settings.max_size = parse_max_size(*size);
  } catch (Error& error) {
    throw error.in("invalid value for {}max-size: {}", prefix, *size);
  }
  try {
    if (file) settings.max_file = parse_max_file(*file);
  } catch (Error& error) {
    throw error.in("invalid value for {}max-file: {}", prefix, *file);
  }
  try {
    settings.compress = !find_option(options, prefix + "compress") || flag_option(options, prefix + "compress");
  } catch (Error& error) {
    throw error.in("invalid boolean value for {}compress", prefix);
  }
  if (settings.compress && settings.max_file < 2) {
    throw Error{Kind::invalid, "compression cannot be enabled when max file count is 1"};
  }
}

/// A tag stands beside labels and variables, and only if somebody asked for it.
void set_attributes(shim::LogSettings& settings, const LogSubject& subject, const LogOptions& options) {
  settings.attrs = log_attributes(subject, options);
  if (auto tag = log_tag(subject, options, ""); !tag.empty()) settings.attrs["tag"] = std::move(tag);
}

}  // namespace

void configure_json_file(shim::LogSettings& settings, const LogSubject& subject, const LogOptions& options) {
  const auto size = find_option(options, "max-size");
  const auto file = find_option(options, "max-file");
  settings.max_size = size ? parse_max_size(*size) : default_max_size;
  settings.max_file = size || file ? 1 : default_max_file;
  if (file) settings.max_file = parse_max_file(*file);
  const bool rotates = settings.max_file > 1 && settings.max_size > 0;
  const bool chosen = find_option(options, "compress").has_value();
  settings.compress = chosen ? flag_option(options, "compress") : rotates && !size && !file;
  if (settings.compress && !rotates) {
    throw Error{Kind::invalid, "compress cannot be true when max-file is less than 2 or max-size is not set"};
  }
  set_attributes(settings, subject, options);
}

void configure_local(shim::LogSettings& settings, const LogSubject& subject, const LogOptions& options) {
  set_local_bounds(settings, options, "");
  set_attributes(settings, subject, options);
}

bool has_cache(const LogOptions& options) {
  const auto disabled = find_option(options, "cache-disabled");
  return !disabled || !parse_bool(*disabled).value_or(true);
}

void configure_cache(shim::LogSettings& settings, const LogSubject& subject, const LogOptions& options) {
  const auto disabled = find_option(options, "cache-disabled");
  if (disabled && !parse_bool(*disabled)) {
    throw Error{Kind::invalid, "invalid value for option cache-disabled: {}", *disabled};
  }
  set_local_bounds(settings, options, "cache-");
  set_attributes(settings, subject, options);
}

}  // namespace berth::containers

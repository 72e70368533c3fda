// The daemon's log: a constant phrase, then fields.
//
//   log::info("container started", {{"id", id}, {"image", image}, {"ms", ms}});
//   -> time="2026-11-21T07:51:53.123Z" level=info msg="container started" id=4f1c0e image=busybox ms=9
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace berth::log {

enum class Level { debug, info, warn, error, off };

/// One field of a log line; any value that fmt can print.
struct Field {
  template <class Value>
  Field(std::string_view field_name, const Value& field_value)
      : name(field_name), value(fmt::format("{}", field_value)) {}

  std::string_view name;
  std::string value;
};

using Fields = std::initializer_list<Field>;

/// Lines below `level` are dropped. Default: info. Lines go to standard error.
void set_level(Level level);
/// "debug", "info", "warn", "error", "fatal"; throws `invalid` on another word.
Level parse_level(std::string_view text);

void debug(std::string_view phrase, Fields fields = {});
void info(std::string_view phrase, Fields fields = {});
void warn(std::string_view phrase, Fields fields = {});
void error(std::string_view phrase, Fields fields = {});

}  // namespace berth::log

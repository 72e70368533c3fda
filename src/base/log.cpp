#include "base/log.hpp"

#include <unistd.h>

#include <atomic>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/time.hpp"

namespace berth::log {
namespace {

std::atomic<Level> threshold{Level::info};

std::string_view name_of(Level level) {
  switch (level) {
    case Level::debug: return "debug";
    case Level::info: return "info";
    case Level::warn: return "warning";
    default: return "error";
  }
}

bool needs_quotes(std::string_view value) {
  return value.empty() || value.find_first_of(" \"=\n\t\\") != std::string_view::npos;
}

/// One write per line, so that lines of several threads do not mix.
void write_line(Level level, std::string_view phrase, Fields fields) {
  if (level < threshold.load(std::memory_order_relaxed)) return;
  std::string line = fmt::format("time=\"{}\" level={} msg={}", to_rfc3339_fixed(now()), name_of(level), quote(phrase));
  for (const auto& field : fields) {
    line += fmt::format(" {}={}", field.name, needs_quotes(field.value) ? quote(field.value) : field.value);
  }
  line += '\n';
  const auto ignored = ::write(STDERR_FILENO, line.data(), line.size());
  static_cast<void>(ignored);  // There is nowhere to report that the log is gone.
}

}  // namespace

void set_level(Level level) {
  threshold = level;
}

Level parse_level(std::string_view text) {
  if (text == "debug" || text == "trace") return Level::debug;
  if (text == "info") return Level::info;
  if (text == "warn" || text == "warning") return Level::warn;
  if (text == "error" || text == "fatal" || text == "panic") return Level::error;
  throw Error{Kind::invalid, "invalid log level {}: use debug, info, warn, error or fatal", quote(text)};
}

void debug(std::string_view phrase, Fields fields) {
  write_line(Level::debug, phrase, fields);
}
void info(std::string_view phrase, Fields fields) {
  write_line(Level::info, phrase, fields);
}
void warn(std::string_view phrase, Fields fields) {
  write_line(Level::warn, phrase, fields);
}
void error(std::string_view phrase, Fields fields) {
  write_line(Level::error, phrase, fields);
}

}  // namespace berth::log

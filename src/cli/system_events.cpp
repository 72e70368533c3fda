#include "base/strings.hpp"
#include "base/time.hpp"
#include "cli/commands.hpp"
#include "cli/each.hpp"
#include "cli/formatter.hpp"
#include "cli/inspect.hpp"
#include "cli/units.hpp"

namespace berth::cli {
namespace {

Time time_of(const json::Value& event) {
  if (const auto nanos = number_at(event, "timeNano"); nanos != 0) return Time{std::chrono::nanoseconds{nanos}};
  return Time{std::chrono::seconds{number_at(event, "time")}};
}

/// "2026-11-21T08:20:15.590999448Z image tag sha256:8770... (name=busybox:latest)"
std::string line_of(const json::Value& event) {
  auto line = fmt::format("{} {} {} {}", local_rfc3339(time_of(event)), text_at(event, "Type"),
                          text_at(event, "Action"), text_at(event, "Actor.ID"));
  std::map<std::string, std::string> attributes;
  if (const auto* object = at(event, "Actor.Attributes").if_object()) {
    for (const auto& attribute : *object)
      attributes.emplace(attribute.key(), std::string_view{attribute.value().as_string()});
  }
  std::vector<std::string> pairs;
  for (const auto& [name, value] : attributes) pairs.push_back(fmt::format("{}={}", name, value));
  return pairs.empty() ? line : fmt::format("{} ({})", line, join(pairs, ", "));
}

Failure bad_format(const Error& error) {
  return {64, "Error parsing format: " + error.message()};
}

void check_format(const std::string& format) {
  try {
    if (!format.empty() && format != "json") Template{"", format};
  } catch (const Error& error) {
    throw bad_format(error);
  }
}

std::string rendered(const std::string& format, const json::Value& event) {
  try {
    return render_value(format, event, "");
  } catch (const Error& error) {
    throw bad_format(error);
  }
}

}  // namespace

Command system_events() {
  Command command{"Get real time events from the server"};
  const auto filters =
      command.list("-f,--filter", "Filter output based on conditions provided", "filter", check_filter);
  const auto format = command.text("--format", "", value_format_help);
  const auto since = command.text("--since", "", "Show all events created since timestamp");
  const auto until = command.text("--until", "", "Stream events until this timestamp");
  command.run([=](Session& session) {
    check_format(*format);
    auto stream =
        session.client.system().events(unix_timestamp(*since), unix_timestamp(*until), parse_filters(*filters));
    while (const auto event = stream.next()) {
      session.console.print_line(format->empty() ? line_of(*event) : rendered(*format, *event));
    }
    return 0;
  });
  return command;
}

}  // namespace berth::cli

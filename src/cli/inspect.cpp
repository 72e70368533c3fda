#include "cli/inspect.hpp"

#include "base/strings.hpp"
#include "cli/commands.hpp"
#include "cli/each.hpp"
#include "cli/formatter.hpp"

namespace berth::cli {
namespace {

/// The objects as an indented array, or each through the template.
void show(Session& session, const json::Array& found, const std::string& format) {
  if (format.empty()) return session.console.print_line(found.empty() ? "[]" : json::write_pretty(json::Value(found)));
  if (format == "json") return session.console.print_line(templates::go_json(json::Value(found)));
  std::string out;
  try {
    for (const auto& object : found) out += render_value(format, object, "") + '\n';
  } catch (Error& error) {
    session.console.print(out + '\n');
    throw error.in("template parsing error");
  }
  session.console.print(found.empty() ? "\n" : out);
}

json::Value find_any(Session& session, const std::string& name, bool size) {
  try {
    return session.client.containers().inspect(name, size);
  } catch (const Error& error) {
    if (error.kind() != Kind::not_found) throw;
  }
  try {
    return session.client.images().inspect(name);
  } catch (const Error& error) {
    if (error.kind() != Kind::not_found) throw;
  }
  try {
    return session.client.networks().inspect(name);
  } catch (const Error& error) {
    if (error.kind() != Kind::not_found && error.kind() != Kind::unsupported) throw;
  }
  throw Error{Kind::not_found, "Error: No such object: {}", name};
}

json::Value find_of_type(Session& session, const std::string& type, const std::string& name, bool size) {
  if (type.empty()) return find_any(session, name, size);
  if (type == "container") return session.client.containers().inspect(name, size);
  if (type == "image") return session.client.images().inspect(name);
  if (type == "network") return session.client.networks().inspect(name);
  for (const std::string_view other : {"volume", "plugin", "node", "service", "task", "secret", "config"}) {
    if (type == other) return session.client.call("GET", fmt::format("/{}s/{}", type, percent_encode(name)));
  }
  throw Failure{1, fmt::format("unknown type: {}: must be one of \"config\", \"container\", \"image\", \"network\", "
                               "\"node\", \"plugin\", \"secret\", \"service\", \"task\", \"volume\"",
                               quote(type))};
}

}  // namespace

int inspect_each(Session& session, const std::vector<std::string>& names, const std::string& format,
                 const std::function<json::Value(const std::string&)>& find) {
  if (!format.empty() && format != "json") check_template(format);
  json::Array found;
  std::vector<std::string> failures;
  for (const auto& name : names) {
    try {
      found.push_back(find(name));
    } catch (const Failure&) {
      throw;
    } catch (const Error& error) {
      failures.push_back(error.message());
    }
  }
  show(session, found, format);
  for (const auto& failure : failures) session.console.complain(failure);
  return failures.empty() ? 0 : 1;
}

void check_template(const std::string& format) {
  try {
    const Template parsed{"", format};
  } catch (const Error& error) {
    throw Failure{64, "template parsing error: " + error.message()};
  }
}

Command inspect() {
  Command command{"Return low-level information on Docker objects"};
  const auto format = command.text("-f,--format", "", value_format_help);
  const auto size = command.on_off("-s,--size", "Display total file sizes if the type is container");
  const auto type = command.text("--type", "", "Only inspect objects of the given type");
  const auto names = command.arguments("NAME|ID [NAME|ID...]", {.at_least = 1});
  command.run([=](Session& session) {
    return inspect_each(session, *names, *format,
                        [&](auto& name) { return find_of_type(session, *type, name, *size); });
  });
  return command;
}

Command container_inspect() {
  Command command{"Display detailed information on one or more containers"};
  const auto format = command.text("-f,--format", "", value_format_help);
  const auto size = command.on_off("-s,--size", "Display total file sizes");
  const auto names = command.arguments("CONTAINER [CONTAINER...]", {.at_least = 1});
  command.run([=](Session& session) {
    return inspect_each(session, *names, *format,
                        [&](auto& name) { return session.client.containers().inspect(name, *size); });
  });
  return command;
}

Command network_inspect() {
  Command command{"Display detailed information on one or more networks"};
  const auto format = command.text("-f,--format", "", value_format_help);
  const auto verbose = command.on_off("-v,--verbose", "Verbose output for diagnostics");
  const auto names = command.arguments("NETWORK [NETWORK...]", {.at_least = 1});
  command.run([=](Session& session) {
    return inspect_each(session, *names, *format,
                        [&](auto& name) { return session.client.networks().inspect(name, *verbose); });
  });
  return command;
}

Command image_inspect() {
  Command command{"Display detailed information on one or more images"};
  const auto format = command.text("-f,--format", "", value_format_help);
  const auto names = command.arguments("IMAGE [IMAGE...]", {.at_least = 1});
  command.run([=](Session& session) {
    return inspect_each(session, *names, *format, [&](auto& name) { return session.client.images().inspect(name); });
  });
  return command;
}

}  // namespace berth::cli

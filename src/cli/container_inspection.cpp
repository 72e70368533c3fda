// The short commands that look at one container: diff, export, port, top; and prune.
#include <algorithm>

#include "base/file.hpp"
#include "base/strings.hpp"
#include "cli/commands.hpp"
#include "cli/each.hpp"
#include "cli/formatter.hpp"
#include "cli/ports.hpp"
#include "cli/progress.hpp"
#include "cli/prune.hpp"
#include "cli/save_target.hpp"

namespace berth::cli {
namespace {

/// The lines of `port`: all mappings, or with `wanted` the addresses of one.
std::vector<std::string> port_lines(const json::Value& ports, const std::string& wanted) {
  std::vector<std::string> lines;
  const auto* object = ports.if_object();
  if (object == nullptr) return lines;
  const auto key = wanted.empty() || wanted.contains('/') ? wanted : wanted + "/tcp";
  for (const auto& port : *object) {
    if (!port.value().is_array() || (!key.empty() && std::string_view{port.key()} != key)) continue;
    for (const auto& binding : port.value().get_array()) {
      const auto address = join_host_port(text_at(binding, "HostIp"), text_at(binding, "HostPort"));
      lines.push_back(key.empty() ? fmt::format("{} -> {}", std::string_view{port.key()}, address) : address);
    }
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

}  // namespace

Command container_diff() {
  Command command{"Inspect changes to files or directories on a container's filesystem"};
  const auto names = command.arguments("CONTAINER", {.at_least = 1, .at_most = 1});
  command.run([=](Session& session) {
    constexpr std::string_view kinds = "CAD";
    for (const auto& change : session.client.containers().changes(names->front())) {
      const auto kind = static_cast<std::size_t>(number_at(change, "Kind"));
      session.console.print_line(
          fmt::format("{} {}", kinds.at(std::min<std::size_t>(kind, 2)), text_at(change, "Path")));
    }
    return 0;
  });
  return command;
}

Command container_export() {
  Command command{"Export a container's filesystem as a tar archive"};
  const auto output = command.text("-o,--output", "", "Write to a file, instead of STDOUT");
  const auto names = command.arguments("CONTAINER", {.at_least = 1, .at_most = 1});
  command.run([=](Session& session) {
    refuse_terminal(session, *output, "export");
    auto stream = session.client.containers().export_(names->front());
    save_stream(session, stream, *output);
    return 0;
  });
  return command;
}

Command container_port() {
  Command command{"List port mappings or a specific mapping for the container"};
  const auto words = command.arguments("CONTAINER [PRIVATE_PORT[/PROTO]]", {.at_least = 1, .at_most = 2});
  command.run([=](Session& session) {
    const auto container = session.client.containers().inspect(words->front());
    const auto wanted = words->size() > 1 ? (*words)[1] : "";
    const auto lines = port_lines(at(container, "NetworkSettings.Ports"), wanted);
    if (!wanted.empty() && lines.empty()) {
      throw Failure{1, fmt::format("no public port '{}' published for {}",
                                   wanted.contains('/') ? wanted : wanted + "/tcp", words->front())};
    }
    for (const auto& line : lines) session.console.print_line(line);
    return 0;
  });
  return command;
}

Command container_top() {
  Command command{"Display the running processes of a container"};
  command.flags_first();
  const auto words = command.arguments("CONTAINER [ps OPTIONS]", {.at_least = 1});
  command.run([=](Session& session) {
    const std::vector<std::string> options(words->begin() + 1, words->end());
    const auto answer = session.client.containers().top(words->front(), join(options, " "));
    const auto line_of = [](const json::Value& cells) {
      std::vector<std::string> texts;
      for (const auto& cell : cells.as_array()) texts.emplace_back(cell.as_string());
      return join(texts, "\t");
    };
    std::string text = line_of(answer.at("Titles"));
    for (const auto& process : answer.at("Processes").as_array()) text += '\n' + line_of(process);
    session.console.print(align_columns(text + '\n', 20, 3));
    return 0;
  });
  return command;
}

Command container_prune() {
  return make_prune("Remove all stopped containers", "This will remove all stopped containers.",
                    "Deleted Containers:", [](Session& session, const client::Filters& filters, bool) {
                      const auto answer = session.client.containers().prune(filters);
                      Pruned pruned{.bytes = number_at(answer, "SpaceReclaimed")};
                      if (const auto* ids = at(answer, "ContainersDeleted").if_array()) {
                        for (const auto& id : *ids) pruned.lines.emplace_back(id.as_string());
                      }
                      return pruned;
                    });
}

}  // namespace berth::cli

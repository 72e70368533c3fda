#include "cli/cli.hpp"

#include <algorithm>
#include <cstdlib>

#include "base/fd.hpp"
#include "base/strings.hpp"
#include "cli/commands.hpp"
#include "cli/terminal.hpp"

namespace berth::cli {
namespace {

/// The flags before the command.
struct GlobalFlags {
  List hosts;
  Switch version;
  std::vector<std::string> words;  ///< the command and what follows it
};

struct Found {
  const CommandEntry* entry = nullptr;
  std::string path;       ///< of the group or the top level, as called: "container ls"
  std::size_t words = 0;  ///< how many words it took
};

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

/// Called as "docker" we are docker: messages name the program as the user knows it.
std::string program_name(const std::string& called_as) {
  return called_as.substr(called_as.rfind('/') + 1) == "docker" ? "docker" : "berth";
}

std::size_t help_width(const Console& console) {
  const auto size = find_terminal_size(console.in);
  return (size && size->columns > 0 ? size->columns : 80U) - 1;
}

Found find_command(const std::vector<std::string>& words) {
  for (const std::size_t length : {2U, 1U}) {
    if (words.size() < length) continue;
    const auto path = length == 2 ? words[0] + " " + words[1] : words[0];
    for (const auto& entry : all_commands()) {
      std::string own;  // another spelling is called by the first one in messages
      for (const auto& name : split(entry.names, '|')) {
        if (own.empty() && name.contains(' ') == (length == 2)) own = name;
        if (name == path) return {&entry, own, length};
      }
    }
  }
  return {};
}

const CommandGroup* find_group(std::string_view name) {
  for (const auto& group : all_groups()) {
    if (group.name == name) return &group;
  }
  return nullptr;
}

std::string command_line(std::string_view name, std::string_view summary) {
  return fmt::format("  {:<11} {}\n", name, summary);
}

std::string group_help(const std::string& program, const CommandGroup& group) {
  auto text = fmt::format("Usage:  {} {} COMMAND\n\n{}\n\nCommands:\n", program, group.name, group.summary);
  const auto prefix = std::string{group.name} + ' ';
  for (const auto& entry : all_commands()) {
    if (!entry.names.starts_with(prefix)) continue;
    const auto name = split(entry.names, '|').front().substr(prefix.size());
    text += command_line(name, entry.make().summary());
  }
  return text + fmt::format("\nRun '{} {} COMMAND --help' for more information on a command.\n", program, group.name);
}

/// The global flags as a command, for its parser and its help.
Command global_command(GlobalFlags& flags) {
  Command command{"A self-sufficient runtime for containers"};
  flags.hosts = command.list("-H,--host", "Daemon socket to connect to");
  flags.version = command.on_off("-v,--version", "Print version information and quit");
  // docker's other global flags are taken, and change nothing here.
  command.text("--config", "", "Location of client config files");
  command.hide();
  command.text("-c,--context", "", "Name of the context to use");
  command.hide();
  command.on_off("-D,--debug", "Enable debug mode");
  command.hide();
  command.text("-l,--log-level", "", "Set the logging level");
  command.hide();
  command.arguments("COMMAND [ARG...]", {});
  return command;
}

std::string main_help(const std::string& program, const Console& console) {
  std::map<int, std::string> common;
  std::map<std::string, std::string> others;
  for (const auto& entry : all_commands()) {
    for (const auto& name : split(entry.names, '|')) {
      if (name.contains(' ')) continue;
      const auto line = command_line(name, entry.make().summary());
      (entry.common > 0 ? common[entry.common] : others[name]) = line;
    }
  }
  auto text = fmt::format(
      "Usage:  {} [OPTIONS] COMMAND\n\nA self-sufficient runtime for containers\n\nCommon Commands:\n", program);
  for (const auto& [place, line] : common) text += line;
  text += "\nManagement Commands:\n";
  for (const auto& group : all_groups()) text += command_line(group.name, group.summary);
  text += "\nCommands:\n";
  for (const auto& [name, line] : others) text += line;
  GlobalFlags flags;
  text += "\nGlobal Options:\n" + global_command(flags).options_help(help_width(console));
  return text + fmt::format("\nRun '{} COMMAND --help' for more information on a command.\n", program);
}

/// Flags up to the first word that is a command; throws `Failure` on an unknown one.
GlobalFlags parse_global(const std::string& program, const std::vector<std::string>& arguments, bool& help) {
  GlobalFlags flags;
  auto command = global_command(flags);
  command.flags_first();
  const auto words = command.words();
  help = !command.parse(program, {arguments.begin() + 1, arguments.end()});
  flags.words = *words;
  return flags;
}

client::Client make_client(const GlobalFlags& flags) {
  if (flags.hosts->size() > 1) throw Failure{1, "Specify only one -H"};
  auto host = flags.hosts->empty() ? environment("DOCKER_HOST") : flags.hosts->front();
  if (host.empty()) host = client::default_host;
  const auto version = environment("DOCKER_API_VERSION");
  try {
    return {client::parse_host(host), version.empty() ? std::string{client::api_version} : version};
  } catch (Error& error) {
    throw error.in("Failed to initialize: unable to resolve docker endpoint");
  }
}

int show_group_or_fail(const std::string& program, const std::vector<std::string>& words, const Console& console) {
  const auto* group = find_group(words.front());
  if (group == nullptr) {
    throw Failure{1, fmt::format("{0}: unknown command: {0} {1}\n\nRun '{0} --help' for more information", program,
                                 words.front())};
  }
  const bool only_flags = words.size() == 1 || words[1] == "--help" || words[1] == "-h";
  if (!only_flags) {
    throw Failure{
        1,
        fmt::format("{0}: unknown command: {0} {1} {2}\n\nUsage:  {0} {1}\n\nRun '{0} {1} --help' for more information",
                    program, words[0], words[1])};
  }
  const auto help = group_help(program, *group);
  words.size() == 1 ? write_all(console.err, help) : console.print(help);  // who did not ask for it gets it as docker's
  return 0;
}

int show_help_of(const std::string& program, const Found& found, const Console& console) {
  std::vector<std::string> names;
  for (const auto& name : split(found.entry->names, '|')) names.push_back(program + ' ' + name);
  console.print(found.entry->make().help(program + ' ' + found.path, names, help_width(console)));
  return 0;
}

int dispatch(const std::string& program, const std::vector<std::string>& arguments, const Console& console) {
  bool help = false;
  auto flags = parse_global(program, arguments, help);
  if (*flags.version) {
    console.print(fmt::format("Berth version {}\n", BERTH_VERSION));
    return 0;
  }
  auto& words = flags.words;
  if (!help && !words.empty() && words.front() == "help") {
    words.erase(words.begin());
    help = true;
  }
  if (words.empty()) {
    console.print(main_help(program, console));
    return 0;
  }
  const auto found = find_command(words);
  if (found.entry == nullptr) return show_group_or_fail(program, words, console);
  if (help) return show_help_of(program, found, console);
  auto command = found.entry->make();
  const std::vector<std::string> rest(words.begin() + static_cast<std::ptrdiff_t>(found.words), words.end());
  if (!command.parse(program + ' ' + found.path, rest)) return show_help_of(program, found, console);
  auto client = make_client(flags);
  Session session{console, client, program};
  return command.execute(session);
}

}  // namespace

int run(const std::vector<std::string>& arguments, const Console& console) {
  try {
    return dispatch(program_name(arguments.front()), arguments, console);
  } catch (const Failure& failure) {
    if (!failure.message().empty()) console.complain(failure.message());
    return failure.exit_code();
  } catch (...) {
    console.complain(current_error().message());
    return 1;
  }
}

}  // namespace berth::cli

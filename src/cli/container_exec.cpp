#include <csignal>

#include "cli/attachment.hpp"
#include "cli/commands.hpp"
#include "cli/container_flags.hpp"
#include "cli/each.hpp"
#include "cli/relay.hpp"

namespace berth::cli {
namespace {

struct ExecFlags {
  Switch detach, interactive, privileged, tty;
  Text detach_keys, user, workdir;
  List env, env_files;
};

/// Body of POST /containers/{id}/exec.
json::Value exec_config(const ExecFlags& flags, const std::vector<std::string>& words) {
  json::Object config{{"User", *flags.user},
                      {"Privileged", *flags.privileged},
                      {"Tty", *flags.tty},
                      {"AttachStdin", !*flags.detach && *flags.interactive},
                      {"AttachStdout", !*flags.detach},
                      {"AttachStderr", !*flags.detach},
                      {"Detach", *flags.detach},
                      {"DetachKeys", *flags.detach_keys},
                      {"WorkingDir", *flags.workdir},
                      {"Cmd", json::Array(words.begin() + 1, words.end())}};
  const auto env = read_environment(*flags.env_files, *flags.env);
  if (!env.empty()) config["Env"] = json::Array(env.begin(), env.end());
  return config;
}

/// Body of POST /exec/{id}/start. With the window's size in it a program never sees another one.
json::Value start_config(const Console& console, const ExecFlags& flags) {
  json::Object config{{"Detach", *flags.detach}, {"Tty", *flags.tty}};
  const auto size = *flags.tty ? find_terminal_size(console.out) : std::nullopt;
  if (size && size->rows > 0) config["ConsoleSize"] = json::Array{size->rows, size->columns};
  return config;
}

void resize(Session& session, const std::string& exec) {
  const auto size = find_terminal_size(session.console.out);
  if (!size || (size->rows == 0 && size->columns == 0)) return;
  try {
    session.client.execs().resize(exec, size->rows, size->columns);
  } catch (const Error&) {
    // The process has ended meanwhile.
  }
}

Ended relay(Session& session, const std::string& exec, const ExecFlags& flags) {
  std::optional<SignalQueue> signals;
  if (*flags.tty) signals.emplace(SignalQueue::Which::terminal);
  auto starting = session.client.execs().start(exec, start_config(session.console, flags));
  starting.accept();
  Relay relay{session.console, starting.connection().hijack(),
              RelayOptions{.tty = *flags.tty, .with_stdin = *flags.interactive, .detach_keys = *flags.detach_keys}};
  if (*flags.tty) resize(session, exec);  // Engines before API 1.42 do not look at ConsoleSize.
  return relay.run(signals ? &*signals : nullptr, [&](int number) {
    if (number != SIGWINCH) throw Failure{128 + number, ""};  // The relay gives the terminal back.
    resize(session, exec);
  });
}

int exec(Session& session, const ExecFlags& flags, const std::vector<std::string>& words) {
  const auto config = exec_config(flags, words);
  const bool lacks_terminal = !*flags.detach && *flags.interactive && *flags.tty && !is_terminal(session.console.in);
  if (lacks_terminal) {
    session.client.containers().inspect(words.front());  // A container that is not there is the greater complaint.
    check_tty(session.console, true, true);
  }
  if (!*flags.detach) session.client.prepare_connections(2);
  const auto id = session.client.containers().create_exec(words.front(), config);
  if (*flags.detach) {
    session.client.execs().start_detached(id, start_config(session.console, flags));
    return 0;
  }
  if (relay(session, id, flags) == Ended::detached) throw Failure{1, "read escape sequence"};
  return static_cast<int>(number_at(session.client.execs().inspect(id), "ExitCode"));
}

}  // namespace

Command container_exec() {
  Command command{"Execute a command in a running container"};
  ExecFlags flags;
  flags.detach = command.on_off("-d,--detach", "Detached mode: run command in the background");
  flags.detach_keys = command.text("--detach-keys", "", "Override the key sequence for detaching a container");
  flags.env = command.list("-e,--env", "Set environment variables", "list", check_variable);
  flags.env_files = command.list("--env-file", "Read in a file of environment variables");
  flags.interactive = command.on_off("-i,--interactive", "Keep STDIN open even if not attached");
  flags.privileged = command.on_off("--privileged", "Give extended privileges to the command");
  flags.tty = command.on_off("-t,--tty", "Allocate a pseudo-TTY");
  flags.user = command.text("-u,--user", "", "Username or UID (format: \"<name|uid>[:<group|gid>]\")");
  flags.workdir = command.text("-w,--workdir", "", "Working directory inside the container");
  command.flags_first();
  const auto words = command.arguments("CONTAINER COMMAND [ARG...]", {.at_least = 2});
  command.run([=](Session& session) { return exec(session, flags, *words); });
  return command;
}

}  // namespace berth::cli

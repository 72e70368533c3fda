#include "base/file.hpp"
#include "cli/attachment.hpp"
#include "cli/commands.hpp"
#include "cli/container_create.hpp"
#include "cli/container_flags.hpp"

namespace berth::cli {
namespace {

struct RunFlags {
  ContainerFlags container;
  Switch detach, sig_proxy;
  Text detach_keys;
};

/// docker's exit codes of a container that could not be started: 127 not found, 126 not executable, 125 all else.
int start_failure_code(std::string_view message) {
  for (const std::string_view text :
       {"executable file not found", "no such file or directory", "system cannot find the file"}) {
    if (message.contains(text)) return 127;
  }
  for (const std::string_view text : {"permission denied", "is a directory"}) {
    if (message.contains(text)) return 126;
  }
  return 125;
}

Failure with_help(const Session& session, const std::string& message) {
  return {start_failure_code(message),
          fmt::format("{0}: {1}\n\nRun '{0} run --help' for more information", session.program, message)};
}

void apply_attachment(ContainerRequest& request, const RunFlags& flags) {
  if (*flags.detach) {
    if (!flags.container.attach->empty()) {
      throw Failure{1, "conflicting options: cannot specify both --attach and --detach"};
    }
    request.attach_stdin = request.attach_stdout = request.attach_stderr = false;
  }
  set_attached_streams(request);
}

/// Waits for the end of a container whose start failed, so that with --rm it is gone when we are.
void abandon(Attachment& attachment, bool auto_remove) {
  attachment.close();
  if (auto_remove) attachment.exit();
}

int run_attached(Session& session, const RunFlags& flags, const ContainerRequest& request, const std::string& id) {
  Attachment attachment{session,
                        id,
                        {.tty = request.tty,
                         .with_stdin = request.attach_stdin,
                         .with_stdout = request.attach_stdout,
                         .with_stderr = request.attach_stderr,
                         .proxy_signals = *flags.sig_proxy,
                         .detach_keys = *flags.detach_keys}};
  const bool auto_remove = *flags.container.remove;
  const bool shows_id = !request.attach_stdout && !request.attach_stderr;
  if (shows_id) session.console.print_line(id);
  attachment.begin(auto_remove ? "removed" : "next-exit");
  try {
    session.client.containers().start(id);
  } catch (const Error& error) {
    abandon(attachment, auto_remove);
    throw with_help(session, error.message());
  }
  attachment.follow_window();
  if (attachment.relay() == Ended::detached || shows_id) return 0;
  const auto exit = attachment.exit();
  if (!exit.error.empty()) throw Failure{125, exit.error};
  return exit.status;
}

int run_detached(Session& session, const std::string& id) {
  session.console.print_line(id);
  try {
    session.client.containers().start(id);
  } catch (const Error& error) {
    throw with_help(session, error.message());
  }
  return 0;
}

int run(Session& session, const RunFlags& flags, const std::vector<std::string>& words) {
  ContainerRequest request;
  try {
    check_pull_option(*flags.container.pull);
    request = make_container_request(flags.container, words);
  } catch (const Error& error) {
    throw Failure{125, with_help(session, error.message()).message()};
  }
  apply_attachment(request, flags);
  if (!*flags.detach) check_tty(session.console, request.attach_stdin, request.tty);
  std::string id;
  try {
    if (!*flags.detach) session.client.prepare_connections(3);
    id = create_container(session, flags.container, request);
  } catch (const Error& error) {
    throw with_help(session, error.message());
  }
  return *flags.detach ? run_detached(session, id) : run_attached(session, flags, request, id);
}

}  // namespace

Command container_run() {
  Command command{"Create and run a new container from an image"};
  RunFlags flags;
  flags.container = declare_container_flags(command, "running");
  flags.detach = command.on_off("-d,--detach", "Run container in background and print container ID");
  flags.detach_keys = command.text("--detach-keys", "", "Override the key sequence for detaching a container");
  flags.sig_proxy = command.on_off("--sig-proxy", "Proxy received signals to the process", true);
  command.flags_first();
  const auto words = command.arguments("IMAGE [COMMAND] [ARG...]", {.at_least = 1});
  command.run([=](Session& session) { return run(session, flags, *words); });
  return command;
}

}  // namespace berth::cli

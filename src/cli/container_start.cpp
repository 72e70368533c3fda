#include "base/strings.hpp"
#include "cli/attachment.hpp"
#include "cli/commands.hpp"
#include "cli/each.hpp"

namespace berth::cli {
namespace {

int start_attached(Session& session, const std::string& name, bool interactive, const std::string& detach_keys) {
  const auto container = session.client.containers().inspect(name);
  const auto id = text_at(container, "Id");
  const bool tty = flag_at(container, "Config.Tty");
  const bool auto_remove = flag_at(container, "HostConfig.AutoRemove");
  Attachment attachment{session,
                        id,
                        {.tty = tty,
                         .with_stdin = interactive && flag_at(container, "Config.OpenStdin"),
                         .proxy_signals = !tty,
                         .detach_keys = detach_keys}};
  attachment.begin(auto_remove ? "removed" : "next-exit");
  try {
    session.client.containers().start(id);
  } catch (const Error&) {
    attachment.close();
    if (auto_remove) attachment.exit();
    throw;
  }
  attachment.follow_window();
  if (attachment.relay() == Ended::detached) return 0;
  return attachment.exit().status;
}

int start_all(Session& session, const std::vector<std::string>& names) {
  std::vector<std::string> failed;
  for (const auto& name : names) {
    try {
      session.client.containers().start(name);
      session.console.print_line(name);
    } catch (const Error& error) {
      session.console.complain(error.message());
      failed.push_back(name);
    }
  }
  if (failed.empty()) return 0;
  throw Failure{1, fmt::format("Error: failed to start containers: {}", join(failed, ", "))};
}

}  // namespace

Command container_start() {
  Command command{"Start one or more stopped containers"};
  const auto attach = command.on_off("-a,--attach", "Attach STDOUT/STDERR and forward signals");
  const auto detach_keys = command.text("--detach-keys", "", "Override the key sequence for detaching a container");
  const auto interactive = command.on_off("-i,--interactive", "Attach container's STDIN");
  const auto names = command.arguments("CONTAINER [CONTAINER...]", {.at_least = 1});
  command.run([=](Session& session) {
    if (!*attach && !*interactive) return start_all(session, *names);
    if (names->size() > 1) throw Failure{1, "you cannot start and attach multiple containers at once"};
    return start_attached(session, names->front(), *interactive, *detach_keys);
  });
  return command;
}

Command container_attach() {
  Command command{"Attach local standard input, output, and error streams to a running container"};
  const auto detach_keys = command.text("--detach-keys", "", "Override the key sequence for detaching a container");
  const auto no_stdin = command.on_off("--no-stdin", "Do not attach STDIN");
  const auto sig_proxy = command.on_off("--sig-proxy", "Proxy all received signals to the process", true);
  const auto names = command.arguments("CONTAINER", {.at_least = 1, .at_most = 1});
  command.run([=](Session& session) {
    const auto container = session.client.containers().inspect(names->front());
    if (!flag_at(container, "State.Running")) {
      throw Failure{1, "You cannot attach to a stopped container, start it first"};
    }
    if (flag_at(container, "State.Paused"))
      throw Failure{1, "You cannot attach to a paused container, unpause it first"};
    if (flag_at(container, "State.Restarting")) {
      throw Failure{1, "You cannot attach to a restarting container, wait until it is running"};
    }
    const bool tty = flag_at(container, "Config.Tty");
    const bool with_stdin = !*no_stdin && flag_at(container, "Config.OpenStdin");
    check_tty(session.console, with_stdin, tty);
    Attachment attachment{
        session,
        text_at(container, "Id"),
        {.tty = tty, .with_stdin = with_stdin, .proxy_signals = *sig_proxy && !tty, .detach_keys = *detach_keys}};
    attachment.begin("");
    attachment.follow_window(Redraw::yes);
    if (attachment.relay() == Ended::detached) throw Failure{1, "read escape sequence"};
    return attachment.exit().status;
  });
  return command;
}

}  // namespace berth::cli

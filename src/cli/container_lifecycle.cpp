// The short commands that change containers: kill, pause, rename, restart, rm, stop, unpause, wait.
#include "cli/commands.hpp"
#include "cli/each.hpp"

namespace berth::cli {
namespace {

constexpr std::string_view names_usage = "CONTAINER [CONTAINER...]";

/// -t and its old spelling --time.
Number declare_timeout(Command& command) {
  auto timeout = command.number("-t,--timeout", 0, "Seconds to wait before killing the container");
  command.also("--time");
  return timeout;
}

std::optional<std::int64_t> value_if_given(const Number& number) {
  return number.given() ? std::optional{*number} : std::nullopt;
}

}  // namespace

Command container_kill() {
  Command command{"Kill one or more running containers"};
  const auto signal = command.text("-s,--signal", "", "Signal to send to the container");
  const auto names = command.arguments(names_usage, {.at_least = 1});
  command.run([=](Session& session) {
    return for_each_together(session, *names,
                             [&](auto& client, auto& name) { client.containers().kill(name, *signal); });
  });
  return command;
}

Command container_pause() {
  Command command{"Pause all processes within one or more containers"};
  const auto names = command.arguments(names_usage, {.at_least = 1});
  command.run([=](Session& session) {
    return for_each_together(session, *names, [&](auto& client, auto& name) { client.containers().pause(name); });
  });
  return command;
}

Command container_unpause() {
  Command command{"Unpause all processes within one or more containers"};
  const auto names = command.arguments(names_usage, {.at_least = 1});
  command.run([=](Session& session) {
    return for_each_together(session, *names, [&](auto& client, auto& name) { client.containers().unpause(name); });
  });
  return command;
}

Command container_rename() {
  Command command{"Rename a container"};
  const auto names = command.arguments("CONTAINER NEW_NAME", {.at_least = 2, .at_most = 2});
  command.run([=](Session& session) {
    const auto& name = names->front();
    if (name.empty() || names->back().empty()) {
      throw Failure{1, "Error: Neither old nor new names may be empty"};
    }
    try {
      session.client.containers().rename(name, names->back());
    } catch (const Error& error) {
      session.console.complain(error.message());
      throw Failure{1, fmt::format("Error: failed to rename container named {}", name)};
    }
    return 0;
  });
  return command;
}

Command container_restart() {
  Command command{"Restart one or more containers"};
  const auto signal = command.text("-s,--signal", "", "Signal to send to the container");
  const auto timeout = declare_timeout(command);
  const auto names = command.arguments(names_usage, {.at_least = 1});
  command.run([=](Session& session) {
    return for_each_together(session, *names, [&](auto& client, auto& name) {
      client.containers().restart(name, *signal, value_if_given(timeout));
    });
  });
  return command;
}

Command container_stop() {
  Command command{"Stop one or more running containers"};
  const auto signal = command.text("-s,--signal", "", "Signal to send to the container");
  const auto timeout = declare_timeout(command);
  const auto names = command.arguments(names_usage, {.at_least = 1});
  command.run([=](Session& session) {
    return for_each_together(session, *names, [&](auto& client, auto& name) {
      client.containers().stop(name, *signal, value_if_given(timeout));
    });
  });
  return command;
}

Command container_rm() {
  Command command{"Remove one or more containers"};
  const auto force = command.on_off("-f,--force", "Force the removal of a running container (uses SIGKILL)");
  const auto link = command.on_off("-l,--link", "Remove the specified link");
  const auto volumes = command.on_off("-v,--volumes", "Remove anonymous volumes associated with the container");
  const auto names = command.arguments(names_usage, {.at_least = 1});
  command.run([=](Session& session) {
    // Forced removal of what is not there has its aim: said, but no failure.
    const auto forgives = [&](const Error& error) { return *force && error.kind() == Kind::not_found; };
    const client::Containers::RemoveOptions options{.force = *force, .volumes = *volumes, .link = *link};
    return for_each_together(
        session, *names, [&](auto& client, auto& name) { client.containers().remove(name, options); }, forgives);
  });
  return command;
}

Command container_wait() {
  Command command{"Block until one or more containers stop, then print their exit codes"};
  const auto names = command.arguments(names_usage, {.at_least = 1});
  command.run([=](Session& session) {
    return for_each(session, *names, [&](const std::string& name) {
      auto waiting = session.client.containers().wait(name, "");
      waiting.accept();
      const auto exit = waiting.result();
      if (!exit.error.empty()) throw Error{Kind::internal, 0, exit.error};
      session.console.print_line(std::to_string(exit.status));
    });
  });
  return command;
}

}  // namespace berth::cli

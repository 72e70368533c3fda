// Commands that remove networks: rm, prune.
#include "cli/commands.hpp"
#include "cli/each.hpp"
#include "cli/prune.hpp"

namespace berth::cli {
namespace {

/// Asked before the network goes that swarms publish ports on.
constexpr std::string_view ingress_warning =
    "Before removing the routing-mesh network, make sure all the nodes in your swarm run the same docker engine "
    "version. Otherwise, removal may not be effective and functionality of newly create ingress networks will be "
    "impaired.";

bool is_ingress(Session& session, const std::string& name) {
  try {
    return flag_at(session.client.networks().inspect(name), "Ingress");
  } catch (const Error&) {
    return false;  // The removal says what is wrong.
  }
}

}  // namespace

Command network_rm() {
  Command command{"Remove one or more networks"};
  const auto force = command.on_off("-f,--force", "Do not error if the network does not exist");
  const auto names = command.arguments("NETWORK [NETWORK...]", {.at_least = 1});
  command.plain_usage();
  command.run([=](Session& session) {
    const int status = for_each(session, *names, [&](const std::string& name) {
      if (is_ingress(session, name) && !confirmed(session.console, ingress_warning)) return;
      try {
        session.client.networks().remove(name);
      } catch (const Error& error) {
        if (*force && error.kind() == Kind::not_found) return;
        throw;
      }
      session.console.print_line(name);
    });
    if (status != 0) session.console.complain("exit status 1");
    return status;
  });
  return command;
}

Command network_prune() {
  Command command{"Remove all unused networks"};
  const auto filters =
      command.list("--filter", "Provide filter values (e.g. \"until=<timestamp>\")", "filter", check_filter);
  const auto force = command.on_off("-f,--force", "Do not prompt for confirmation");
  command.run([=](Session& session) {
    if (!*force &&
        !confirmed(session.console, "This will remove all custom networks not used by at least one container.")) {
      return 0;
    }
    const auto answer = session.client.networks().prune(parse_filters(*filters));
    const auto* deleted = at(answer, "NetworksDeleted").if_array();
    if (deleted == nullptr || deleted->empty()) return 0;
    session.console.print_line("Deleted Networks:");
    for (const auto& name : *deleted) session.console.print_line(std::string_view{name.as_string()});
    session.console.print_line("");
    return 0;
  });
  return command;
}

}  // namespace berth::cli

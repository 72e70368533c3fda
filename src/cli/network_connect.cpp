// Commands that connect containers and networks: connect, disconnect.
#include "base/strings.hpp"
#include "cli/commands.hpp"
#include "cli/flag_values.hpp"
#include "cli/session.hpp"

namespace berth::cli {
namespace {

json::Object driver_options(const std::vector<std::string>& entries) {
  json::Object options;
  for (const auto& entry : entries) {
    const auto pair = split_once(entry, '=');
    if (!pair || trim(pair->first).empty()) {
      throw Error{Kind::invalid, "invalid key/value pair format in driver options"};
    }
    options[trim(pair->first)] = trim(pair->second);
  }
  return options;
}

}  // namespace

Command network_connect() {
  Command command{"Connect a container to a network"};
  const auto aliases = command.strings("--alias", "Add network-scoped alias for the container");
  const auto options = command.strings("--driver-opt", "driver options for the network");
  const auto priority = command.number(
      "--gw-priority", 0, "Highest gw-priority provides the default gateway. Accepts positive and negative values.");
  const auto ip = command.text("--ip", "", "IPv4 address (e.g., \"172.30.100.104\")");
  const auto ip6 = command.text("--ip6", "", "IPv6 address (e.g., \"2001:db8::33\")");
  const auto links = command.list("--link", "Add link to another container", "list", check_link);
  const auto link_local = command.strings("--link-local-ip", "Add a link-local address for the container");
  const auto names = command.arguments("NETWORK CONTAINER", {.at_least = 2, .at_most = 2});
  command.run([=](Session& session) {
    json::Object addresses;
    if (!ip->empty()) addresses["IPv4Address"] = *ip;
    if (!ip6->empty()) addresses["IPv6Address"] = *ip6;
    if (!link_local->empty()) addresses["LinkLocalIPs"] = array_of(*link_local);
    const json::Value endpoint{
        {"IPAMConfig", addresses},       {"Links", links->empty() ? json::Value{} : json::Value(array_of(*links))},
        {"Aliases", array_of(*aliases)}, {"DriverOpts", driver_options(*options)},
        {"GwPriority", *priority},
    };
    session.client.networks().connect(names->front(), names->back(), endpoint);
    return 0;
  });
  return command;
}

Command network_disconnect() {
  Command command{"Disconnect a container from a network"};
  const auto force = command.on_off("-f,--force", "Force the container to disconnect from a network");
  const auto names = command.arguments("NETWORK CONTAINER", {.at_least = 2, .at_most = 2});
  command.run([=](Session& session) {
    session.client.networks().disconnect(names->front(), names->back(), *force);
    return 0;
  });
  return command;
}

}  // namespace berth::cli

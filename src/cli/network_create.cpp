#include "cli/network_create.hpp"

#include "base/ip.hpp"
#include "base/strings.hpp"
#include "cli/commands.hpp"
#include "cli/flag_values.hpp"
#include "cli/session.hpp"

namespace berth::cli {
namespace {

Error invalid_cidr(std::string_view text) {
  return {Kind::invalid, "invalid CIDR address: {}", text};
}

/// True if `text`, an address or a range, begins in the subnet.
bool begins_in(const std::string& subnet, const std::string& text) {
  const auto parsed = find_cidr(subnet);
  if (!parsed) throw invalid_cidr(subnet).in("invalid subnet");
  if (text.contains('/')) {
    const auto range = find_cidr(text);
    if (!range) throw invalid_cidr(text);
    return parsed->contains(range->address);
  }
  const auto address = find_ip(text);
  return address && parsed->contains(*address);
}

/// IPAM.Config while it is made: subnets as they were given.
class Subnets {
 public:
  void add(const std::string& subnet) {
    for (const auto& other : config_) {
      const auto text = text_of(other, "Subnet");
      const bool first = begins_in(subnet, text);
      if (begins_in(text, subnet) || first) {
        throw Error{Kind::invalid, "multiple overlapping subnet configuration is not supported"};
      }
    }
    config_.push_back(json::Object{{"Subnet", subnet}});
  }

  /// Sets the member `name` of the subnet that `text` lies in: "range" and "ranges" in messages.
  void set(std::string_view name, const std::string& text, std::string_view what, std::string_view several,
           std::string_view place) {
    auto& subnet = find(text, what);
    if (const auto before = text_of(subnet, name); !before.empty()) {
      throw Error{Kind::invalid,
                  "cannot configure multiple {} ({}, {}) {} ({})",
                  several,
                  text,
                  before,
                  place,
                  text_of(subnet, "Subnet")};
    }
    subnet.as_object()[name] = text;
  }

  void set_auxiliary(const std::string& name, const std::string& address) {
    auto& addresses = find(address, "aux-address").as_object()["AuxiliaryAddresses"];
    if (!addresses.is_object()) addresses.emplace_object();
    addresses.get_object()[name] = address;
  }

  json::Array take() { return std::move(config_); }

 private:
  static std::string text_of(const json::Value& subnet, std::string_view name) {
    const auto* found = subnet.get_object().if_contains(name);
    return found == nullptr ? std::string{} : std::string{found->as_string()};
  }

  json::Value& find(const std::string& text, std::string_view what) {
    for (auto& subnet : config_) {
      if (begins_in(text_of(subnet, "Subnet"), text)) return subnet;
    }
    throw Error{Kind::invalid, "no matching subnet for {} {}", what, text};
  }

  json::Array config_;
};

struct Flags {
  Text driver, scope, config_from, ipam_driver;
  List options, labels, ipam_options, subnets, ranges, gateways, auxiliary;
  Switch attachable, config_only, ingress, internal, ipv4, ipv6;
};

Flags declare_flags(Command& command) {
  const auto map = [&](std::string_view names, std::string usage) {
    const auto setting = command.list(names, std::move(usage), "map");
    command.shows("map[]");
    return setting;
  };
  Flags flags;
  flags.attachable = command.on_off("--attachable", "Enable manual container attachment");
  flags.auxiliary = map("--aux-address", "Auxiliary IPv4 or IPv6 addresses used by Network driver");
  flags.config_from = command.text("--config-from", "", "The network from which to copy the configuration");
  flags.config_only = command.on_off("--config-only", "Create a configuration only network");
  flags.driver = command.text("-d,--driver", "bridge", "Driver to manage the Network");
  flags.gateways = command.strings("--gateway", "IPv4 or IPv6 Gateway for the master subnet");
  flags.ingress = command.on_off("--ingress", "Create swarm routing-mesh network");
  flags.internal = command.on_off("--internal", "Restrict external access to the network");
  flags.ranges = command.strings("--ip-range", "Allocate container ip from a sub-range");
  flags.ipam_driver = command.text("--ipam-driver", "default", "IP Address Management Driver");
  flags.ipam_options = map("--ipam-opt", "Set IPAM driver specific options");
  flags.ipv4 = command.on_off("--ipv4", "Enable or disable IPv4 address assignment", true);
  flags.ipv6 = command.on_off("--ipv6", "Enable or disable IPv6 address assignment");
  flags.labels = command.list("--label", "Set metadata on a network", "list", check_label);
  flags.options = map("-o,--opt", "Set driver specific options");
  flags.scope = command.text("--scope", "", "Control the network's scope");
  flags.subnets = command.strings("--subnet", "Subnet in CIDR format that represents a network segment");
  return flags;
}

json::Value make_request(const Flags& flags, const std::string& name) {
  json::Object request{
      {"Name", name},
      {"Driver", *flags.driver},
      {"Scope", *flags.scope},
      {"Internal", *flags.internal},
      {"Attachable", *flags.attachable},
      {"Ingress", *flags.ingress},
      {"ConfigOnly", *flags.config_only},
      {"Options", pairs_of(*flags.options)},
      {"Labels", pairs_of(*flags.labels)},
  };
  if (flags.ipv4.given()) request["EnableIPv4"] = *flags.ipv4;
  if (flags.ipv6.given()) request["EnableIPv6"] = *flags.ipv6;
  if (!flags.config_from->empty()) request["ConfigFrom"] = json::Object{{"Network", *flags.config_from}};
  request["IPAM"] = json::Object{
      {"Driver", *flags.ipam_driver},
      {"Options", pairs_of(*flags.ipam_options)},
      {"Config", make_ipam_config({*flags.subnets, *flags.ranges, *flags.gateways, *flags.auxiliary})},
  };
  return request;
}

}  // namespace

json::Array make_ipam_config(const IpamFlags& flags) {
  if (flags.subnets.size() < flags.ranges.size() || flags.subnets.size() < flags.gateways.size()) {
    throw Error{Kind::invalid, "every ip-range or gateway must have a corresponding subnet"};
  }
  Subnets subnets;
  for (const auto& subnet : flags.subnets) subnets.add(subnet);
  for (const auto& range : flags.ranges) {
    if (!find_cidr(range)) throw invalid_cidr(range);
    subnets.set("IPRange", range, "range", "ranges", "on the same subnet");
  }
  for (const auto& gateway : flags.gateways) {
    subnets.set("Gateway", gateway, "gateway", "gateways", "for the same subnet");
  }
  for (const auto& pair : pairs_of(flags.auxiliary)) {
    subnets.set_auxiliary(pair.key(), std::string{pair.value().as_string()});
  }
  return subnets.take();
}

Command network_create() {
  Command command{"Create a network"};
  const auto flags = declare_flags(command);
  const auto name = command.arguments("NETWORK", {.at_least = 1, .at_most = 1});
  command.run([=](Session& session) {
    session.console.print_line(session.client.networks().create(make_request(flags, name->front())));
    return 0;
  });
  return command;
}

}  // namespace berth::cli

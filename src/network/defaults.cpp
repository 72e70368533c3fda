// What is there without anybody's asking: the networks bridge, host and none; and what a start of the daemon repairs.
#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "base/id.hpp"
#include "base/log.hpp"
#include "network/internal.hpp"

namespace berth::network {
namespace {

NetworkRecord make_default(const char* name, const char* driver) {
  NetworkRecord record;
  record.shown.Name = name;
  record.shown.Id = make_id();
  record.shown.Created = to_rfc3339(now());
  record.shown.Scope = "local";
  record.shown.Driver = driver;
  return record;
}

/// "docker0" as scripts and firewall rules expect; where one is that is not ours, the first of berth0, berth1...
std::string choose_bridge_name(Host& host) {
  for (unsigned i = 0;; ++i) {
    const auto name = i == 0 ? std::string{"docker0"} : fmt::format("berth{}", i - 1);
    const auto link = host.socket().find_link(name);
    if (!link || link->alias.ends_with(" " + host.owner())) return name;
  }
}

IpamSubnet subnet_of_bridge(const std::optional<Cidr>& bridge, const std::optional<Cidr>& fixed,
                            const std::optional<IpAddress>& gateway) {
  IpamSubnet config;
  if (bridge) {
    config.Subnet = to_string(bridge->network());
    config.Gateway = to_string(bridge->address);
  } else if (fixed) {
    config.Subnet = to_string(fixed->network());
  }
  if (fixed) config.IPRange = to_string(fixed->network());
  if (gateway) config.AuxiliaryAddresses["DefaultGatewayIPv4"] = to_string(*gateway);
  return config;
}

const char* truth(bool value) {
  return value ? "true" : "false";
}

/// --bridge: a bridge that somebody else has made, with the addresses that it has.
Settings with_addresses_of_bridge(Host& host, Settings settings) {
  const auto link = host.socket().find_link(settings.bridge);
  if (!link) {
    throw Error{Kind::invalid, "bridge device with non default name {} must be created manually", settings.bridge};
  }
  if (link->kind != "bridge") throw Error{Kind::invalid, "--bridge: link {} is no bridge", quote(settings.bridge)};
  for (const auto& present : host.socket().addresses()) {
    const auto& address = present.address;
    if (present.link != link->index || address.address.is_link_local()) continue;
    auto& own = address.address.is_v6() ? settings.bridge_address_v6 : settings.bridge_address;
    if (!own) own = address;
  }
  return settings;
}

NetworkRecord make_default_bridge(const Settings& settings, const std::string& link) {
  auto record = make_default("bridge", "bridge");
  record.link = link;
  record.made_link = settings.bridge.empty();
  record.shown.EnableIPv6 = settings.ipv6;
  auto& config = record.shown.IPAM.Config.emplace();
  if (settings.bridge_address || settings.fixed_cidr) {
    config.push_back(subnet_of_bridge(settings.bridge_address, settings.fixed_cidr, settings.default_gateway));
  }
  if (settings.ipv6 && (settings.bridge_address_v6 || settings.fixed_cidr_v6)) {
    config.push_back(subnet_of_bridge(settings.bridge_address_v6, settings.fixed_cidr_v6, settings.default_gateway_v6));
    if (settings.default_gateway_v6) {
      config.back().AuxiliaryAddresses = StringMap{{"DefaultGatewayIPv6", to_string(*settings.default_gateway_v6)}};
    }
  }
  record.shown.Options = {
      {"com.docker.network.bridge.default_bridge", "true"},
      {"com.docker.network.bridge.enable_icc", truth(settings.icc)},
      {"com.docker.network.bridge.enable_ip_masquerade", truth(settings.ip_masquerade)},
      {"com.docker.network.bridge.host_binding_ipv4",
       settings.publish_default_address && !settings.publish_default_address->is_v6()
           ? to_string(*settings.publish_default_address)
           : "0.0.0.0"},
      {"com.docker.network.bridge.name", link},
      {"com.docker.network.driver.mtu", std::to_string(settings.mtu)},
  };
  return record;
}

/// The recorded bridge is still what the settings ask for.
bool is_as_set(const NetworkRecord& present, const NetworkRecord& wanted) {
  if (present.shown.Options != wanted.shown.Options || present.shown.EnableIPv6 != wanted.shown.EnableIPv6)
    return false;
  for (const auto& config : *wanted.shown.IPAM.Config) {
    const auto found = std::ranges::any_of(*present.shown.IPAM.Config, [&](const IpamSubnet& other) {
      return other.Subnet == config.Subnet && other.IPRange == config.IPRange &&
             (config.Gateway.empty() || other.Gateway == config.Gateway) &&
             other.AuxiliaryAddresses == config.AuxiliaryAddresses;
    });
    if (!found) return false;
  }
  return true;
}

}  // namespace

void Networks::Impl::drop_default_bridge(Host& host, const Network& bridge) {
  records.remove_network(bridge.id());
  state.with([&](State& all) { all.networks.erase(bridge.id()); });
  bridge_driver().remove(host, bridge);
  firewall.remove_bridge(bridge.record.link);
}

void Networks::Impl::ensure_default_networks() {
  const auto [bridge, host_network, none, used] = state.with([](const State& all) {
    const auto found = all.find("bridge");
    return std::tuple{found, all.find("host"), all.find("none"), found && !all.endpoints_on(found->id()).empty()};
  });
  if (!host_network) add(make_default("host", "host"));
  if (!none) add(make_default("none", "null"));
  Host host{records.owner()};
  if (settings.bridge == no_bridge) {
    if (bridge && used) log::warn("the default bridge stays until its containers end", {{"link", bridge->record.link}});
    if (bridge && !used) drop_default_bridge(host, *bridge);
    return;
  }
  auto wanted = settings.bridge.empty()
                    ? make_default_bridge(settings, choose_bridge_name(host))
                    : make_default_bridge(with_addresses_of_bridge(host, settings), settings.bridge);
  if (bridge && (used || is_as_set(bridge->record, wanted))) {
    if (!is_as_set(bridge->record, wanted)) {
      log::warn("settings of the default bridge wait for its containers to end", {{"link", bridge->record.link}});
    }
    return;
  }
  if (bridge) {
    wanted.shown.Id = bridge->id();
    wanted.shown.Created = bridge->record.shown.Created;
    drop_default_bridge(host, *bridge);
  }
  try {
    add_subnets(wanted);
    add(std::move(wanted));
  } catch (const Error& error) {
    log::warn("no default bridge network, going on with host and none", {{"error", error.message()}});
  }
}

void Networks::Impl::ensure_links() {
  auto networks = state.with([](const State& all) { return all.networks; });
  Host host{records.owner()};
  for (const auto& [id, network] : networks) {
    if (network->record.shown.ConfigOnly || network->link_index != 0) continue;
    try {
      ensure_link(host, *network);
    } catch (const Error& error) {
      log::warn("network is not usable, going on without it", {{"name", network->name()}, {"error", error.message()}});
    }
  }
}

void Networks::Impl::ensure_link(Host& host, Network& network) {
  const auto& driver = get_driver(network.record.shown.Driver);
  driver.ensure(host, network);
  std::vector<std::string> links;
  state.with([&](const State& all) {
    for (const auto& [member, endpoint] : all.endpoints_on(network.id())) links.push_back(endpoint->host_link);
  });
  driver.reconnect(host, network, links);
}

void Networks::Impl::restore_link(Network& network) {
  const auto& driver = get_driver(network.record.shown.Driver);
  if (driver.is_whole(network)) return;
  const std::lock_guard lock{changes};
  if (driver.is_whole(network)) return;
  log::warn("link of a network was removed or set down by others, making it again",
            {{"network", network.name()}, {"link", network.record.link}});
  Host host{records.owner()};
  ensure_link(host, network);
}

void Networks::Impl::remove_orphans() {
  const auto known = state.with([](const State& all) {
    std::set<std::string> links;
    for (const auto& [id, network] : all.networks) links.insert(network->record.link);
    for (const auto& [id, member] : all.members) {
      for (const auto& endpoint : member.endpoints) links.insert(endpoint.host_link);
    }
    return links;
  });
  netlink::Socket socket;
  for (const auto& link : socket.links()) {
    const auto ours = link.alias.starts_with("berth ") && link.alias.ends_with(" " + records.owner());
    if (!ours || known.contains(link.name)) continue;
    try {
      socket.apply(netlink::Request{}.remove_link(link.index));
      log::info("link that belongs to nothing removed", {{"link", link.name}});
    } catch (const Error& error) {
      // Its namespace went with the last daemon, and it with that.
      if (error.errno_value() == ENODEV) continue;
      log::warn("link that belongs to nothing is left", {{"link", link.name}, {"error", error.message()}});
    }
  }
}

void Networks::recover() {
  const std::lock_guard lock{impl_->changes};
  impl_->remove_orphans();
  impl_->restore_firewall();  // before bridges are set up, so that nothing passes that is not to
  impl_->ensure_default_networks();
  impl_->ensure_links();
  impl_->guard = std::jthread{[impl = impl_.get()](const std::stop_token& stop) { impl->guard_firewall(stop); }};
  impl_->refill();
}

}  // namespace berth::network

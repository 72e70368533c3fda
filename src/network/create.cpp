// Networks come and go.
#include <algorithm>

#include "base/error.hpp"
#include "base/id.hpp"
#include "base/log.hpp"
#include "base/strings.hpp"
#include "base/undo.hpp"
#include "network/internal.hpp"

namespace berth::network {
namespace {

void check_scope(const CreateRequest& request) {
  if (request.Driver == "overlay") {
    throw Error{Kind::forbidden,
                "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to connect this "
                "node to swarm and try again."};
  }
  if (request.Ingress) throw Error{Kind::forbidden, "Ingress network can only be global scope network"};
  if (request.Scope == "swarm" || request.Scope == "global") {
    throw Error{Kind::forbidden, "cannot create a swarm scoped network when swarm is not active"};
  }
}

void check_name(const CreateRequest& request) {
  if (is_predefined(request.Name)) {
    throw Error{Kind::forbidden, "operation is not permitted on predefined {} network ", request.Name};
  }
  if (trim(request.Name).empty()) throw Error{Kind::invalid, "invalid name: name is empty"};
}

void check_ipam_driver(const Ipam& ipam) {
  if (ipam.Driver.empty() || ipam.Driver == "default") return;
  throw Error{Kind::not_found, "could not find plugin {} in v1 plugin registry: plugin not found", ipam.Driver};
}

bool has_family(const Ipam& ipam, bool v6) {
  return ipam.Config && std::ranges::any_of(*ipam.Config, [&](const IpamSubnet& config) {
           return parse_cidr(config.Subnet).address.is_v6() == v6;
         });
}

/// A truth value that may be given as a driver option instead: --opt com.docker.network.enable_ipv6=true.
bool truth_of(const std::optional<bool>& given, const StringMap& options, const std::string& option, bool otherwise) {
  if (given) return *given;
  const auto found = options.find(option);
  if (found == options.end()) return otherwise;
  if (const auto value = parse_bool(found->second)) return *value;
  throw Error{Kind::invalid, "driver-opt {} is not a valid bool", quote(option)};
}

/// What the request asks for, before any subnet is chosen.
NetworkRecord make_record(const CreateRequest& request) {
  NetworkRecord record;
  auto& shown = record.shown;
  shown = {.Name = request.Name,
           .Id = make_id(),
           .Created = to_rfc3339(now()),
           .Scope = "local",
           .Driver = request.Driver.empty() ? "bridge" : request.Driver,
           .EnableIPv4 = truth_of(request.EnableIPv4, request.Options, "com.docker.network.enable_ipv4", true),
           .EnableIPv6 = truth_of(request.EnableIPv6, request.Options, "com.docker.network.enable_ipv6", false),
           .IPAM = request.IPAM.value_or(Ipam{}),
           .Internal = request.Internal,
           .Attachable = request.Attachable,
           .ConfigFrom = request.ConfigFrom.value_or(ConfigReference{}),
           .ConfigOnly = request.ConfigOnly,
           .Options = request.Options,
           .Labels = request.Labels};
  if (shown.IPAM.Driver.empty()) shown.IPAM.Driver = "default";
  return record;
}

/// A network that exists only to be named as --config-from by others.
void check_config_only(const CreateRequest& request) {
  if (!request.ConfigOnly) return;
  if (request.ConfigFrom && !request.ConfigFrom->Network.empty()) {
    throw Error{Kind::forbidden, "a configuration network cannot depend on another configuration network"};
  }
  if (request.Internal || request.Attachable || request.Ingress || !request.Scope.empty()) {
    throw Error{
        Kind::forbidden,
        "configuration network can only contain network specific fields. Network operator fields like [ ingress "
        "| internal | attachable | scope ] are not supported."};
  }
}

void apply_config(const Network& from, NetworkRecord& record) {
  auto& shown = record.shown;
  if ((shown.IPAM.Config && !shown.IPAM.Config->empty()) || !shown.Options.empty() || !shown.Labels.empty()) {
    throw Error{Kind::forbidden,
                "user specified configurations are not supported if the network depends on a configuration network"};
  }
  shown.IPAM = from.record.shown.IPAM;
  shown.EnableIPv4 = from.record.shown.EnableIPv4;
  shown.EnableIPv6 = from.record.shown.EnableIPv6;
  shown.Options = from.record.shown.Options;
  shown.Labels = from.record.shown.Labels;
}

/// What is not to be chosen as a subnet: what the host has a route to, or an address in.
std::vector<Cidr> subnets_of_host() {
  std::vector<Cidr> taken;
  netlink::Socket socket;
  for (const auto& route : socket.routes()) {
    if (route.destination.length > 0) taken.push_back(route.destination.network());
  }
  for (const auto& address : socket.addresses()) taken.push_back(address.address.network());
  return taken;
}

void add_gateway(const Driver& driver, const NetworkRecord& record, IpamSubnet& config) {
  const auto v6 = parse_cidr(config.Subnet).address.is_v6();
  if (!config.Gateway.empty() || !driver.has_gateway(record, v6)) return;
  auto without_others = config;
  without_others.AuxiliaryAddresses.clear();
  std::vector<Subnet> subnets{make_subnet(without_others)};
  config.Gateway = to_string(take_address(subnets, v6, std::nullopt).address);
}

}  // namespace

void Networks::Impl::add_subnets(NetworkRecord& record) {
  auto& shown = record.shown;
  const auto& driver = get_driver(shown.Driver);
  auto taken = state.with([](const State& all) {
    std::vector<Cidr> subnets;
    for (const auto& [id, network] : all.networks) {
      if (network->record.shown.ConfigOnly) continue;
      for (const auto& subnet : network->subnets) subnets.push_back(subnet.subnet);
    }
    return subnets;
  });
  auto wanted = shown.IPAM.Config.value_or(std::vector<IpamSubnet>{});
  std::erase_if(wanted, [&](const IpamSubnet& config) {
    return !(parse_cidr(config.Subnet).address.is_v6() ? shown.EnableIPv6 : shown.EnableIPv4);
  });
  std::ranges::stable_sort(wanted, {},
                           [](const IpamSubnet& config) { return parse_cidr(config.Subnet).address.is_v6(); });
  for (const auto& config : wanted) {
    const auto subnet = parse_cidr(config.Subnet);
    const auto overlaps = std::ranges::any_of(taken, [&](const Cidr& other) { return other.overlaps(subnet); });
    if (overlaps) {
      throw Error{Kind::forbidden, "invalid pool request: Pool overlaps with other one on this address space"};
    }
    taken.push_back(subnet);
  }
  shown.IPAM.Config = std::move(wanted);
  record.given_v4 = has_family(shown.IPAM, false);
  record.given_v6 = has_family(shown.IPAM, true);
  if ((shown.EnableIPv4 && !record.given_v4) || (shown.EnableIPv6 && !record.given_v6)) {
    std::ranges::copy(subnets_of_host(), std::back_inserter(taken));
  }
  for (const bool v6 : {false, true}) {
    if (!(v6 ? shown.EnableIPv6 : shown.EnableIPv4) || (v6 ? record.given_v6 : record.given_v4)) continue;
    const IpamSubnet chosen{.Subnet = to_string(choose_subnet(pools, v6, taken))};
    shown.IPAM.Config->insert(v6 ? shown.IPAM.Config->end() : shown.IPAM.Config->begin(), chosen);
  }
  for (auto& config : *shown.IPAM.Config) add_gateway(driver, record, config);
}

std::shared_ptr<Network> Networks::Impl::add(NetworkRecord record) {
  auto network = std::make_shared<Network>(std::move(record));
  const auto& driver = get_driver(network->record.shown.Driver);
  Host host{records.owner()};
  Undo undo;
  undo.add([&]() noexcept {
    try {
      if (rules_of(*network, settings)) firewall.remove_bridge(network->record.link);
      driver.remove(host, *network);
    } catch (const Error& error) {
      log::warn("link of a network that failed is left", {{"network", network->name()}, {"error", error.message()}});
    }
  });
  if (!network->record.shown.ConfigOnly) driver.ensure(host, *network);
  if (const auto rules = rules_of(*network, settings)) firewall.add_bridge(*rules);
  if (network->record.shown.EnableIPv6 && settings.ip_forward) {
    firewall.enable_forwarding(true, settings.ip_forward_no_drop);
  }
  records.put(network->record);
  undo.dismiss();
  state.with([&](State& all) { all.networks.emplace(network->id(), network); });
  return network;
}

Created Networks::create(const CreateRequest& request) {
  check_name(request);
  check_scope(request);
  check_config_only(request);
  auto record = make_record(request);
  check_ipam(record.shown.IPAM, record.shown.EnableIPv6);
  const std::lock_guard lock{impl_->changes};
  const auto [taken, from, others] = impl_->state.with([&](const Impl::State& state) {
    std::vector<const NetworkRecord*> records;  // they stay: only who holds `changes` removes any
    bool same_name = false;
    for (const auto& [id, network] : state.networks) {
      same_name = same_name || network->name() == request.Name;
      records.push_back(&network->record);
    }
    const auto& source = record.shown.ConfigFrom.Network;
    return std::tuple{same_name, source.empty() ? nullptr : state.find(source), records};
  });
  if (taken) throw Error{Kind::conflict, "network with name {} already exists", request.Name};
  if (record.shown.ConfigOnly) {
    record.shown.Driver = "null";
    return {impl_->add(std::move(record))->id(), ""};
  }
  const auto& driver = get_driver(record.shown.Driver);
  check_ipam_driver(record.shown.IPAM);
  if (!record.shown.ConfigFrom.Network.empty()) {
    if (!from || !from->record.shown.ConfigOnly) {
      throw Error{Kind::not_found, "configuration network {} does not exist", quote(record.shown.ConfigFrom.Network)};
    }
    apply_config(*from, record);
  } else if (const auto defaults = impl_->settings.default_network_options.find(record.shown.Driver);
             defaults != impl_->settings.default_network_options.end()) {
    for (const auto& [option, value] : defaults->second) record.shown.Options.emplace(option, value);
  }
  if (!record.shown.EnableIPv4 && !record.shown.EnableIPv6) {
    throw Error{Kind::invalid, "IPv4 or IPv6 must be enabled"};
  }
  driver.plan(record, others);
  impl_->removals.wait_for(record.link);
  impl_->add_subnets(record);
  const auto network = impl_->add(std::move(record));
  impl_->publish("create", *network);
  log::info("network created", {{"id", network->id()}, {"name", network->name()}});
  return {network->id(), ""};
}

void Networks::remove(const std::string& name_or_id) {
  const std::lock_guard lock{impl_->changes};
  const auto network = impl_->state.with([&](Impl::State& state) {
    auto found = state.get(name_or_id);
    if (is_predefined(found->name())) {
      throw Error{Kind::forbidden, "{} is a pre-defined network and cannot be removed", found->name()};
    }
    std::vector<std::string> active;
    for (const auto& [member, endpoint] : state.endpoints_on(found->id())) {
      active.push_back(fmt::format("name:\"{}\" id:\"{}\"", member->member.name, short_id(endpoint->endpoint_id)));
    }
    if (!active.empty()) {
      throw Error{Kind::forbidden, "error while removing network: network {} has active endpoints ({})", found->name(),
                  berth::join(active, ", ")};
    }
    for (const auto& [id, other] : state.networks) {
      if (!found->record.shown.ConfigOnly || other->record.shown.ConfigFrom.Network != found->name()) continue;
      throw Error{Kind::forbidden, "error while removing network: configuration network {} is in use",
                  quote(found->name())};
    }
    impl_->records.remove_network(found->id());
    state.networks.erase(found->id());
    return found;
  });
  if (!network->record.shown.ConfigOnly) {
    Host host{impl_->records.owner()};
    get_driver(network->record.shown.Driver).retire(host, *network);
    impl_->removals.add(network);
    if (rules_of(*network, impl_->settings)) impl_->firewall.remove_bridge(network->record.link);
    impl_->publish("destroy", *network);
  }
  log::info("network removed", {{"id", network->id()}, {"name", network->name()}});
}

}  // namespace berth::network

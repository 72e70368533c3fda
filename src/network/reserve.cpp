// What an endpoint is to be: checked, with its addresses taken, before any link is made.
#include <algorithm>

#include "base/error.hpp"
#include "base/id.hpp"
#include "base/strings.hpp"
#include "base/undo.hpp"
#include "network/internal.hpp"

namespace berth::network {
namespace {

/// How long a bridge may remember behind which port an address was.
constexpr std::chrono::minutes memory_of_bridge{10};

std::optional<IpAddress> wanted_address(const EndpointConfig& config, bool v6) {
  if (!config.IPAMConfig) return std::nullopt;
  const std::string& text = v6 ? config.IPAMConfig->IPv6Address : config.IPAMConfig->IPv4Address;
  return text.empty() ? std::nullopt : std::optional{parse_ip(text)};
}

/// Docker's checks of the user's part, each fault on its own line.
std::vector<std::string> faults_of(const Network& network, const EndpointConfig& config) {
  std::vector<std::string> faults;
  const auto& record = network.record;
  if (config.Aliases && !config.Aliases->empty() && is_predefined(network.name())) {
    faults.emplace_back("network-scoped aliases are only supported for user-defined networks");
  }
  if (!config.MacAddress.empty() && !find_mac(config.MacAddress)) {
    faults.push_back(fmt::format("invalid MAC address: {}", config.MacAddress));
  }
  if (!config.IPAMConfig) return faults;
  for (const bool v6 : {false, true}) {
    const std::string& text = v6 ? config.IPAMConfig->IPv6Address : config.IPAMConfig->IPv4Address;
    if (text.empty()) continue;
    const auto address = find_ip(text);
    if (!address || address->is_v6() != v6) {
      faults.push_back(fmt::format("invalid IPv{} address: {}", v6 ? 6 : 4, text));
    } else if (is_predefined(network.name())) {
      faults.emplace_back("user specified IP address is supported on user defined networks only");
    } else if (!(v6 ? record.given_v6 : record.given_v4)) {
      faults.emplace_back(
          "user specified IP address is supported only when connecting to networks with user configured subnets");
    } else if (std::ranges::none_of(network.subnets,
                                    [&](const Subnet& subnet) { return subnet.subnet.contains(*address); })) {
      faults.push_back(fmt::format("no configured subnet or ip-range contain the IP address {}", text));
    }
  }
  for (const auto& text : config.IPAMConfig->LinkLocalIPs) {
    const auto address = find_ip(text);
    if (!address || !address->is_link_local()) faults.push_back(fmt::format("invalid link-local IP address: {}", text));
  }
  return faults;
}

void check(const Network& network, const EndpointConfig& config) {
  if (const auto faults = faults_of(network, config); !faults.empty()) {
    throw Error{Kind::invalid, "invalid config for network {}: invalid endpoint settings:\n{}", network.name(),
                join(faults, "\n")};
  }
}

/// 02:42 and the IPv4 address: whoever has the address has the same MAC address, so no neighbour's memory is wrong.
MacAddress derive_mac(const Endpoint& endpoint) {
  MacAddress mac{{0x02, 0x42}};
  if (endpoint.v4) {
    std::ranges::copy(endpoint.v4->address.bytes(), mac.bytes.begin() + 2);
  } else if (endpoint.v6) {
    std::ranges::copy(endpoint.v6->address.bytes().last(4), mac.bytes.begin() + 2);
  }
  return mac;
}

/// The container's name, its aliases, its short ID and its host name, each once.
std::vector<std::string> dns_names(const Member& member, const EndpointConfig& config) {
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    if (!name.empty() && std::ranges::find(names, name) == names.end()) names.push_back(name);
  };
  add(member.name);
  if (config.Aliases) {
    for (const auto& alias : *config.Aliases) add(alias);
  }
  add(short_id(member.container_id));
  add(member.hostname);
  return names;
}

std::string choose_link_name(const Network& network, const EndpointOptions& options,
                             const std::vector<Endpoint>& others) {
  const auto is_taken = [&](const std::string& name) {
    return std::ranges::find(others, name, &Endpoint::link) != others.end();
  };
  if (!options.link.empty()) {
    if (is_taken(options.link)) throw Error{Kind::conflict, "the container has a link {} already", quote(options.link)};
    return options.link;
  }
  for (unsigned number = 0;; ++number) {
    auto name = network.options.link_prefix + std::to_string(number);
    if (!is_taken(name)) return name;
  }
}

std::optional<IpAddress> gateway_for(const Network& network, const Cidr& address) {
  const auto v6 = address.address.is_v6();
  const auto& configs = *network.record.shown.IPAM.Config;
  for (const auto& config : configs) {
    if (!parse_cidr(config.Subnet).contains(address.address)) continue;
    const auto named = config.AuxiliaryAddresses.find(v6 ? "DefaultGatewayIPv6" : "DefaultGatewayIPv4");
    if (named != config.AuxiliaryAddresses.end()) return find_ip(named->second);
    return find_ip(config.Gateway);
  }
  return std::nullopt;
}

bool take_addresses(Network& network, Endpoint& endpoint) {
  bool reused = false;
  for (const bool v6 : {false, true}) {
    if (!(v6 ? network.record.shown.EnableIPv6 : network.record.shown.EnableIPv4)) continue;
    Cidr address{IpAddress::any(v6), 0};
    try {
      address = take_address(network.subnets, v6, wanted_address(endpoint.config, v6));
    } catch (const Error& error) {
      if (error.kind() != Kind::internal) throw;
      throw Error{Kind::internal, "{}: {} ({})", error.message(), network.name(), network.id()};
    }
    (v6 ? endpoint.v6 : endpoint.v4) = address;
    (v6 ? endpoint.gateway_v6 : endpoint.gateway_v4) = gateway_for(network, address);
    const auto before = network.given_back.find(address.address);
    if (before == network.given_back.end()) continue;
    reused = reused || std::chrono::steady_clock::now() - before->second < memory_of_bridge;
    network.given_back.erase(before);
  }
  return reused;
}

Reservation::Place place(const std::shared_ptr<Network>& network, const Member& member, const EndpointConfig& config,
                         const std::vector<Endpoint>& others) {
  if (network->record.shown.ConfigOnly) {
    throw Error{Kind::forbidden, "cannot connect to configuration-only network {}", quote(network->name())};
  }
  const auto& driver = get_driver(network->record.shown.Driver);
  Reservation::Place made{.network = network};
  auto& endpoint = made.endpoint;
  endpoint = {.network_id = network->id(),
              .network_name = network->name(),
              .driver = network->record.shown.Driver,
              .endpoint_id = make_id(),
              .config = config,
              .internal = network->record.shown.Internal};
  check(*network, config);
  if (!is_predefined(network->name())) endpoint.dns_names = dns_names(member, config);
  if (!driver.has_links()) return made;
  endpoint.link = choose_link_name(*network, parse_endpoint_options(config.DriverOpts), others);
  if (driver.has_host_links()) endpoint.host_link = make_veth_name();
  if (driver.has_addresses()) made.reused = take_addresses(*network, endpoint);
  if (driver.has_mac()) {
    endpoint.mac = config.MacAddress.empty() ? derive_mac(endpoint) : parse_mac(config.MacAddress);
  }
  return made;
}

std::vector<Endpoint> endpoints_of(const std::vector<Reservation::Place>& places) {
  std::vector<Endpoint> endpoints;
  for (const auto& one : places) endpoints.push_back(one.endpoint);
  return endpoints;
}

}  // namespace

void Networks::Impl::release(State& all, const std::vector<Endpoint>& endpoints) noexcept {
  for (const auto& endpoint : endpoints) {
    const auto found = all.networks.find(endpoint.network_id);
    if (found == all.networks.end()) continue;
    for (const auto* address : {&endpoint.v4, &endpoint.v6}) {
      if (!*address) continue;
      release_address(found->second->subnets, (*address)->address);
      found->second->given_back[(*address)->address] = std::chrono::steady_clock::now();
    }
  }
}

Reservation Networks::Impl::reserve(State& all, const Sandbox& sandbox, const JoinRequest& request,
                                    ResolverPorts resolver) {
  Reservation reservation;
  Undo undo;
  undo.add([&]() noexcept { release(all, endpoints_of(reservation.places)); });
  for (const auto& wanted : request.endpoints) {
    const auto network = all.get(wanted.network);
    const auto others = endpoints_of(reservation.places);
    if (std::ranges::find(others, network->id(), &Endpoint::network_id) != others.end()) {
      throw Error{Kind::invalid, "network {} is asked for twice", network->name()};
    }
    reservation.places.push_back(place(network, request.member, wanted.config, others));
  }
  // The link that waits in the sandbox is for the first endpoint, if it can use it.
  if (sandbox.ready_link && !reservation.places.empty()) {
    auto& first = reservation.places.front();
    if (get_driver(first.endpoint.driver).has_host_links()) first.endpoint.host_link = sandbox.ready_link->host_name;
  }
  all.members[request.member.container_id] = {.member = request.member,
                                              .sandbox_id = make_id(),
                                              .dns = request.dns,
                                              .resolver = resolver,
                                              .endpoints = endpoints_of(reservation.places),
                                              .port_requests = request.ports};
  undo.dismiss();
  return reservation;
}

Reservation Networks::Impl::reserve_more(State& all, const Member& member, const EndpointRequest& request) {
  const auto network = all.get(request.network);
  auto& record = all.members[member.container_id];
  if (record.member.container_id.empty()) record = {.member = member, .sandbox_id = make_id()};
  if (std::ranges::find(record.endpoints, network->id(), &Endpoint::network_id) != record.endpoints.end()) {
    throw Error{Kind::forbidden, "endpoint with name {} already exists in network {}", member.name, network->name()};
  }
  Reservation reservation;
  reservation.places.push_back(place(network, member, request.config, record.endpoints));
  record.endpoints.push_back(reservation.places.front().endpoint);
  return reservation;
}

}  // namespace berth::network

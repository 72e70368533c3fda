// Networks and containers towards the firewall: what it is told of bridges and of published ports.
#include <poll.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/undo.hpp"
#include "network/internal.hpp"

namespace berth::network {
namespace {

/// Where an unspecified address is the default, both families are meant.
std::optional<IpAddress> default_address(const Network& network, const Settings& settings) {
  if (network.options.host_binding && !network.options.host_binding->is_any()) return network.options.host_binding;
  if (settings.publish_default_address && !settings.publish_default_address->is_any()) {
    return settings.publish_default_address;
  }
  return std::nullopt;
}

/// Whether the UDP ports of a container without IPv6 are relayed to it. Each takes a socket, so it is all of them or
/// none.
bool relays_datagrams(const std::string& container, std::span<const PortRequest> requests, PortTarget target) {
  target.relay_datagrams_v6 = target.relay_v6;
  if (count_relayed_datagram_ports(requests, target) <= max_relayed_datagram_ports) return target.relay_v6;
  const bool is_explicit = std::ranges::any_of(requests, [](const PortRequest& request) {
    return request.protocol == Protocol::udp && request.host_address && request.host_address->is_v6();
  });
  if (is_explicit) {
    throw Error{Kind::unsupported, "a container without IPv6 can have no more than {} UDP ports at IPv6 addresses",
                max_relayed_datagram_ports};
  }
  log::warn("so many UDP ports are not relayed from IPv6 to a container without it: they are published by IPv4 alone",
            {{"id", container}});
  return false;
}

/// What was published goes on at the same ports of the host, to the container's new addresses.
std::vector<Publication> retarget(const std::vector<Publication>& publications, const PortTarget& target) {
  std::vector<Publication> moved;
  for (auto publication : publications) {
    const auto& address = publication.container.is_v6() ? target.v6 : target.v4;
    if (!address) continue;
    publication.container = *address;
    moved.push_back(publication);
  }
  return moved;
}

}  // namespace

std::optional<BridgeRules> rules_of(const Network& network, const Settings& settings) {
  const auto& shown = network.record.shown;
  if (shown.Driver != "bridge" || shown.ConfigOnly) return std::nullopt;
  BridgeRules rules{.link = network.record.link,
                    .internal = shown.Internal,
                    .icc = network.options.icc,
                    .masquerade = network.options.masquerade,
                    .direct = settings.allow_direct_routing,
                    .v4 = network.options.v4,
                    .v6 = network.options.v6};
  for (const auto& config : shown.IPAM.Config.value_or(std::vector<IpamSubnet>{})) {
    rules.subnets.push_back(parse_cidr(config.Subnet));
  }
  return rules;
}

PortTarget Networks::Impl::target_of(const State& all, const std::vector<Endpoint>& endpoints) const {
  PortTarget target;
  for (const bool v6 : {false, true}) {
    const auto* endpoint = choose_gateway(endpoints, v6);
    // On other drivers' networks a container is reached at its own address.
    if (endpoint == nullptr || endpoint->driver != "bridge") continue;
    const auto network = all.networks.find(endpoint->network_id);
    if (network == all.networks.end()) continue;
    const auto& options = network->second->options;
    (v6 ? target.v6 : target.v4) = (v6 ? endpoint->v6 : endpoint->v4)->address;
    (v6 ? target.routed_v6 : target.routed_v4) = (v6 ? options.v6 : options.v4) == GatewayMode::routed;
    target.default_address = default_address(*network->second, settings);
  }
  target.relay_v6 = target.v4 && !target.v6 && !target.routed_v4;
  return target;
}

std::vector<Publication> Networks::Impl::reserve_ports(const std::string& container_id) {
  auto [requests, target, endpoint] = state.with([&](const State& all) {
    const auto& record = all.members.at(container_id);
    const auto* gateway = choose_gateway(record.endpoints, false);
    if (gateway == nullptr) gateway = choose_gateway(record.endpoints, true);
    const auto id = gateway != nullptr ? gateway->endpoint_id : std::string{};
    return std::tuple{record.port_requests, target_of(all, record.endpoints),
                      fmt::format("{} ({})", record.member.name, id)};
  });
  if (requests.empty() || (!target.v4 && !target.v6)) return {};
  target.relay_datagrams_v6 = relays_datagrams(container_id, requests, target);
  try {
    return ports.reserve(requests, target);
  } catch (Error& error) {
    throw error.in("driver failed programming external connectivity on endpoint {}", endpoint);
  }
}

void Networks::Impl::unpublish(const std::vector<Publication>& publications) noexcept {
  if (publications.empty()) return;
  try {
    firewall.withdraw(publications);
  } catch (const Error& error) {
    log::warn("published ports still lead to a container that is gone", {{"error", error.message()}});
  }
  ports.release(publications);
}

void Networks::Impl::move_ports(const std::string& container_id, Sandbox* sandbox) {
  const auto record = find_member(container_id);
  if (!record || record->port_requests.empty()) return;
  const auto target = state.with([&](const State& all) { return target_of(all, record->endpoints); });
  auto moved = record->publications.empty() ? reserve_ports(container_id) : retarget(record->publications, target);
  Undo until_recorded;
  if (record->publications.empty()) until_recorded.add([&]() noexcept { ports.release(moved); });
  if (moved == record->publications) return;
  if (sandbox != nullptr) sandbox->relay = make_relay(moved);
  if (!record->publications.empty()) firewall.withdraw(record->publications);
  std::vector<Publication> dropped;
  for (const auto& old : record->publications) {
    if (!(old.container.is_v6() ? target.v6 : target.v4)) dropped.push_back(old);
  }
  if (sandbox != nullptr) {
    // Only then: the sockets of the relay before are at these ports.
    sandbox->relay->afterwards = std::make_unique<Undo>();
    sandbox->relay->afterwards->add([this, dropped]() noexcept { ports.release(dropped); });
  } else {
    ports.release(dropped);
  }
  change_member(container_id, [&](MemberRecord& changed) { changed.publications = moved; });
  until_recorded.dismiss();
  if (!moved.empty()) firewall.publish(moved);
}

void Networks::restore_relay(Sandbox& sandbox, const std::string& container_id, std::span<const UniqueFd> sockets) {
  const auto record = impl_->find_member(container_id);
  if (!record || are_relayed(record->publications, sockets)) return;
  auto renewed = record->publications;
  sandbox.relay = make_relay(renewed);
  impl_->firewall.withdraw(record->publications);
  impl_->change_member(container_id, [&](MemberRecord& changed) { changed.publications = renewed; });
  impl_->firewall.publish(renewed);
}

void Networks::Impl::restore_firewall() {
  std::vector<BridgeRules> bridges;
  std::vector<Publication> publications;
  bool v6 = false;
  state.with([&](const State& all) {
    for (const auto& [id, network] : all.networks) {
      if (auto rules = rules_of(*network, settings)) bridges.push_back(std::move(*rules));
      v6 = v6 || network->record.shown.EnableIPv6;
    }
    for (const auto& [id, member] : all.members)
      std::ranges::copy(member.publications, std::back_inserter(publications));
  });
  ports.adopt(publications);
  try {
    firewall.restore(bridges, publications);
    if (!settings.ip_forward) return;
    firewall.enable_forwarding(false, settings.ip_forward_no_drop);
    if (v6) firewall.enable_forwarding(true, settings.ip_forward_no_drop);
  } catch (const Error& error) {
    log::warn("no firewall: networks are not isolated and ports are not published, going on without it",
              {{"error", error.message()}});
  }
}

void Networks::Impl::guard_firewall(const std::stop_token& stop) {
  const auto wake = make_eventfd();
  const std::stop_callback on_stop{stop, [&] {
                                     const std::uint64_t one = 1;
                                     write_all(wake, {reinterpret_cast<const char*>(&one), sizeof one});
                                   }};
  std::array<pollfd, 2> watched{pollfd{firewall.changes().get(), POLLIN, 0}, pollfd{wake.get(), POLLIN, 0}};
  while (!stop.stop_requested()) {
    if (::poll(watched.data(), watched.size(), -1) < 0 && errno != EINTR) return;
    if ((watched[0].revents & POLLIN) == 0) continue;
    try {
      firewall.heal();
    } catch (const Error& error) {
      log::warn("table berth is damaged and not repaired", {{"error", error.message()}});
    }
  }
}

}  // namespace berth::network

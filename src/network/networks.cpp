// The front of the module: what is looked up, and how the parts are put together.
#include <algorithm>

#include "base/error.hpp"
#include "base/id.hpp"
#include "base/strings.hpp"
#include "network/internal.hpp"

namespace berth::network {
namespace {

std::vector<AddressPool> pools_of(const Settings& settings, const std::string& owner) {
  if (settings.default_address_pools.empty()) return default_pools(owner);
  auto pools = settings.default_address_pools;
  // Who names pools of IPv4 only still gets IPv6 subnets when he asks for IPv6.
  if (std::ranges::none_of(pools, [](const AddressPool& pool) { return pool.base.address.is_v6(); })) {
    std::ranges::copy_if(default_pools(owner), std::back_inserter(pools),
                         [](const AddressPool& pool) { return pool.base.address.is_v6(); });
  }
  return pools;
}

}  // namespace

bool is_predefined(std::string_view name) {
  return name == "bridge" || name == "host" || name == "none" || name == "default";
}

std::shared_ptr<Network> Networks::Impl::State::find(const std::string& name_or_id) const {
  if (const auto found = networks.find(name_or_id); found != networks.end()) return found->second;
  for (const auto& [id, network] : networks) {
    if (network->name() == name_or_id) return network;
  }
  std::shared_ptr<Network> match;
  std::size_t matches = 0;
  if (name_or_id.empty()) return match;
  for (auto next = networks.lower_bound(name_or_id); next != networks.end() && next->first.starts_with(name_or_id);
       ++next, ++matches) {
    match = next->second;
  }
  if (matches > 1) {
    throw Error{Kind::invalid, "network {} is ambiguous ({} matches found based on ID prefix)", name_or_id, matches};
  }
  return match;
}

std::shared_ptr<Network> Networks::Impl::State::get(const std::string& name_or_id) const {
  if (auto found = find(name_or_id)) return found;
  throw Error{Kind::not_found, "network {} not found", name_or_id};
}

std::vector<std::pair<const MemberRecord*, const Endpoint*>> Networks::Impl::State::endpoints_on(
    const std::string& network_id) const {
  std::vector<std::pair<const MemberRecord*, const Endpoint*>> found;
  for (const auto& [id, member] : members) {
    for (const auto& endpoint : member.endpoints) {
      if (endpoint.network_id == network_id) found.emplace_back(&member, &endpoint);
    }
  }
  return found;
}

Networks::Impl::Impl(Settings given, Collaborators others)
    : settings(std::move(given)),
      collaborators(std::move(others)),
      records(collaborators.database),
      pools(pools_of(settings, records.owner())),
      firewall({.direct_routing = settings.allow_direct_routing, .shortcut = settings.connect_redirect}),
      removals([this](const Network& network) {
        Host host{records.owner()};
        get_driver(network.record.shown.Driver).remove(host, network);
      }),
      sandboxes(settings.ready_sandboxes, settings.ready_bare_sandboxes,
                [this](SandboxKind kind) { return make_sandbox(kind); }) {
  state.with([&](State& all) {
    for (auto& record : records.networks()) {
      auto id = record.shown.Id;
      all.networks.emplace(std::move(id), std::make_shared<Network>(std::move(record)));
    }
    for (auto& member : records.members()) {
      for (const auto& endpoint : member.endpoints) {
        const auto found = all.networks.find(endpoint.network_id);
        if (found == all.networks.end()) continue;
        auto& subnets = found->second->subnets;
        for (const auto* address : {&endpoint.v4, &endpoint.v6}) {
          if (*address) mark_used(subnets, (*address)->address);
        }
      }
      auto id = member.member.container_id;
      // Whoever has ended meanwhile is forgotten when `leave` is called for it.
      resolvers.update(id, member.endpoints, member.dns);
      all.members.emplace(std::move(id), std::move(member));
    }
  });
}

Sandbox Networks::Impl::make_sandbox(SandboxKind kind) {
  if (kind == SandboxKind::bare) return Sandbox::make();
  Host host{records.owner()};
  if (kind == SandboxKind::named) {
    auto sandbox = Sandbox::make(host.socket(), make_veth_name(), 0, usual_mtu, link_alias(host, "veth", "ready"));
    sandbox.ready_resolver = open_resolver_sockets(sandbox.netns());
    return sandbox;
  }
  const auto bridge = state.with([](const State& all) { return all.find("bridge"); });
  if (!bridge || !bridge_driver().is_whole(*bridge)) return Sandbox::make();
  const auto mtu = bridge->options.mtu == 0 ? settings.mtu : bridge->options.mtu;
  return Sandbox::make(host.socket(), make_veth_name(), bridge->link_index, mtu, link_alias(host, "veth", "ready"));
}

void Networks::Impl::refill() {
  const auto has_names_and_links = [](const auto& entry) {
    const auto& shown = entry.second->record.shown;
    return !is_predefined(shown.Name) && !shown.ConfigOnly && get_driver(shown.Driver).has_host_links();
  };
  sandboxes.refill(
      state.with([&](const State& all) { return std::ranges::any_of(all.networks, has_names_and_links); }));
}

std::string make_veth_name() {
  return "veth" + random_hex(4).substr(0, 7);
}

void Networks::Impl::publish(std::string_view action, const Network& network, const std::string& container_id) {
  if (!collaborators.publish) return;
  NetworkEvent event{
      std::string{action}, network.id(), {{"name", network.name()}, {"type", network.record.shown.Driver}}};
  if (!container_id.empty()) event.attributes["container"] = container_id;
  collaborators.publish(event);
}

Networks::Networks(Settings settings, Collaborators collaborators)
    : impl_(std::make_unique<Impl>(std::move(settings), std::move(collaborators))) {}

Networks::~Networks() = default;

std::optional<NetworkKey> Networks::find(const std::string& name_or_id) {
  return impl_->state.with([&](const Impl::State& state) -> std::optional<NetworkKey> {
    const auto network = state.find(name_or_id);
    if (!network) return std::nullopt;
    const auto& shown = network->record.shown;
    return NetworkKey{shown.Id, shown.Name, shown.Driver, shown.Internal, !is_predefined(shown.Name)};
  });
}

std::optional<Connections> Networks::connections(const std::string& container_id) {
  return impl_->state.with([&](const Impl::State& state) -> std::optional<Connections> {
    const auto found = state.members.find(container_id);
    if (found == state.members.end()) return std::nullopt;
    return Connections{found->second.endpoints, found->second.publications, found->second.sandbox_id};
  });
}

std::vector<std::string> Networks::members() {
  return impl_->state.with([](const Impl::State& state) {
    std::vector<std::string> ids;
    for (const auto& [id, member] : state.members) ids.push_back(id);
    return ids;
  });
}

void Networks::refill() {
  impl_->remove_left_links();
  impl_->refill();
}

}  // namespace berth::network

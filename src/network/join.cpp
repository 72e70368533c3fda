// Containers come to their networks and leave them.
#include <algorithm>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/undo.hpp"
#include "network/internal.hpp"

namespace berth::network {
std::optional<MemberRecord> Networks::Impl::find_member(const std::string& container_id) {
  return state.with([&](const State& all) {
    const auto found = all.members.find(container_id);
    return found == all.members.end() ? std::nullopt : std::optional{found->second};
  });
}

void Networks::Impl::change_member(const std::string& container_id, const std::function<void(MemberRecord&)>& change) {
  state.with([&](State& all) {
    const auto found = all.members.find(container_id);
    if (found == all.members.end()) return;
    change(found->second);
    records.put(found->second);
  });
}

std::vector<Endpoint> Networks::Impl::forget(const std::string& container_id) noexcept {
  const auto record = find_member(container_id);
  if (!record) return {};
  resolvers.stop(container_id);
  unpublish(record->publications);
  state.with([&](State& all) {
    // Only now may somebody else have the addresses.
    release(all, record->endpoints);
    all.members.erase(container_id);
    for (const auto& endpoint : record->endpoints) {
      if (!endpoint.host_link.empty())
        all.left_links.emplace_back(endpoint.host_link, std::chrono::steady_clock::now());
    }
    try {
      records.remove_member(container_id);
    } catch (const Error& error) {
      log::warn("row of a container's networks is left until the next start",
                {{"container", container_id}, {"error", error.message()}});
    }
  });
  return record->endpoints;
}

void Networks::Impl::remove_left_links() {
  // Most namespaces are gone by then, and their links with them: taking those away before would only hold up others.
  constexpr std::chrono::seconds grace{1};
  std::vector<std::string> due;
  state.with([&](State& all) {
    std::erase_if(all.left_links, [&](const auto& left) {
      if (std::chrono::steady_clock::now() - left.second < grace) return false;
      due.push_back(left.first);
      return true;
    });
  });
  if (due.empty()) return;
  netlink::Socket host;
  for (const auto& name : due) {
    try {
      const auto link = host.find_link(name);
      if (link && link->alias.ends_with(" " + records.owner())) host.apply(netlink::Request{}.remove_link(link->index));
    } catch (const Error& error) {
      log::warn("link of a container that ended is left", {{"link", name}, {"error", error.message()}});
    }
  }
}

void Networks::Impl::forget_endpoint(const std::string& container_id, const std::string& network_id) noexcept {
  state.with([&](State& all) {
    const auto member = all.members.find(container_id);
    if (member == all.members.end()) return;
    auto& endpoints = member->second.endpoints;
    const auto found = std::ranges::find(endpoints, network_id, &Endpoint::network_id);
    if (found == endpoints.end()) return;
    release(all, {*found});
    endpoints.erase(found);
    try {
      records.put(member->second);
    } catch (const Error& error) {
      log::warn("row of a container's networks is out of date",
                {{"container", container_id}, {"error", error.message()}});
    }
  });
}

Sandbox Networks::take_sandbox(std::span<const EndpointRequest> endpoints) {
  const auto linked = !endpoints.empty() && impl_->state.with([&](const Impl::State& state) {
    const auto network = state.find(endpoints.front().network);
    return network && get_driver(network->record.shown.Driver).has_host_links();
  });
  if (!linked) return impl_->sandboxes.take(SandboxKind::bare);
  return impl_->sandboxes.take(impl_->has_names(endpoints) ? SandboxKind::named : SandboxKind::linked);
}

Sandbox Networks::open_sandbox(pid_t process) {
  return Sandbox::of(process);
}

Connections Networks::join(Sandbox& sandbox, const JoinRequest& request) {
  const auto& id = request.member.container_id;
  leave(id);
  ResolverSockets resolver;
  auto ready = std::exchange(sandbox.ready_resolver, std::nullopt);
  if (impl_->has_names(request.endpoints)) {
    resolver = ready ? std::move(*ready) : open_resolver_sockets(sandbox.netns());
  }
  const auto reservation =
      impl_->state.with([&](Impl::State& state) { return impl_->reserve(state, sandbox, request, resolver.ports); });
  Undo undo;
  undo.add([&]() noexcept { impl_->forget(id); });
  for (const auto& place : reservation.places) impl_->restore_link(*place.network);
  auto publications = impl_->reserve_ports(id);
  Undo until_recorded;  // and `forget` knows them
  until_recorded.add([&]() noexcept { impl_->ports.release(publications); });
  if (auto relay = make_relay(publications); relay.is_needed()) sandbox.relay = std::move(relay);
  // The row before the first link: whatever happens now, the next start of the daemon knows what to release.
  impl_->change_member(id, [&](MemberRecord& record) { record.publications = publications; });
  until_recorded.dismiss();
  Host host{impl_->records.owner()};
  const auto& places = reservation.places;
  if (sandbox.ready_link && (places.empty() || places.front().endpoint.host_link != sandbox.ready_link->host_name)) {
    host.socket().apply(netlink::Request{}.remove_link(sandbox.ready_link->host_index));
    sandbox.ready_link.reset();
  }
  plug(host, sandbox, places, {});
  if (!publications.empty()) impl_->firewall.publish(publications);
  auto made = connections(id).value_or(Connections{});
  if (resolver.sockets.udp) sandbox.resolver_sockets = copies_of(resolver);
  if (resolver.sockets.udp) impl_->resolvers.start(id, std::move(resolver), made.endpoints, request.dns);
  undo.dismiss();
  for (const auto& place : places) impl_->publish("connect", *place.network, id);
  return made;
}

bool Networks::Impl::has_names(std::span<const EndpointRequest> requests) const {
  return state.with([&](const State& all) {
    return std::ranges::any_of(requests, [&](const EndpointRequest& request) {
      const auto network = all.find(request.network);
      return network && !is_predefined(network->name());
    });
  });
}

void Networks::Impl::update_resolver(const std::string& container_id, Sandbox* sandbox) {
  const auto record = find_member(container_id);
  if (!record) return;
  resolvers.update(container_id, record->endpoints, record->dns);
  if (sandbox == nullptr || record->resolver != ResolverPorts{} || !needs_resolver(record->endpoints)) return;
  auto sockets = open_resolver_sockets(sandbox->netns());
  change_member(container_id, [&](MemberRecord& changed) { changed.resolver = sockets.ports; });
  sandbox->resolver_sockets = copies_of(sockets);
  resolvers.start(container_id, std::move(sockets), record->endpoints, record->dns);
}

void Networks::resume(Sandbox& sandbox, const std::string& container_id, std::vector<UniqueFd> resolver_sockets) {
  const auto record = impl_->find_member(container_id);
  if (!record || record->resolver == ResolverPorts{}) return;
  auto sockets = find_resolver_sockets(std::move(resolver_sockets), record->resolver);
  if (!sockets) {
    sockets = open_resolver_sockets(sandbox.netns(), record->resolver);
    sandbox.resolver_sockets = copies_of(*sockets);
  }
  if (sockets->ports != record->resolver) {
    impl_->change_member(container_id, [&](MemberRecord& changed) { changed.resolver = sockets->ports; });
  }
  impl_->resolvers.start(container_id, std::move(*sockets), record->endpoints, record->dns);
}

void Networks::leave(const std::string& container_id) {
  for (const auto& endpoint : impl_->forget(container_id)) {
    const auto network = impl_->state.with([&](const Impl::State& state) { return state.find(endpoint.network_id); });
    if (network) impl_->publish("disconnect", *network, container_id);
  }
}

Endpoint Networks::connect(Sandbox& sandbox, const Member& member, const EndpointRequest& request) {
  const auto& id = member.container_id;
  std::vector<Endpoint> present;
  const auto reservation = impl_->state.with([&](Impl::State& state) {
    if (const auto found = state.members.find(id); found != state.members.end()) present = found->second.endpoints;
    return impl_->reserve_more(state, member, request);
  });
  const auto& place = reservation.places.front();
  Undo undo;
  undo.add([&]() noexcept {
    auto with = present;
    with.push_back(place.endpoint);
    unplug(sandbox, place.endpoint, with, present);
    impl_->forget_endpoint(id, place.endpoint.network_id);
  });
  impl_->change_member(id, [](MemberRecord&) {});  // its row, before the link
  impl_->restore_link(*place.network);
  Host host{impl_->records.owner()};
  plug(host, sandbox, reservation.places, present);
  impl_->move_ports(id, &sandbox);
  impl_->update_resolver(id, &sandbox);
  undo.dismiss();
  impl_->publish("connect", *place.network, id);
  return place.endpoint;
}

void Networks::disconnect(Sandbox* sandbox, const std::string& container_id, const std::string& name) {
  const auto [network, before] = impl_->state.with([&](const Impl::State& state) {
    auto found = state.get(name);
    const auto member = state.members.find(container_id);
    const auto connected = member != state.members.end() &&
                           std::ranges::find(member->second.endpoints, found->id(), &Endpoint::network_id) !=
                               member->second.endpoints.end();
    if (!connected) {
      throw Error{Kind::forbidden, "container {} is not connected to network {}", container_id, found->name()};
    }
    return std::pair{found, member->second.endpoints};
  });
  const auto& id = network->id();
  if (sandbox != nullptr) {
    auto after = before;
    std::erase_if(after, [&](const Endpoint& endpoint) { return endpoint.network_id == id; });
    unplug(*sandbox, *std::ranges::find(before, id, &Endpoint::network_id), before, after);
  }
  impl_->forget_endpoint(container_id, id);
  impl_->move_ports(container_id, sandbox);
  impl_->update_resolver(container_id, nullptr);
  impl_->publish("disconnect", *network, container_id);
}

void Networks::rename(const std::string& container_id, const std::string& name) {
  impl_->state.with([&](Impl::State& state) {
    const auto found = state.members.find(container_id);
    if (found == state.members.end()) return;
    auto& record = found->second;
    for (auto& endpoint : record.endpoints) {
      std::ranges::replace(endpoint.dns_names, record.member.name, name);
    }
    record.member.name = name;
    impl_->records.put(record);
  });
  impl_->update_resolver(container_id, nullptr);
}

}  // namespace berth::network

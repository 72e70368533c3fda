// A container's place in the network: found or made at start, given up at its end.
#include "containers/networking.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/log.hpp"
#include "containers/internal.hpp"
#include "containers/network_mode.hpp"
#include "containers/ports.hpp"
#include "containers/spec_parts.hpp"
#include "linux/process.hpp"
#include "network/network.hpp"

namespace berth::containers {
namespace {

/// What `open` opens of a process of this container. Its number may be another process's by now: the descriptor says
/// whether the process has lived all the time, and its cgroup whose it is.
template <class Open>
auto open_of_process(const std::string& id, pid_t pid, Open&& open) {
  const Error ended{Kind::conflict, "cannot join network of a non running container: {}", id};
  try {
    const auto process = kernel::open_pidfd(pid);
    auto opened = std::forward<Open>(open)();
    const auto groups = find_file(fmt::format("/proc/{}/cgroup", pid));
    pollfd end{process.get(), POLLIN, 0};
    if (groups && groups->contains(id) && ::poll(&end, 1, 0) == 0) return opened;
  } catch (const Error& error) {
    if (error.kind() != Kind::not_found && error.errno_value() != ENOENT) throw;
  }
  throw Error{ended};
}

std::vector<network::EndpointRequest> requests_of(const Definition& definition) {
  std::vector<network::EndpointRequest> requests;
  if (definition.config.NetworkDisabled.value_or(false)) return requests;
  for (const auto& [network, config] : endpoints_of(definition)) requests.push_back({network, config});
  // The network that the mode names becomes eth0.
  const auto main = network_of(definition.host_config.NetworkMode);
  std::ranges::stable_partition(requests, [&](const auto& request) { return request.network == main; });
  return requests;
}

bool asks_for_host_gateway(const HostConfig& host_config) {
  const auto hosts = host_config.ExtraHosts.value_or(std::vector<std::string>{});
  return std::ranges::any_of(hosts,
                             [](const auto& line) { return parse_extra_host(line).address == host_gateway_word; });
}

}  // namespace

NetworkView view_of(const network::Connections& connections) {
  NetworkView view;
  for (const auto& endpoint : connections.endpoints) {
    if (endpoint.v4) view.addresses.push_back(endpoint.v4->address);
    if (endpoint.v6) view.addresses.push_back(endpoint.v6->address);
    view.has_ipv6 = view.has_ipv6 || endpoint.v6.has_value();
    view.has_resolver = view.has_resolver || is_user_defined(endpoint.network_name);
  }
  return view;
}

network::Member member_of(const Record& record) {
  const auto& config = record.definition.config;
  return {.container_id = record.id, .name = record.name, .hostname = config.Hostname, .domainname = config.Domainname};
}

NetworkPlace Containers::Impl::enter_network(const ContainerPtr& container, Record& record) {
  const auto& host_config = record.definition.host_config;
  if (is_container_mode(host_config.NetworkMode)) return join_network_of_other(container, record);
  name_networks(container, record);
  NetworkPlace place;
  place.files = paths(record.id).directory;
  auto requests = requests_of(record.definition);
  if (!settings.has_default_bridge)
    std::erase_if(requests, [](const auto& one) { return one.network == default_network; });
  const bool of_host = is_host(host_config.NetworkMode);
  network::JoinRequest request{.member = member_of(record), .endpoints = requests};
  request.dns = dns_of(host_config, settings.dns);
  if (!of_host) request.ports = plan_ports(record.definition.config, host_config);
  auto& networks = collaborators.networks;
  try {
    auto sandbox = of_host ? networks.open_sandbox(::getpid()) : networks.take_sandbox(requests);
    place.connections = networks.join(sandbox, request);
    if (!of_host) place.sandbox = std::move(sandbox);
  } catch (Error& error) {
    throw error.in("failed to set up container networking");
  }
  try {
    place.view = view_of(place.connections);
    if (asks_for_host_gateway(host_config)) place.view.host_gateways = host_gateways();
    add_links(record, place);
  } catch (...) {
    leave_network(record.id);
    throw;
  }
  return place;
}

void Containers::Impl::name_networks(const ContainerPtr& container, Record& record) {
  const auto given = endpoints_of(record.definition);
  auto named = with_names(given, record.definition.host_config);
  const auto same_name = [](const auto& a, const auto& b) { return a.first == b.first; };
  if (std::ranges::equal(given, named, same_name)) return;
  record.definition.endpoints.emplace(std::move(named));
  container->with([&](Record& current, Container::Live&) {
    current.definition = record.definition;
    records.update_definition(current.id, current.definition);
  });
}

NetworkPlace Containers::Impl::join_network_of_other(const ContainerPtr& container, Record& record) {
  const std::string name{target_of(record.definition.host_config.NetworkMode)};
  const auto other = get(name);
  if (other == container) throw Error{Kind::invalid, "cannot join own network namespace"};
  const auto joined = other->record();
  if (joined.state.status == Status::restarting) {
    throw Error{Kind::conflict,
                "cannot join network namespace of container: Container {} is restarting, wait until the "
                "container is running",
                name};
  }
  if (!joined.state.has_process()) {
    throw Error{Kind::conflict, "cannot join network of a non running container: {}", other->id};
  }
  NetworkPlace place;
  place.joined = open_of_process(other->id, joined.state.pid,
                                 [&] { return open_file(fmt::format("/proc/{}/ns/net", joined.state.pid), O_RDONLY); });
  place.files = network_directory(joined);
  place.owns_files = false;
  // It has the other one's name as well, and goes on being shown with it.
  auto& config = record.definition.config;
  const auto& theirs = joined.definition.config;
  if (config.Hostname != theirs.Hostname || config.Domainname != theirs.Domainname) {
    config.Hostname = theirs.Hostname;
    config.Domainname = theirs.Domainname;
    container->with([&](Record& current, Container::Live&) {
      current.definition.config.Hostname = theirs.Hostname;
      current.definition.config.Domainname = theirs.Domainname;
      records.update_definition(current.id, current.definition);
    });
  }
  return place;
}

network::Sandbox Containers::Impl::open_sandbox_of(const Record& record) {
  const auto pid = record.state.pid;
  return open_of_process(record.id, pid, [&] { return collaborators.networks.open_sandbox(pid); });
}

fs::path Containers::Impl::network_directory(const Record& record) {
  auto id = record.id;
  auto mode = record.definition.host_config.NetworkMode;
  for (int depth = 0; is_container_mode(mode) && depth < 16; ++depth) {
    const auto other = find(std::string{target_of(mode)});
    if (!other) break;
    id = other->id;
    mode = other->with([](Record& found, Container::Live&) { return found.definition.host_config.NetworkMode; });
  }
  return paths(id).directory;
}

std::vector<IpAddress> Containers::Impl::host_gateways() {
  if (!settings.host_gateways.empty()) return settings.host_gateways;
  std::vector<IpAddress> gateways;
  const auto bridge =
      settings.has_default_bridge ? collaborators.networks.inspect(std::string{default_network}) : network::Inspect{};
  for (const auto& subnet : bridge.IPAM.Config.value_or(std::vector<network::IpamSubnet>{})) {
    if (const auto gateway = find_ip(subnet.Gateway)) gateways.push_back(*gateway);
  }
  if (gateways.empty()) throw Error{Kind::invalid, "unable to derive the IP value for host-gateway"};
  return gateways;
}

NetworkIds Containers::Impl::network_ids() {
  return [this](const std::string& name) {
    const auto key = collaborators.networks.find(name);
    return key ? key->id : std::string{};
  };
}

void Containers::Impl::refresh_connections(Container& container) {
  container.with([&](Record& record, Container::Live& live) {
    auto known = collaborators.networks.connections(record.id);
    live.connections = known ? std::make_shared<const network::Connections>(std::move(*known)) : nullptr;
  });
}

void Containers::Impl::resume_network(Container& container, shim::ShimClient& shim) {
  auto& networks = collaborators.networks;
  try {
    if (networks.connections(container.id)) {
      auto sandbox = networks.open_sandbox(shim.state()->pid);
      networks.resume(sandbox, container.id, shim.kept());
      hand_over_resolver(container, shim, sandbox);
      restore_relay(container, shim, sandbox);
    }
  } catch (const Error& error) {
    log::warn("network of a running container is not whole, going on with what there is",
              {{"id", container.id}, {"error", error.message()}});
  }
  refresh_connections(container);
}

/// The daemon before may have ended between the start, or a move to another network, and handing over.
void Containers::Impl::restore_relay(const Container& container, shim::ShimClient& shim, network::Sandbox& sandbox) {
  try {
    collaborators.networks.restore_relay(sandbox, container.id, shim.relayed());
    hand_over_relay(container, shim, sandbox);
  } catch (const Error& error) {
    if (error.kind() != Kind::unsupported) throw;  // too old to be asked
  }
}

void Containers::Impl::hand_over_relay(Container& container, network::Sandbox& sandbox) noexcept {
  const auto shim = container.with([](Record&, Container::Live& live) { return live.shim; });
  if (shim) hand_over_relay(container, *shim, sandbox);
}

void Containers::Impl::hand_over_relay(const Container& container, shim::ShimClient& shim,
                                       network::Sandbox& sandbox) noexcept {
  const auto relay = std::exchange(sandbox.relay, std::nullopt);
  if (!relay) return;
  std::vector<shim::RelayTarget> targets;
  for (const auto& publication : relay->publications) {
    const auto last = static_cast<std::uint16_t>(publication.host_first + (publication.count - 1));
    targets.push_back({publication.host_first, last, to_string(publication.container), publication.container_first});
  }
  std::vector<FdRef> sockets;
  std::vector<shim::RelayTarget> datagram_targets;
  for (const auto& datagram : relay->datagrams) {
    sockets.push_back(datagram.socket);
    datagram_targets.push_back({0, 0, to_string(datagram.container), datagram.port});
  }
  try {
    shim.relay(relay->listener, std::move(targets));
    shim.relay_datagrams(sockets, std::move(datagram_targets));
  } catch (const Error& error) {
    if (error.kind() == Kind::conflict || error.kind() == Kind::unavailable) return;  // it has ended
    if (error.kind() == Kind::unsupported && sockets.empty()) return;                 // a shim that relays TCP alone
    log::warn("published ports are not reached by IPv6, going on without",
              {{"id", container.id}, {"error", error.message()}});
  }
}

void Containers::Impl::hand_over_resolver(const Container& container, shim::ShimClient& shim,
                                          network::Sandbox& sandbox) noexcept {
  const auto sockets = std::exchange(sandbox.resolver_sockets, {});
  if (sockets.empty()) return;
  try {
    shim.keep(sockets);
  } catch (const Error& error) {
    if (error.kind() == Kind::conflict || error.kind() == Kind::unavailable) return;  // it has ended
    log::warn("names are not answered while the daemon is away, going on without",
              {{"id", container.id}, {"error", error.message()}});
  }
}

void Containers::Impl::leave_network(const std::string& id) noexcept {
  try {
    collaborators.networks.leave(id);
  } catch (...) {
    log::error("addresses and ports of a container could not be given up, going on without them until the next start",
               {{"id", id}, {"error", current_error().message()}});
  }
}

}  // namespace berth::containers

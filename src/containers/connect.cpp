// Networks of a container, more and fewer of them, while it runs and while it does not.
//
// What the definition names is what the container is on: a network is recorded there after it has been connected to,
// and no more before it is disconnected from. So what a daemon that was killed has left undone is finished by
// `finish_disconnects`.
#include <algorithm>

#include "base/error.hpp"
#include "base/log.hpp"
#include "containers/internal.hpp"
#include "containers/network_mode.hpp"
#include "containers/spec_parts.hpp"
#include "network/network.hpp"

namespace berth::containers {
namespace {

/// What stands against one more network. Source: moby 28, daemon/container_operations.go updateNetworkSettings.
void check_combination(const Definition& definition, const network::NetworkKey& added) {
  if (is_container_mode(definition.host_config.NetworkMode)) {
    throw Error{Kind::invalid,
                "container sharing network namespace with another container or host cannot be connected to any other "
                "network"};
  }
  if (!is_host(definition.host_config.NetworkMode) && added.name == "host") {
    throw Error{Kind::invalid,
                "cannot connect container to host network - container must be created in host network mode"};
  }
  for (const auto& [name, config] : endpoints_of(definition)) {
    if (name == added.name) continue;
    if (name == "host") {
      throw Error{Kind::invalid,
                  "container sharing network namespace with another container or host cannot be connected to any other "
                  "network"};
    }
    if (name == "none" || added.name == "none") {
      throw Error{Kind::invalid,
                  "container cannot be connected to multiple networks with one of the networks in private (none) mode"};
    }
  }
}

void check_not_removed(const Record& record, const Container::Live& live) {
  if (!live.removing && !live.removed) return;
  throw Error{Kind::conflict,
              "Container {} is marked for removal and cannot be connected or disconnected to the network", record.id};
}

/// Records the networks of a container in place of those that it had.
void set_endpoints(RecordStore& records, Record& record, Endpoints endpoints) {
  record.definition.endpoints.emplace(std::move(endpoints));
  records.update_definition(record.id, record.definition);
}

}  // namespace

/// While a container runs its files are mounted in it: they keep their inodes, and what the user has written there.
void Containers::Impl::update_network_files(Container& container, const NetworkView& before, const NetworkView& after) {
  const auto record = container.record();
  const auto directory = paths(record.id).directory;
  const auto& [id, name, created, definition, state] = record;

  std::vector<IpAddress> gone, come;
  const auto missing_in = [](const auto& list) {
    return [&list](const IpAddress& address) { return std::ranges::find(list, address) == list.end(); };
  };
  std::ranges::copy_if(before.addresses, std::back_inserter(gone), missing_in(after.addresses));
  std::ranges::copy_if(after.addresses, std::back_inserter(come), missing_in(before.addresses));
  const auto hosts = find_file(directory / "hosts").value_or("");
  write_file(directory / "hosts", changed_hosts(hosts, gone, own_hosts_lines(definition.config, come)));

  const auto of_host = read_host_network_files(settings.dns);
  const auto old_text = resolv_conf_text(definition.host_config, of_host, before);
  const auto new_text = resolv_conf_text(definition.host_config, of_host, after);
  if (old_text != new_text && find_file(directory / "resolv.conf") == old_text) {
    write_file(directory / "resolv.conf", new_text);
  }
}

void Containers::Impl::connect_running(const ContainerPtr& container, const network::EndpointRequest& request) {
  auto& networks = collaborators.networks;
  const auto record = container->record();
  const auto before = view_of(networks.connections(record.id).value_or(network::Connections{}));
  auto sandbox = open_sandbox_of(record);
  networks.connect(sandbox, member_of(record), request);
  hand_over_relay(*container, sandbox);
  const auto shim = container->with([](Record&, Container::Live& live) { return live.shim; });
  if (shim) hand_over_resolver(*container, *shim, sandbox);
  refresh_connections(*container);
  update_network_files(*container, before, view_of(networks.connections(record.id).value_or(network::Connections{})));
  container->with([&](Record& current, Container::Live&) {
    auto endpoints = endpoints_of(current.definition);
    endpoints[request.network] = request.config;
    set_endpoints(records, current, std::move(endpoints));
  });
}

void Containers::Impl::disconnect_running(Container& container, const std::string& network_id) {
  auto& networks = collaborators.networks;
  const auto record = container.record();
  auto connections = networks.connections(record.id).value_or(network::Connections{});
  const auto before = view_of(connections);
  std::erase_if(connections.endpoints, [&](const auto& endpoint) { return endpoint.network_id == network_id; });
  update_network_files(container, before, view_of(connections));
  try {
    auto sandbox = open_sandbox_of(record);
    networks.disconnect(&sandbox, record.id, network_id);
    hand_over_relay(container, sandbox);
  } catch (const Error& error) {
    if (error.kind() != Kind::conflict) throw;
    networks.disconnect(nullptr, record.id, network_id);  // it has ended just now
  }
  refresh_connections(container);
}

void Containers::Impl::finish_disconnects(Container& container) {
  const auto [known, connections] = container.with([](Record& record, Container::Live& live) {
    return std::pair{endpoints_of(record.definition), live.connections};
  });
  if (!connections) return;
  for (const auto& endpoint : connections->endpoints) {
    if (known.contains(endpoint.network_name)) continue;
    try {
      disconnect_running(container, endpoint.network_id);
    } catch (const Error& error) {
      log::warn("container stays on a network that it was not to be on any more",
                {{"id", container.id}, {"network", endpoint.network_name}, {"error", error.message()}});
    }
  }
}

void Containers::connect_network(const std::string& name, const std::string& network, network::EndpointConfig config) {
  auto& impl = *impl_;
  const auto container = impl.get(name);
  const std::lock_guard lock{container->operation};
  const std::lock_guard whole_network{container->networking};
  const auto key = impl.collaborators.networks.find(network);
  const bool runs = container->with([&](Record& record, Container::Live& live) {
    check_not_removed(record, live);
    if (key) {
      check_endpoint(key->name, config);
      check_combination(record.definition, *key);
    }
    return record.state.has_process();
  });
  if (runs) {
    if (!key) throw Error{Kind::not_found, "network {} not found", network};
    impl.connect_running(container, {key->name, std::move(config)});
    return;
  }
  container->with([&](Record& record, Container::Live&) {
    auto endpoints = endpoints_of(record.definition);
    // As in Docker, one that it is on already stays as it is, and one that is not there may be made before the start.
    if (endpoints.emplace(key ? key->name : network, std::move(config)).second) {
      set_endpoints(impl.records, record, std::move(endpoints));
    }
  });
}

void Containers::disconnect_network(const std::string& name, const std::string& network, bool force) {
  auto& impl = *impl_;
  const auto container = force && !name.empty() ? impl.find(name) : impl.get(name);
  if (!container) {
    // Docker has endpoints without containers, which this is for.
    if (!impl.collaborators.networks.find(network)) throw Error{Kind::not_found, "network {} not found", network};
    throw Error{Kind::not_found, "endpoint {} not found", name};
  }
  const std::lock_guard lock{container->operation};
  const std::lock_guard whole_network{container->networking};
  const auto key = impl.collaborators.networks.find(network);
  const auto bare = key ? key->name : network;
  const bool runs = container->with([&](Record& record, Container::Live& live) {
    check_not_removed(record, live);
    if (record.state.has_process() && !key && !force) throw Error{Kind::not_found, "network {} not found", network};
    if (key && key->name == "host" && is_host(record.definition.host_config.NetworkMode) &&
        record.state.has_process()) {
      throw Error{Kind::invalid,
                  "cannot disconnect container from host network - container was created in host network mode"};
    }
    if (!endpoints_of(record.definition).contains(bare)) {
      throw Error{Kind::internal, "container {} is not connected to the network {}", record.id, bare};
    }
    return record.state.has_process();
  });
  container->with([&](Record& record, Container::Live&) {
    auto endpoints = endpoints_of(record.definition);
    endpoints.erase(bare);
    set_endpoints(impl.records, record, std::move(endpoints));
  });
  if (runs && key) impl.disconnect_running(*container, key->id);
}

}  // namespace berth::containers

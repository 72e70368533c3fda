// What the parts of this module share.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/guarded.hpp"
#include "network/drivers.hpp"
#include "network/firewall.hpp"
#include "network/ipam.hpp"
#include "network/network.hpp"
#include "network/pools.hpp"
#include "network/ports.hpp"
#include "network/records.hpp"
#include "network/removals.hpp"
#include "network/resolvers.hpp"
#include "network/sandbox_pool.hpp"

namespace berth::network {

/// Endpoints that have rows and addresses, but no links yet.
struct Reservation {
  struct Place {
    std::shared_ptr<Network> network;
    Endpoint endpoint;
    bool reused = false;  ///< somebody else had one of its addresses not long ago
  };
  std::vector<Place> places;
};

/// Which endpoint the default route of a family goes to; null: none. The highest priority, then the first name.
const Endpoint* choose_gateway(const std::vector<Endpoint>& endpoints, bool v6);

/// Makes the links of all, then gives them names, addresses and routes in one batch. `present`: what the sandbox had
/// before.
void plug(Host& host, Sandbox& sandbox, const std::vector<Reservation::Place>& places,
          const std::vector<Endpoint>& present);

/// Removes an endpoint's link, and moves default routes to what is left. What is not there is not missed.
void unplug(Sandbox& sandbox, const Endpoint& endpoint, const std::vector<Endpoint>& before,
            const std::vector<Endpoint>& after) noexcept;

struct Networks::Impl {
  /// All that changes; nothing waits while it holds the lock, but for the database.
  struct State {
    std::map<std::string, std::shared_ptr<Network>> networks;  ///< by ID
    std::map<std::string, MemberRecord> members;               ///< by the container's ID
    /// Links of containers that left, and when: they are to go with their namespaces.
    std::vector<std::pair<std::string, std::chrono::steady_clock::time_point>> left_links;

    std::shared_ptr<Network> find(const std::string& name_or_id) const;
    /// Throws `not_found`: "network x not found".
    std::shared_ptr<Network> get(const std::string& name_or_id) const;
    [[nodiscard]] std::vector<std::pair<const MemberRecord*, const Endpoint*>> endpoints_on(
        const std::string& network_id) const;
  };

  Impl(Settings given, Collaborators others);

  // networks.cpp
  Sandbox make_sandbox(SandboxKind kind);
  /// Of those that are for networks with names only if there is such a network.
  void refill();
  void publish(std::string_view action, const Network& network, const std::string& container_id = {});

  // create.cpp; `changes` is held
  void add_subnets(NetworkRecord& record);
  std::shared_ptr<Network> add(NetworkRecord record);

  // defaults.cpp; `changes` is held
  void ensure_default_networks();
  void drop_default_bridge(Host& host, const Network& bridge);
  void ensure_links();
  void ensure_link(Host& host, Network& network);
  /// Before a container comes to the network, `changes` is not held: if others have removed its link or set it down, it
  /// is made again, with the containers that are on it.
  void restore_link(Network& network);
  void remove_orphans();

  // reserve.cpp: addresses are taken, in memory
  Reservation reserve(State& all, const Sandbox& sandbox, const JoinRequest& request, ResolverPorts resolver);
  Reservation reserve_more(State& all, const Member& member, const EndpointRequest& request);
  static void release(State& all, const std::vector<Endpoint>& endpoints) noexcept;

  // join.cpp
  std::optional<MemberRecord> find_member(const std::string& container_id);
  /// Changes what is known of a container, and its row.
  void change_member(const std::string& container_id, const std::function<void(MemberRecord&)>& change);
  /// A namespace that others hold (a container that joined it, a shell that entered it) keeps its links, but their
  /// addresses are somebody else's by now.
  void remove_left_links();
  /// Gives up all that it has but its links, which go with the sandbox; returns the endpoints.
  std::vector<Endpoint> forget(const std::string& container_id) noexcept;
  void forget_endpoint(const std::string& container_id, const std::string& network_id) noexcept;

  // join.cpp: names
  [[nodiscard]] bool has_names(std::span<const EndpointRequest> requests) const;
  /// What a container's names and its resolver follow from has changed. It gets a resolver if it needs one by now.
  void update_resolver(const std::string& container_id, Sandbox* sandbox);

  // publish.cpp
  PortTarget target_of(const State& all, const std::vector<Endpoint>& endpoints) const;
  std::vector<Publication> reserve_ports(const std::string& container_id);
  void unpublish(const std::vector<Publication>& publications) noexcept;
  /// After its default route went to another network. `sandbox` gets the relay, if there is a new one; null: it is
  /// gone.
  void move_ports(const std::string& container_id, Sandbox* sandbox);
  void restore_firewall();
  void guard_firewall(const std::stop_token& stop);

  const Settings settings;
  Collaborators collaborators;
  Records records;
  const std::vector<AddressPool> pools;
  std::mutex changes;  ///< held while networks are created and removed; before `state`
  Guarded<State> state;
  Firewall firewall;
  PortTable ports;
  Resolvers resolvers;
  Removals removals;
  SandboxPool sandboxes;
  std::jthread guard;  ///< repairs the firewall; last, as it uses it
};

/// What the firewall is told of a network; nothing if that is no bridge.
std::optional<BridgeRules> rules_of(const Network& network, const Settings& settings);

/// A name for the host's end of a pair.
std::string make_veth_name();

}  // namespace berth::network

// network: what containers are connected to.
//
// A network is a row in the database and, for most drivers, a link on the host: a bridge, or the parent of macvlan and
// ipvlan links. A container that runs has a sandbox (its network namespace) and on each of its networks an endpoint:
// a link in the sandbox, addresses from the network's subnets, and a row. Rows are written before links are made and
// removed after them, and links carry the ID of their row, so whatever instruction the daemon dies at, `recover` finds
// what is whole, what is to be made again and what is to be removed. Everything is done by messages to the kernel: no
// program is run.
//
//   auto sandbox = networks.take_sandbox(request.endpoints);     // from a pool, mostly with a link that waits in it
//   auto connections = networks.join(sandbox, request);           // everything or nothing
//   ... process 1 is started in sandbox.netns() ...
//   networks.refill();                                            // after the answer
//   networks.leave(container_id);                                 // process 1 ended
//
// Knows containers only by ID and name. Whoever runs them keeps what the user asked for (EndpointConfig) and asks again
// at each start.
//
// Uses: base, metadata, netlink, nftables, dns, linux.   Used by: containers, engine, api.   Threads: any.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/filters.hpp"
#include "metadata/database.hpp"
#include "network/config.hpp"
#include "network/endpoint.hpp"
#include "network/sandbox.hpp"

namespace berth::network {

/// A pool that subnets are taken from: all of `size` bits in `base`.
struct AddressPool {
  Cidr base;
  unsigned size = 0;
};

/// --bridge=none: there is no default bridge, and containers that ask for no network have a loopback link alone.
inline constexpr std::string_view no_bridge = "none";

struct Settings {
  std::vector<AddressPool> default_address_pools;  ///< empty: Docker's
  std::string bridge;  ///< --bridge: a bridge of the host's that is the default one's, or `no_bridge`; empty: our own
  std::optional<Cidr> bridge_address;             ///< --bip: address of the default bridge, with its subnet
  std::optional<Cidr> bridge_address_v6;          ///< --bip6
  std::optional<Cidr> fixed_cidr, fixed_cidr_v6;  ///< where the default bridge's containers get addresses from
  std::optional<IpAddress> default_gateway, default_gateway_v6;
  std::uint32_t mtu = 1500;  ///< of the default bridge
  bool ipv6 = false;         ///< on the default bridge
  bool icc = true;           ///< containers on the default bridge reach each other
  bool ip_masquerade = true;
  bool ip_forward = true;             ///< switch forwarding of the host on
  bool ip_forward_no_drop = false;    ///< if we have switched it on: for others' packets too
  bool allow_direct_routing = false;  ///< published ports are reached at containers' addresses from outside too
  /// Programs of this host that connect to published ports of 127.0.0.1 are sent to the containers untranslated. Off
  /// unless it is asked for: what is attached to the host's cgroups is met by all processes.
  bool connect_redirect = false;
  std::map<std::string, StringMap> default_network_options;  ///< of new networks, by driver
  DnsConfig dns;                                             ///< of containers that ask for nothing else
  std::vector<IpAddress> host_gateways;                      ///< what "host-gateway" stands for; empty: the bridge's
  std::optional<IpAddress> publish_default_address;          ///< --ip, --publish-default-address
  std::size_t ready_sandboxes = 4;                           ///< with a link on the default bridge
  std::size_t ready_bare_sandboxes = 1;
};

/// {action "create", "destroy", "connect" or "disconnect"; the network's ID; name, type, container}
struct NetworkEvent {
  std::string action;
  std::string id;
  std::map<std::string, std::string> attributes;
};

struct Collaborators {
  metadata::Database& database;
  std::function<void(const NetworkEvent&)> publish;
};

/// What others need to know of a network.
struct NetworkKey {
  std::string id, name, driver;
  bool internal = false;
  bool user_defined = false;  ///< none of bridge, host, none: it has names and its containers a resolver
};

class Networks {
 public:
  Networks(Settings settings, Collaborators collaborators);
  ~Networks();
  Networks(const Networks&) = delete;
  Networks& operator=(const Networks&) = delete;

  /// At start, before containers are recovered: the default networks exist, bridges exist, and links that belong to
  /// nothing are gone. Endpoints of containers that ended meanwhile are released by whoever knows that: `leave`.
  void recover();

  // Networks.

  /// Throws `invalid`, `conflict` (the name), `forbidden` (a predefined name, a subnet that overlaps), `not_found` (the
  /// driver), `unsupported` (what this kernel lacks), with Docker's words where it has any.
  Created create(const CreateRequest& request);
  /// Throws `forbidden` if it is predefined or has endpoints.
  void remove(const std::string& name_or_id);
  /// Full ID, then name, then the beginning of an ID. Throws `invalid` if several begin so.
  std::optional<NetworkKey> find(const std::string& name_or_id);
  /// Throws `not_found`: "network x not found".
  Inspect inspect(const std::string& name_or_id);
  /// Without Containers, sorted by creation.
  std::vector<Inspect> list(const Filters& filters);
  PruneReport prune(const Filters& filters);

  // For containers.

  /// A sandbox that `join` with these endpoints finds as ready as can be.
  Sandbox take_sandbox(std::span<const EndpointRequest> endpoints);
  /// That of a process that runs. Throws `not_found` if it is gone.
  Sandbox open_sandbox(pid_t process);
  /// Lets a thread make sandboxes for those that were taken. Returns at once; call it when nobody waits.
  void refill();

  /// Gives the container addresses and links, and publishes its ports; all, or nothing and throws. What it had before
  /// is released first.
  Connections join(Sandbox& sandbox, const JoinRequest& request);
  /// One more network for a container that runs. Throws `forbidden` if it is on it already.
  Endpoint connect(Sandbox& sandbox, const Member& member, const EndpointRequest& request);
  /// `sandbox` null: its process is gone. Throws `not_found` if it is not on it.
  void disconnect(Sandbox* sandbox, const std::string& container_id, const std::string& network);
  /// Process 1 ended: its ports, links and addresses are free. Does nothing if it has none.
  void leave(const std::string& container_id);
  /// What it has now; nothing if it is not running on any network.
  std::optional<Connections> connections(const std::string& container_id);
  /// All containers that have something: for whoever knows which of them run.
  std::vector<std::string> members();
  void rename(const std::string& container_id, const std::string& name);
  /// At start, for each container that runs: what has ended with the daemon before goes on, as its resolver.
  /// `resolver_sockets`: those of the sandbox before, if somebody kept them; else they are opened again.
  void resume(Sandbox& sandbox, const std::string& container_id, std::vector<UniqueFd> resolver_sockets = {});
  /// Makes the relay of a container that went on anew, in `sandbox`, unless these sockets are all that it takes.
  void restore_relay(Sandbox& sandbox, const std::string& container_id, std::span<const UniqueFd> sockets);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Of all drivers, sorted.
std::vector<std::string> driver_names();

/// "bridge", "host", "none" and "default".
bool is_predefined(std::string_view name);

}  // namespace berth::network

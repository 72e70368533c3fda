// Drivers: what kinds of networks there are, and what each makes on the host and in a sandbox.
//
// A network lives so: `plan` (its options are checked and its link is named) -> `ensure` (its link is there; again at
// each start of the daemon) -> any number of `attach` -> `retire` -> `remove`. An endpoint's link goes with its
// sandbox, or by `detach` while the sandbox lives on. To add a driver: one file, and one line in the table of
// drivers.cpp.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "network/ipam.hpp"
#include "network/network.hpp"
#include "network/options.hpp"
#include "network/records.hpp"

namespace berth::network {

/// Of links on a bridge whose network does not say.
constexpr std::uint32_t usual_mtu = 1500;

/// A network while the daemon runs.
struct Network {
  explicit Network(NetworkRecord from);

  [[nodiscard]] const std::string& id() const { return record.shown.Id; }
  [[nodiscard]] const std::string& name() const { return record.shown.Name; }

  const NetworkRecord record;
  const BridgeOptions options;
  std::atomic<std::uint32_t> link_index = 0;  ///< of the bridge or parent; 0: it has none, or it is gone

  // Guarded by the lock of Networks' state.
  std::vector<Subnet> subnets;
  /// When an address was given back: the bridge may still look for its next owner behind the port of the last one.
  std::map<IpAddress, std::chrono::steady_clock::time_point> given_back;
};

/// What drivers work with on the host.
class Host {
 public:
  /// `owner` ends the alias of each link that is ours.
  explicit Host(std::string owner) : owner_(std::move(owner)) {}

  [[nodiscard]] const std::string& owner() const noexcept { return owner_; }
  /// Opened when it is first needed: a start on the default bridge needs none.
  netlink::Socket& socket() {
    if (!socket_) socket_.emplace();
    return *socket_;
  }

 private:
  std::string owner_;
  std::optional<netlink::Socket> socket_;
};

/// "berth bridge 0123456789ab 5f3c...": says what a link is for, and whose it is.
std::string link_alias(const Host& host, std::string_view kind, std::string_view id);

/// The link of an endpoint, before it has its name and addresses.
struct Attachment {
  std::uint32_t index = 0;       ///< in the sandbox
  std::string name;              ///< as it was born
  std::uint32_t host_index = 0;  ///< of its other end; 0: it has none
};

class Driver {
 public:
  virtual ~Driver() = default;

  [[nodiscard]] virtual std::string_view name() const = 0;
  /// Endpoints have addresses of subnets of the network.
  [[nodiscard]] virtual bool has_addresses() const { return true; }
  /// Containers get a link of their own. Without: host, null.
  [[nodiscard]] virtual bool has_links() const { return true; }
  /// A link of an endpoint has another end on the host, which has a name.
  [[nodiscard]] virtual bool has_host_links() const { return false; }
  /// An endpoint's address is its own on a shared MAC address: it has none of its own choice.
  [[nodiscard]] virtual bool has_mac() const { return true; }

  /// The network has an address of its own in each subnet of the family.
  [[nodiscard]] virtual bool has_gateway(const NetworkRecord& /*record*/, bool /*v6*/) const { return true; }

  /// Checks the options and names the link. Throws `invalid` or `forbidden`.
  virtual void plan(NetworkRecord& record, const std::vector<const NetworkRecord*>& others) const = 0;
  /// Idempotent. Throws `unsupported` for what this kernel lacks.
  virtual void ensure(Host& host, Network& network) const = 0;
  /// The link that `ensure` made is there and up: others may have removed it, or set it down. Asked at each start.
  [[nodiscard]] virtual bool is_whole(const Network& /*network*/) const { return true; }
  /// After `ensure` has made the link again: endpoints that have been there all the time come back to it. Those that
  /// are on it already stay as they are. `host_links`: the other ends of their links.
  virtual void reconnect(Host& /*host*/, const Network& /*network*/,
                         const std::vector<std::string>& /*host_links*/) const {}
  /// What of `remove` has to be done when it is answered: nothing of the network's is in the way of the next one.
  virtual void retire(Host& /*host*/, const Network& /*network*/) const {}
  virtual void remove(Host& host, const Network& network) const = 0;
  /// Makes the link of `endpoint` in the sandbox, down or up, without addresses.
  virtual Attachment attach(Host& host, const Network& network, Sandbox& sandbox, const Endpoint& endpoint) const = 0;
  /// Default routes lead to the link itself, without a gateway.
  [[nodiscard]] virtual bool routes_without_gateway(const Network&) const { return false; }
};

/// Throws `not_found`: "could not find plugin x in v1 plugin registry: plugin not found".
const Driver& get_driver(std::string_view name);

// The drivers, one file each.
const Driver& bridge_driver();
const Driver& host_driver();
const Driver& null_driver();
const Driver& macvlan_driver();
const Driver& ipvlan_driver();

}  // namespace berth::network

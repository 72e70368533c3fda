// The table `inet berth`: which packets go to, from and between containers, and which ports of the host lead to them.
//
// Its chains and rules are always the same; bridges and published ports are elements of its sets and maps. A change
// is one transaction, which touches no other table. The chain `berth-user` belongs to the administrator: all forwarded
// packets pass it first, it is made if it is absent, and nothing in it is ever changed.
//
// What is to be in force is remembered here, so the table can be made whole again when somebody removed it or a part
// of it. Repairing leaves alone what is right: connections go on.
//
// Connections of the host itself to published ports may have a shortcut beside it (shortcut.hpp).
//
// Uses: nftables.   Threads: any.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "base/ip.hpp"
#include "network/options.hpp"
#include "network/publication.hpp"

namespace berth::network {

/// What the firewall needs to know of a bridge.
struct BridgeRules {
  std::string link;
  std::vector<Cidr> subnets;
  bool internal = false;   ///< nothing goes in or out
  bool icc = true;         ///< its containers reach each other
  bool masquerade = true;  ///< they reach the world by the host's address
  bool direct = false;  ///< gateway mode nat: published ports are reached at the container's address from outside too
  GatewayMode v4 = GatewayMode::nat, v6 = GatewayMode::nat;

  friend bool operator==(const BridgeRules&, const BridgeRules&) = default;
};

struct FirewallOptions {
  bool direct_routing = false;  ///< there are bridges that are `direct`
  bool shortcut = false;        ///< this host's own connections go to containers untranslated where they can
};

class Firewall {
 public:
  /// Of the calling thread's network namespace. Changes nothing yet.
  explicit Firewall(FirewallOptions options = {});
  ~Firewall();
  Firewall(const Firewall&) = delete;
  Firewall& operator=(const Firewall&) = delete;

  /// From now on these are in force, and nothing else. Touches only what differs.
  void restore(std::span<const BridgeRules> bridges, std::span<const Publication> publications);

  /// Replaces what was said of this link.
  void add_bridge(const BridgeRules& bridge);
  /// Does nothing if there is none.
  void remove_bridge(const std::string& link);

  /// All in one transaction.
  void publish(std::span<const Publication> publications);
  /// Those that are not published are ignored.
  void withdraw(std::span<const Publication> publications);

  /// Lets the host forward packets, if it does not. Then it forwards those of containers alone, as before: whoever
  /// wants it to route for others accepts them in berth-user, or says `for_all`. For IPv6, links that learn their
  /// routes from routers go on doing so.
  void enable_forwarding(bool v6, bool for_all = false);

  /// Readable when anybody changed rules of the namespace: time to call `heal`.
  [[nodiscard]] FdRef changes() const noexcept;
  /// Repairs the table if somebody else damaged it; true if there was something to repair.
  bool heal();
  /// The table is as it is to be.
  bool is_whole();
  /// Removes the table, berth-user with it.
  void remove();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace berth::network

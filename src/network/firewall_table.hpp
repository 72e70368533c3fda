// What is in the table `inet berth`, as data: pure functions that need no root.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "network/firewall.hpp"
#include "nftables/nftables.hpp"

namespace berth::network::firewall {

inline constexpr std::string_view user_chain = "berth-user";

struct Layout {
  nftables::Table table;
  std::vector<nftables::Set> sets;
  std::vector<nftables::Chain> chains;  ///< berth-user too, which has no rules of ours
  std::vector<std::pair<std::string, nftables::Rule>> rules;
};

/// The fixed part.
const Layout& layout();
const nftables::Set& get_set(std::string_view name);

/// Elements by the name of their set.
using Elements = std::map<std::string, std::vector<nftables::Element>, std::less<>>;

/// Those that a bridge adds.
void add_elements(Elements& elements, const BridgeRules& bridge);
/// Those that a published port adds, or a range of them: one, if the ports are the same inside and it is long.
void add_elements(Elements& elements, const Publication& publication);
/// What opens published ports at the containers' own addresses, for `direct` bridges. All of a container are given
/// together: where they overlap one interval has them.
void add_direct_ports(Elements& elements, std::span<const Publication> publications);
/// The way by a relay for the host's own connections to ::1, where that is refused otherwise; nothing if it has none.
void add_loopback_relay(Elements& elements, const Publication& publication);
/// The host forwards for containers alone.
void add_forwarding(Elements& elements, bool v6);
/// The host has rules of its own for what comes in.
void add_policy(Elements& elements, bool v6);
/// Packets to published ports of ::1 that are not redirected stay on the host: a socket at the port itself answers, or
/// they are refused at once, so that clients try 127.0.0.1.
void add_refused_loopback(Elements& elements);
/// What add_forwarding adds, as the kernel lists it.
nftables::InstalledElement forwarding_element(bool v6);

}  // namespace berth::network::firewall

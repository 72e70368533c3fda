// The host's own rules for what comes in hold for published ports too.
//
// A packet for a published port is sent on to a container before the host's rules for its own sockets (hook "input")
// could see it. Where the host has such rules, the first packet of each connection from outside takes a way round: it
// goes on to them untouched, and what they let through is sent, at the end of that hook, once more to this host by a
// pair of links, where it is translated. All later packets belong to a connection that the kernel knows, and take the
// short way. Who has no such rules has none of this.
//
//   eth0 -> (marked) -> input rules of the host -> table ip berth, chain input -> berth-out = berth-in -> translated
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "netlink/netlink.hpp"
#include "nftables/nftables.hpp"

namespace berth::network::firewall {

/// The link at which packets come back.
inline constexpr const char* return_link = "berth-in";
/// Of the connection of a packet that is on its way round; such a connection is never kept.
inline constexpr std::uint32_t round_mark = 0x62727468;

/// Whether somebody else has rules for what comes in, by IPv4 and by IPv6.
std::array<bool, 2> find_host_policy(nftables::Socket& socket);

/// Whether somebody else has rules for what goes out by IPv4 that may refuse some of it.
bool may_refuse_output(nftables::Socket& socket);

/// Makes the pair of links, if it is not there. Returns the index of the end that packets are sent out by.
std::uint32_t ensure_round_links(netlink::Socket& socket);

void remove_round_links(netlink::Socket& socket);

/// The table that sends packets round, of family ip or ip6: rules there can copy packets, those of inet cannot.
nftables::Table round_table(bool v6);
nftables::Chain round_chain();
std::vector<nftables::Rule> round_rules(bool v6, std::uint32_t link);

}  // namespace berth::network::firewall

#include "network/host_policy.hpp"

#include <algorithm>
#include <cerrno>
#include <functional>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/strings.hpp"
#include "network/sysctl.hpp"

namespace berth::network::firewall {
namespace {

constexpr const char* sending_link = "berth-out";
/// After everybody else's, who use 0 and a little above; 50 is for marks of security modules.
constexpr std::int32_t after_all_filters = 500;
/// Nobody has these: they stand for the other end of the pair.
const IpAddress other_end_v4 = parse_ip("169.254.98.1");
const IpAddress other_end_v6 = parse_ip("fe80::be");
const MacAddress return_mac = parse_mac("02:42:62:65:00:01");

/// Rules of the programs iptables-legacy and ip6tables-legacy, which nftables does not list.
bool has_legacy_filter(bool v6) {
  const auto names = find_file(v6 ? "/proc/net/ip6_tables_names" : "/proc/net/ip_tables_names").value_or("");
  const auto tables = split(names, '\n');
  return std::ranges::find(tables, "filter") != tables.end();
}

using Decides = std::function<bool(const nftables::Chain&, const std::vector<nftables::InstalledRule>&)>;

/// Whether others have chains at the hook that decide something, by IPv4 and by IPv6.
std::array<bool, 2> find_deciding_chains(nftables::Socket& socket, nftables::Hook hook, const Decides& decides) {
  using nftables::Family;
  std::array found{has_legacy_filter(false), has_legacy_filter(true)};
  for (const auto& [table, chain] : socket.base_chains()) {
    const bool inet = table.family == Family::inet;
    if (!inet && table.family != Family::ip && table.family != Family::ip6) continue;
    if (table.name == "berth" || chain.base->hook != hook || chain.base->type == nftables::Type::nat) continue;
    const bool is_one = chain.base->policy == nftables::Policy::drop || decides(chain, socket.rules(table));
    found[0] = found[0] || (is_one && table.family != Family::ip6);
    found[1] = found[1] || (is_one && table.family != Family::ip);
  }
  return found;
}

/// Programs make chains ahead; what is empty and accepts decides nothing.
bool has_rules(const nftables::Chain& chain, const std::vector<nftables::InstalledRule>& rules) {
  return std::ranges::find(rules, chain.name, &nftables::InstalledRule::chain) != rules.end();
}

/// A packet of IPv4 that enters the chain may come to a rule that does not let it through, or that sends it another
/// way.
bool may_refuse_v4(const nftables::Chain& chain, const std::vector<nftables::InstalledRule>& rules) {
  if (chain.base->type == nftables::Type::route) return has_rules(chain, rules);
  std::vector<std::string> reached{chain.name};
  for (std::size_t at = 0; at < reached.size(); ++at) {
    for (const auto& rule : rules) {
      if (rule.chain != reached[at] || rule.only_v6) continue;
      if (rule.may_refuse) return true;
      const bool is_new = std::ranges::find(reached, rule.next_chain) == reached.end();
      if (!rule.next_chain.empty() && is_new) reached.push_back(rule.next_chain);
    }
  }
  return false;
}

void try_add(netlink::Socket& socket, const netlink::Request& request) {
  try {
    socket.apply(request);
  } catch (const Error& error) {
    if (error.errno_value() != EEXIST) throw;
  }
}

}  // namespace

std::array<bool, 2> find_host_policy(nftables::Socket& socket) {
  return find_deciding_chains(socket, nftables::Hook::input, has_rules);
}

bool may_refuse_output(nftables::Socket& socket) {
  return find_deciding_chains(socket, nftables::Hook::output, may_refuse_v4)[0];
}

std::uint32_t ensure_round_links(netlink::Socket& socket) {
  if (!socket.find_link(return_link)) {
    socket.apply(
        netlink::Request{}.add_veth({.name = sending_link}, {.name = return_link, .mac = return_mac}, FdRef{-1}));
  }
  const auto index = socket.get_link(return_link).index;
  const auto sender = socket.get_link(sending_link).index;
  const auto link = std::string{"/conf/"} + return_link;
  // Senders are behind another link: "loose" asks only that there is a way to them, and needs the link to have an
  // address.
  set_host_sysctl("ipv4" + link + "/rp_filter", "2");
  // The sending end last: with its peer up it sends from the first packet on, otherwise up to a second later.
  socket.apply(netlink::Request{}
                   .change_link(index, {.up = true})
                   .change_link(sender, {.up = true})
                   .add_neighbour(sender, other_end_v4, return_mac));
  try_add(socket, netlink::Request{}.add_address(index, parse_cidr("169.254.98.2/32")));
  // The neighbour is found by a route to it, not by the packet's own destination.
  try_add(socket, netlink::Request{}.add_route({.destination = {other_end_v4, 32}, .link = sender}));
  try {
    socket.apply(netlink::Request{}.add_neighbour(sender, other_end_v6, return_mac));
  } catch (const Error&) {  // the host has no IPv6, and so nobody who comes by it
  }
  return sender;
}

void remove_round_links(netlink::Socket& socket) {
  try {
    socket.apply(netlink::Request{}.remove_link(sending_link));
  } catch (const Error& error) {
    if (error.errno_value() != ENODEV) throw;
  }
}

nftables::Table round_table(bool v6) {
  return {v6 ? nftables::Family::ip6 : nftables::Family::ip, "berth"};
}

nftables::Chain round_chain() {
  using namespace nftables;
  return {.name = "input", .base = BaseChain{Type::filter, Hook::input, after_all_filters, Policy::accept}};
}

std::vector<nftables::Rule> round_rules(bool v6, std::uint32_t link) {
  using namespace nftables;
  const auto on_its_way = is(ct_mark, number(round_mark));
  return {{"the host's rules let it through: to the container",
           {on_its_way, duplicate_to(v6 ? other_end_v6 : other_end_v4, link)}},
          {"the copy goes on alone", {on_its_way, drop()}}};
}

}  // namespace berth::network::firewall

#include "network/firewall_table.hpp"

#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <functional>

#include "base/error.hpp"
#include "network/host_policy.hpp"

namespace berth::network::firewall {
namespace {

using namespace nftables;  // the rules below are to read as nft's

/// Single ports are elements of hashes, which take one in microseconds. Ranges are elements of a tree that is copied
/// for each change, but is one element for thousands of ports.
constexpr unsigned least_range = 32;

std::vector<Set> make_sets() {
  const std::vector link{ValueType::link};
  const std::vector verdict{ValueType::verdict};
  std::vector<Set> sets{
      {.name = "bridges", .key = link},
      {.name = "neighbours", .key = {ValueType::link, ValueType::link}, .data = verdict},
      {.name = "from", .key = link, .data = verdict},
      {.name = "forwarding", .key = {ValueType::nfproto}},
      {.name = "refused", .key = {ValueType::nfproto}},
      {.name = "policed", .key = {ValueType::nfproto}},
  };
  sets.push_back(
      {.name = "relays", .key = {ValueType::ipv6, ValueType::protocol, ValueType::port}, .data = {ValueType::port}});
  sets.push_back({.name = "anyrelays",
                  .key = {ValueType::nfproto, ValueType::protocol, ValueType::port},
                  .data = {ValueType::port}});
  sets.push_back({.name = "relayranges",
                  .key = {ValueType::ipv6, ValueType::protocol, ValueType::port},
                  .data = {ValueType::port},
                  .interval = true});
  for (const bool v6 : {false, true}) {
    const std::string family = v6 ? "6" : "4";
    const auto address = v6 ? ValueType::ipv6 : ValueType::ipv4;
    sets.push_back({.name = "into" + family, .key = link, .data = verdict});
    sets.push_back({.name = "masquerade" + family, .key = link});
    sets.push_back({.name = "subnets" + family, .key = {ValueType::link, address}, .interval = true});
    sets.push_back({.name = "open" + family, .key = {address, ValueType::protocol, ValueType::port}, .interval = true});
    sets.push_back({.name = "ports" + family,
                    .key = {address, ValueType::protocol, ValueType::port},
                    .data = {address, ValueType::port}});
    sets.push_back({.name = "anyports" + family,
                    .key = {ValueType::protocol, ValueType::port},
                    .data = {address, ValueType::port}});
    sets.push_back({.name = "ranges" + family,
                    .key = {address, ValueType::protocol, ValueType::port},
                    .data = {address},
                    .interval = true});
  }
  return sets;
}

std::vector<Chain> make_chains() {
  return {
      {.name = std::string{user_chain}},
      {.name = "neighbours"},
      {.name = "into-nat"},
      {.name = "into-direct"},
      {.name = "into-unprotected"},
      {.name = "into-routed"},
      {.name = "publish"},
      {.name = "raw-prerouting", .base = BaseChain{Type::filter, Hook::prerouting, priority_raw, Policy::accept}},
      {.name = "policed", .base = BaseChain{Type::filter, Hook::prerouting, priority_dstnat - 1, Policy::accept}},
      {.name = "prerouting", .base = BaseChain{Type::nat, Hook::prerouting, priority_dstnat, Policy::accept}},
      {.name = "output", .base = BaseChain{Type::nat, Hook::output, priority_dstnat, Policy::accept}},
      {.name = "forward", .base = BaseChain{Type::filter, Hook::forward, priority_filter, Policy::accept}},
      {.name = "postrouting", .base = BaseChain{Type::nat, Hook::postrouting, priority_srcnat, Policy::accept}},
  };
}

using Rules = std::vector<std::pair<std::string, Rule>>;

/// Bridges route 127.0.0.0/8 so that a port published there leads to a container. Nobody else gains by that.
void add_loopback_protection(Rules& rules) {
  const auto loopback = parse_cidr("127.0.0.0/8");
  const auto loopback6 = parse_cidr("::1/128");
  for (const auto& [field, subnet] :
       {std::pair{ip_daddr, loopback}, {ip_saddr, loopback}, {ip6_daddr, loopback6}, {ip6_saddr, loopback6}}) {
    rules.push_back(
        {"raw-prerouting",
         {"loopback addresses come from this host alone", {is_not(iifname, link("lo")), is(field, subnet), drop()}}});
  }
}

void add_translation(Rules& rules) {
  const auto local = is(fib_daddr_type, number(RTN_LOCAL));
  rules.push_back({"prerouting", {"first past the host's own rules", {is(ct_mark, number(round_mark)), accept()}}});
  rules.push_back({"prerouting", {"", {local, jump("publish")}}});
  rules.push_back({"output", {"", {local, jump("publish")}}});
  const auto add = [&](std::string comment, std::vector<Statement> statements) {
    rules.push_back({"publish", {std::move(comment), std::move(statements)}});
  };
  // To processes of the host that pass the bytes on to containers that have IPv4 alone, or from ::1.
  add("", {redirect_by({ip6_daddr, l4proto, th_dport}, "relays")});
  add("", {redirect_by({nfproto, l4proto, th_dport}, "anyrelays")});
  add("", {redirect_by({ip6_daddr, l4proto, th_dport}, "relayranges")});
  for (const bool v6 : {false, true}) {
    const std::string family = v6 ? "6" : "4";
    const auto& daddr = v6 ? ip6_daddr : ip_daddr;
    if (v6) {
      add("br_netfilter loses what comes back to ::1",
          {is(ip6_daddr, parse_cidr("::1/128")), is_in({nfproto}, "refused"), accept()});
    }
    add("", {dnat_by({daddr, l4proto, th_dport}, "ports" + family, v6, true)});
    add("", {dnat_by({l4proto, th_dport}, "anyports" + family, v6, true)});
    add("", {dnat_by({daddr, l4proto, th_dport}, "ranges" + family, v6, false)});
  }
}

/// Marks the first packets of connections from outside to published ports, where the host has rules for what comes in.
void add_policed(Rules& rules) {
  const auto add = [&](std::vector<Statement> statements) {
    rules.push_back({"policed", {"", std::move(statements)}});
  };
  add({is_not_in({nfproto}, "policed"), accept()});
  add({has_not(ct_state, state_new), accept()});
  add({is_in({iifname}, "bridges"), accept()});
  for (const auto* own : {"lo", return_link}) add({is(iifname, link(own)), accept()});
  add({is_not(fib_daddr_type, number(RTN_LOCAL)), accept()});
  const auto mark = set_ct_mark(round_mark);
  for (const bool v6 : {false, true}) {
    const std::string family = v6 ? "6" : "4";
    const auto& daddr = v6 ? ip6_daddr : ip_daddr;
    add({has_key({daddr, l4proto, th_dport}, "ports" + family), mark});
    add({is_family(v6), has_key({l4proto, th_dport}, "anyports" + family), mark});
    add({has_key({daddr, l4proto, th_dport}, "ranges" + family), mark});
  }
  add({has_key({ip6_daddr, l4proto, th_dport}, "relays"), mark});
  add({has_key({nfproto, l4proto, th_dport}, "anyrelays"), mark});
  add({has_key({ip6_daddr, l4proto, th_dport}, "relayranges"), mark});
}

void add_forward(Rules& rules) {
  const auto add = [&](std::string comment, std::vector<Statement> statements) {
    rules.push_back({"forward", {std::move(comment), std::move(statements)}});
  };
  add("the administrator's", {jump(user_chain)});
  add("", {has(ct_state, state_established | state_related), accept()});
  // Such packets are not translated back, and would leave with an address that nobody outside knows.
  add("of no connection",
      {is_in({iifname}, "bridges"), is_not_in({oifname}, "bridges"), has(ct_state, state_invalid), drop()});
  add("within a bridge", {verdict_of({iifname, oifname}, "neighbours")});
  add("out of internal networks", {verdict_of({iifname}, "from")});
  add("into a bridge", {is_family(false), verdict_of({oifname}, "into4")});
  add("into a bridge", {is_family(true), verdict_of({oifname}, "into6")});
  add("out of a bridge", {is_in({iifname}, "bridges"), accept()});
  add("this host routes for containers alone", {is_in({nfproto}, "forwarding"), drop()});
}

void add_targets(Rules& rules) {
  const auto add = [&](std::string_view chain, std::vector<Statement> statements) {
    rules.push_back({std::string{chain}, {"", std::move(statements)}});
  };
  const auto published = has(ct_status, status_dnat);
  add("neighbours", {published, accept()});
  add("neighbours", {drop()});

  add("into-nat", {published, accept()});
  add("into-nat", {drop()});

  add("into-direct", {published, accept()});
  add("into-direct", {is_in({ip_daddr, l4proto, th_dport}, "open4"), accept()});
  add("into-direct", {is_in({ip6_daddr, l4proto, th_dport}, "open6"), accept()});
  add("into-direct", {drop()});

  add("into-unprotected", {published, accept()});
  add("into-unprotected", {is_in({iifname}, "bridges"), drop()});
  add("into-unprotected", {accept()});

  add("into-routed", {published, accept()});
  add("into-routed", {is_in({ip_daddr, l4proto, th_dport}, "open4"), accept()});
  add("into-routed", {is_in({ip6_daddr, l4proto, th_dport}, "open6"), accept()});
  add("into-routed", {is(l4proto, protocol(IPPROTO_ICMP)), accept()});
  add("into-routed", {is(l4proto, protocol(IPPROTO_ICMPV6)), accept()});
  add("into-routed", {drop()});
}

void add_source_translation(Rules& rules) {
  const auto add = [&](std::string comment, std::vector<Statement> statements) {
    rules.push_back({"postrouting", {std::move(comment), std::move(statements)}});
  };
  add("from the host's loopback", {is_in({oifname}, "bridges"), is(ip_saddr, parse_cidr("127.0.0.0/8")), masquerade()});
  add("from the host's loopback", {is_in({oifname}, "bridges"), is(ip6_saddr, parse_cidr("::1/128")), masquerade()});
  // A container that answers a neighbour, or itself, directly: the asker would not know the answer for its own. By
  // addresses, because with br_netfilter these packets have no link that they came in by.
  add("back into the same bridge", {has(ct_status, status_dnat), is_in({oifname, ip_saddr}, "subnets4"), masquerade()});
  add("back into the same bridge",
      {has(ct_status, status_dnat), is_in({oifname, ip6_saddr}, "subnets6"), masquerade()});
  add("to the world", {is_family(false), is_in({iifname}, "masquerade4"), masquerade()});
  add("to the world", {is_family(true), is_in({iifname}, "masquerade6"), masquerade()});
}

Layout make_layout() {
  Layout layout{.table = {Family::inet, "berth"}, .sets = make_sets(), .chains = make_chains(), .rules = {}};
  add_loopback_protection(layout.rules);
  add_policed(layout.rules);
  add_translation(layout.rules);
  add_forward(layout.rules);
  add_targets(layout.rules);
  add_source_translation(layout.rules);
  return layout;
}

std::uint8_t protocol_number(Protocol protocol) {
  switch (protocol) {
    case Protocol::tcp: return IPPROTO_TCP;
    case Protocol::udp: return IPPROTO_UDP;
    case Protocol::sctp: break;
  }
  return IPPROTO_SCTP;
}

Verdict verdict_into(const BridgeRules& bridge, bool v6) {
  if (bridge.internal) return {Verdict::Code::drop, {}};
  switch (v6 ? bridge.v6 : bridge.v4) {
    case GatewayMode::nat: return {Verdict::Code::go_to, bridge.direct ? "into-direct" : "into-nat"};
    case GatewayMode::nat_unprotected: return {Verdict::Code::go_to, "into-unprotected"};
    case GatewayMode::routed: return {Verdict::Code::go_to, "into-routed"};
    case GatewayMode::isolated: break;
  }
  return {Verdict::Code::drop, {}};
}

bool masquerades(const BridgeRules& bridge, bool v6) {
  const auto mode = v6 ? bridge.v6 : bridge.v4;
  return bridge.masquerade && !bridge.internal && (mode == GatewayMode::nat || mode == GatewayMode::nat_unprotected);
}

Value family_value(bool v6) {
  const char family = v6 ? AF_INET6 : AF_INET;
  return {std::string{family}, v6 ? "ipv6" : "ipv4"};
}

Element family_key(bool v6) {
  return {.key = {family_value(v6)}};
}

std::uint16_t plus(std::uint16_t port, unsigned count) {
  return static_cast<std::uint16_t>(port + count);
}

}  // namespace

const Layout& layout() {
  static const Layout layout = make_layout();
  return layout;
}

const Set& get_set(std::string_view name) {
  const auto found = std::ranges::find(layout().sets, name, &Set::name);
  if (found == layout().sets.end()) throw Error{Kind::internal, "table berth has no set {}", name};
  return *found;
}

void add_elements(Elements& elements, const BridgeRules& bridge) {
  const auto own = link(bridge.link);
  elements["bridges"].push_back({.key = {own}});
  const auto within = bridge.icc ? Verdict{Verdict::Code::accept, {}} : Verdict{Verdict::Code::go_to, "neighbours"};
  elements["neighbours"].push_back({.key = {own, own}, .verdict = within});
  if (bridge.internal) elements["from"].push_back({.key = {own}, .verdict = Verdict{Verdict::Code::drop, {}}});
  for (const bool v6 : {false, true}) {
    const std::string family = v6 ? "6" : "4";
    elements["into" + family].push_back({.key = {own}, .verdict = verdict_into(bridge, v6)});
    if (masquerades(bridge, v6)) elements["masquerade" + family].push_back({.key = {own}});
  }
  for (const auto& subnet : bridge.subnets) {
    elements[subnet.address.is_v6() ? "subnets6" : "subnets4"].push_back(
        {.key = {own, address(subnet.first())}, .last = {own, address(subnet.last())}});
  }
}

namespace {

/// The maps of a family, and what they lead to.
struct Maps {
  std::string one_address, any_address, range;
  std::vector<Value> any_key;  ///< before protocol and port, where the address does not matter
};

void add_single_ports(Elements& elements, const Publication& publication, const Maps& maps,
                      const std::function<std::vector<Value>(unsigned)>& target) {
  const auto proto = protocol(protocol_number(publication.protocol));
  const auto& host = publication.host_address;
  for (unsigned i = 0; i < publication.count; ++i) {
    Element element{.key = host.is_any() ? maps.any_key : std::vector{address(host)}, .data = target(i)};
    element.key.push_back(proto);
    element.key.push_back(port(plus(publication.host_first, i)));
    elements[host.is_any() ? maps.any_address : maps.one_address].push_back(std::move(element));
  }
}

void add_range(Elements& elements, const Publication& publication, const Maps& maps, std::vector<Value> target) {
  const auto proto = protocol(protocol_number(publication.protocol));
  const auto& first = publication.host_address;
  const auto last = first.is_any() ? first.last_of(0) : first;
  elements[maps.range].push_back(
      {.key = {address(first), proto, port(publication.host_first)},
       .last = {address(last), proto, port(plus(publication.host_first, publication.count - 1U))},
       .data = std::move(target)});
}

void add_open_ports(Elements& elements, const Publication& publication) {
  const auto proto = protocol(protocol_number(publication.protocol));
  const auto container = address(publication.container);
  elements[publication.container.is_v6() ? "open6" : "open4"].push_back(
      {.key = {container, proto, port(publication.container_first)},
       .last = {container, proto, port(plus(publication.container_first, publication.count - 1U))}});
}

void add_relay(Elements& elements, const Publication& publication) {
  const Maps maps{"relays", "anyrelays", "relayranges", {family_value(true)}};
  const std::vector target{port(publication.relay)};
  if (publication.count >= least_range) return add_range(elements, publication, maps, target);
  add_single_ports(elements, publication, maps, [&](unsigned) { return target; });
}

}  // namespace

void add_elements(Elements& elements, const Publication& publication) {
  if (publication.host_first == 0) return add_open_ports(elements, publication);
  if (publication.needs_relay()) {
    if (publication.relay != 0) add_relay(elements, publication);
    return;
  }
  const bool is_long = publication.count >= least_range;
  const std::string family = publication.container.is_v6() ? "6" : "4";
  const Maps maps{"ports" + family, "anyports" + family, "ranges" + family, {}};
  const auto container = address(publication.container);
  if (is_long && publication.host_first == publication.container_first) {
    return add_range(elements, publication, maps, {container});
  }
  add_single_ports(elements, publication, maps, [&](unsigned i) {
    return std::vector{container, port(plus(publication.container_first, i))};
  });
}

void add_loopback_relay(Elements& elements, const Publication& publication) {
  if (!publication.needs_loopback_relay() || publication.relay == 0) return;
  auto of_loopback = publication;
  of_loopback.host_address = parse_ip("::1");
  add_relay(elements, of_loopback);
}

void add_direct_ports(Elements& elements, std::span<const Publication> publications) {
  using Ports = std::map<unsigned, unsigned>;  // the first, and the one after the last
  std::map<std::pair<IpAddress, Protocol>, Ports> open;
  for (const auto& publication : publications) {
    if (publication.host_first == 0 || publication.host_address.is_loopback()) continue;
    auto& end = open[{publication.container, publication.protocol}][publication.container_first];
    end = std::max(end, publication.container_first + unsigned{publication.count});
  }
  for (const auto& [target, ports] : open) {
    const auto container = address(target.first);
    const auto proto = protocol(protocol_number(target.second));
    for (auto range = ports.begin(); range != ports.end();) {
      const auto first = range->first;
      auto end = range->second;
      for (++range; range != ports.end() && range->first <= end; ++range) end = std::max(end, range->second);
      elements[target.first.is_v6() ? "open6" : "open4"].push_back(
          {.key = {container, proto, port(static_cast<std::uint16_t>(first))},
           .last = {container, proto, port(static_cast<std::uint16_t>(end - 1))}});
    }
  }
}

void add_forwarding(Elements& elements, bool v6) {
  elements["forwarding"].push_back(family_key(v6));
}

void add_policy(Elements& elements, bool v6) {
  elements["policed"].push_back(family_key(v6));
}

void add_refused_loopback(Elements& elements) {
  elements["refused"].push_back(family_key(true));
}

InstalledElement forwarding_element(bool v6) {
  return as_installed(get_set("forwarding"), family_key(v6));
}

}  // namespace berth::network::firewall

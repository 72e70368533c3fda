#include "network/firewall.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <set>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/guarded.hpp"
#include "base/log.hpp"
#include "base/strings.hpp"
#include "network/firewall_table.hpp"
#include "network/forwarding.hpp"
#include "network/host_policy.hpp"
#include "network/shortcut.hpp"
#include "nftables/flows.hpp"

namespace berth::network {
namespace {

using nftables::InstalledElement;
using nftables::Transaction;

/// What is to be in force.
struct Wanted {
  std::map<std::string, BridgeRules> bridges;  ///< by link
  std::set<Publication> publications;
  bool direct_routing = false;
  std::set<bool> forwarding;  ///< for IPv6, for IPv4: the host forwards because we let it
  bool refused_loopback = false;
  std::array<bool, 2> policy{};    ///< by IPv4, by IPv6: the host has rules for what comes in
  std::uint32_t sending_link = 0;  ///< where packets that these let through are sent round

  [[nodiscard]] firewall::Elements elements() const {
    firewall::Elements elements;
    for (const auto& [link, bridge] : bridges) firewall::add_elements(elements, bridge);
    add_publications(elements, publications);
    for (const bool v6 : forwarding) firewall::add_forwarding(elements, v6);
    for (const bool v6 : {false, true}) {
      if (policy[v6]) firewall::add_policy(elements, v6);
    }
    if (refused_loopback) firewall::add_refused_loopback(elements);
    return elements;
  }

  template <class Publications>
  void add_publications(firewall::Elements& elements, const Publications& added) const {
    for (const auto& publication : added) {
      firewall::add_elements(elements, publication);
      if (refused_loopback) firewall::add_loopback_relay(elements, publication);
    }
    if (direct_routing) firewall::add_direct_ports(elements, std::vector<Publication>(added.begin(), added.end()));
  }
};

/// What senders of UDP may still be sending to. For each port the kernel looks at all flows: long ranges are left to
/// their time-out.
std::vector<nftables::UdpFlows> udp_flows_of(std::span<const Publication> publications) {
  constexpr unsigned longest = 64;
  std::vector<nftables::UdpFlows> flows;
  for (const auto& publication : publications) {
    if (publication.protocol != Protocol::udp || publication.host_first == 0 || publication.count > longest) continue;
    for (unsigned i = 0; i < publication.count; ++i) {
      flows.push_back({publication.host_address, static_cast<std::uint16_t>(publication.host_first + i)});
    }
  }
  return flows;
}

firewall::Elements elements_of(const BridgeRules& bridge) {
  firewall::Elements elements;
  firewall::add_elements(elements, bridge);
  return elements;
}

/// As long as what is wanted of ::1 does not change.
firewall::Elements elements_of(const Wanted& wanted, std::span<const Publication> publications) {
  firewall::Elements elements;
  wanted.add_publications(elements, publications);
  return elements;
}

void put_in(Transaction& transaction, const firewall::Elements& elements) {
  for (const auto& [set, members] : elements) {
    transaction.add_elements(firewall::layout().table, firewall::get_set(set), members);
  }
}

void take_out(Transaction& transaction, const firewall::Elements& elements) {
  for (const auto& [set, members] : elements) {
    transaction.remove_elements(firewall::layout().table, firewall::get_set(set), members);
  }
}

/// The rules of our chains in the table, as the kernel has them, by chain and in their order.
std::map<std::string, std::vector<std::uint64_t>> fingerprints(const std::vector<nftables::InstalledRule>& rules) {
  std::map<std::string, std::vector<std::uint64_t>> chains;
  for (const auto& rule : rules) {
    if (rule.chain != firewall::user_chain) chains[rule.chain].push_back(rule.fingerprint);
  }
  return chains;
}

std::map<std::string, std::vector<std::uint64_t>> wanted_fingerprints() {
  std::map<std::string, std::vector<std::uint64_t>> chains;
  for (const auto& [chain, rule] : firewall::layout().rules) chains[chain].push_back(nftables::fingerprint(rule));
  return chains;
}

/// Brings the fixed part to what it is to be: all or nothing of it, as rules hold on to chains and sets. Returns the
/// sets that are new, and so empty.
std::set<std::string> rebuild(nftables::Socket& socket, Transaction& transaction) {
  const auto& layout = firewall::layout();
  const auto chains = socket.chains(layout.table);
  const auto sets = socket.sets(layout.table);
  transaction.add_table(layout.table);
  for (const auto& chain : layout.chains) {
    const auto present = std::ranges::find(chains, chain.name, &nftables::Chain::name);
    if (present == chains.end() || chain.name == firewall::user_chain) continue;
    transaction.flush_chain(layout.table, chain.name);
    if (*present != chain) transaction.remove_chain(layout.table, chain.name);
  }
  std::set<std::string> fresh;
  for (const auto& set : layout.sets) {
    const auto present = std::ranges::find(sets, set.name, &nftables::Set::name);
    if (present != sets.end() && *present == set) continue;
    if (present != sets.end()) transaction.remove_set(layout.table, set.name);
    transaction.add_set(layout.table, set);
    fresh.insert(set.name);
  }
  for (const auto& chain : layout.chains) transaction.add_chain(layout.table, chain);
  for (const auto& [chain, rule] : layout.rules) transaction.add_rule(layout.table, chain, rule);
  return fresh;
}

bool fixed_part_is_whole(nftables::Socket& socket) {
  const auto& layout = firewall::layout();
  if (!socket.has_table(layout.table)) return false;
  const auto chains = socket.chains(layout.table);
  const auto sets = socket.sets(layout.table);
  const auto has = [](const auto& all) {
    return [&](const auto& one) { return std::ranges::find(all, one) != all.end(); };
  };
  return std::ranges::all_of(layout.chains, has(chains)) && std::ranges::all_of(layout.sets, has(sets)) &&
         fingerprints(socket.rules(layout.table)) == wanted_fingerprints();
}

/// Adds what a set lacks and removes what it has too much.
void correct(nftables::Socket& socket, Transaction& transaction, const nftables::Set& set,
             const std::vector<nftables::Element>& wanted, bool is_new) {
  const auto& table = firewall::layout().table;
  const auto present = is_new ? std::vector<InstalledElement>{} : socket.elements(table, set.name);
  std::vector<nftables::Element> missing;
  std::vector<InstalledElement> right;
  for (const auto& element : wanted) {
    auto bytes = nftables::as_installed(set, element);
    if (std::ranges::binary_search(present, bytes)) {
      right.push_back(std::move(bytes));
    } else {
      missing.push_back(element);
    }
  }
  std::ranges::sort(right);
  std::vector<InstalledElement> wrong;
  std::ranges::set_difference(present, right, std::back_inserter(wrong));
  transaction.remove_elements(table, set, std::span<const InstalledElement>{wrong});
  transaction.add_elements(table, set, missing);
}

/// The small tables that send packets round, where the host has rules for what comes in.
void correct_round_table(nftables::Socket& socket, Transaction& transaction, bool v6, const Wanted& wanted) {
  const auto table = firewall::round_table(v6);
  const bool present = socket.has_table(table);
  if (!wanted.policy[v6]) {
    if (present) transaction.remove_table(table);
    return;
  }
  const auto chain = firewall::round_chain();
  const auto rules = firewall::round_rules(v6, wanted.sending_link);
  if (present) {
    const auto chains = socket.chains(table);
    const auto same = [](const nftables::InstalledRule& installed, const nftables::Rule& rule) {
      return installed.fingerprint == nftables::fingerprint(rule);
    };
    if (chains == std::vector{chain} && std::ranges::equal(socket.rules(table), rules, same)) return;
    transaction.remove_table(table);
  }
  transaction.add_table(table).add_chain(table, chain);
  for (const auto& rule : rules) transaction.add_rule(table, chain.name, rule);
}

/// What has to be done so that the table is as wanted; empty if it is.
Transaction plan_repair(nftables::Socket& socket, const Wanted& wanted) {
  Transaction transaction;
  std::set<std::string> fresh;
  if (!fixed_part_is_whole(socket)) fresh = rebuild(socket, transaction);
  auto elements = wanted.elements();
  for (const auto& set : firewall::layout().sets) {
    correct(socket, transaction, set, elements[set.name], fresh.contains(set.name));
  }
  for (const bool v6 : {false, true}) correct_round_table(socket, transaction, v6, wanted);
  return transaction;
}

/// True if the kernel refused because something that was there is gone, or the other way round: others changed the
/// table.
bool is_damage(const Error& error) {
  return error.errno_value() == ENOENT || error.errno_value() == EEXIST || error.errno_value() == EBUSY;
}

}  // namespace

struct Firewall::Impl {
  struct State {
    nftables::Socket socket;
    netlink::Socket links;
    Wanted wanted;
    Shortcut shortcut;
    bool output_rules = false;     ///< others may refuse what goes out
    bool links_are_known = false;  ///< those that packets go round by may be left from the last daemon

    /// With br_netfilter, answers to ::1 have that address already when they reach IPv6, which discards them then.
    /// Whoever loads the module may do so at any time. True if that is new.
    bool notice_bridge_netfilter() {
      const auto text = find_file("/proc/sys/net/bridge/bridge-nf-call-ip6tables");
      return std::exchange(wanted.refused_loopback, text && trim(*text) != "0") != wanted.refused_loopback;
    }

    /// Whether others have rules for what comes in. Without the links that packets go round by, they hold for no
    /// published port, and the log says so. True if that is new.
    bool notice_host_policy() {
      auto policy = firewall::find_host_policy(socket);
      if (policy[0] || policy[1]) {
        try {
          wanted.sending_link = firewall::ensure_round_links(links);
        } catch (const Error& error) {
          log::warn("the host's rules for incoming packets do not hold for published ports",
                    {{"error", error.message()}});
          policy = {};
        }
      } else if (!std::exchange(links_are_known, true) || std::exchange(wanted.sending_link, 0) != 0) {
        firewall::remove_round_links(links);
      }
      return std::exchange(wanted.policy, policy) != policy;
    }

    void update_shortcut() { shortcut.lead_to(output_rules ? std::set<Publication>{} : wanted.publications); }

    /// Rules that refuse some of what goes out may ask whether it goes by the loopback link. What is translated does,
    /// to their eyes. There is no shortcut then.
    void notice_output_rules() {
      if (!shortcut.is_open()) return;
      output_rules = firewall::may_refuse_output(socket);
      update_shortcut();
    }

    /// False if there was nothing to repair.
    bool repair() {
      // Somebody who changes the table at the same time makes the transaction fail; what is left is then looked at
      // again.
      constexpr int attempts = 3;
      for (int attempt = 1;; ++attempt) {
        const auto transaction = plan_repair(socket, wanted);
        if (transaction.empty()) return false;
        try {
          socket.apply(transaction);
          return true;
        } catch (const Error& error) {
          if (attempt == attempts || !is_damage(error)) throw;
        }
      }
    }

    /// Applies a change that `wanted` has already; repairs the table if it is not what we left.
    void apply(const Transaction& transaction) {
      try {
        socket.apply(transaction);
      } catch (const Error& error) {
        if (!is_damage(error)) throw;
        log::warn("table berth was changed by others, repairing it", {{"error", error.message()}});
        repair();
      }
    }
  };

  explicit Impl(FirewallOptions given) : options(given) {}

  const FirewallOptions options;
  nftables::Monitor monitor;
  Guarded<State> state;
};

Firewall::Firewall(FirewallOptions options) : impl_(std::make_unique<Impl>(options)) {
  impl_->state.with([&](Impl::State& state) { state.wanted.direct_routing = options.direct_routing; });
}
Firewall::~Firewall() = default;

void Firewall::restore(std::span<const BridgeRules> bridges, std::span<const Publication> publications) {
  impl_->state.with([&](Impl::State& state) {
    auto& wanted = state.wanted;
    wanted.bridges.clear();
    for (const auto& bridge : bridges) wanted.bridges.insert_or_assign(bridge.link, bridge);
    wanted.publications = {publications.begin(), publications.end()};
    // That the host forwards because of us is written nowhere but in the table.
    for (const auto& element : state.socket.elements(firewall::layout().table, "forwarding")) {
      wanted.forwarding.insert(element == firewall::forwarding_element(true));
    }
    state.notice_bridge_netfilter();
    state.notice_host_policy();
    state.repair();
    if (impl_->options.shortcut) state.shortcut.open();
    state.notice_output_rules();
  });
}

void Firewall::add_bridge(const BridgeRules& bridge) {
  impl_->state.with([&](Impl::State& state) {
    Transaction transaction;
    const auto present = state.wanted.bridges.find(bridge.link);
    if (present != state.wanted.bridges.end()) take_out(transaction, elements_of(present->second));
    put_in(transaction, elements_of(bridge));
    auto before = state.wanted.bridges;
    state.wanted.bridges.insert_or_assign(bridge.link, bridge);
    try {
      state.apply(transaction);
    } catch (...) {
      state.wanted.bridges = std::move(before);
      throw;
    }
  });
}

void Firewall::remove_bridge(const std::string& link) {
  impl_->state.with([&](Impl::State& state) {
    const auto present = state.wanted.bridges.find(link);
    if (present == state.wanted.bridges.end()) return;
    Transaction transaction;
    take_out(transaction, elements_of(present->second));
    state.wanted.bridges.erase(present);
    state.apply(transaction);
  });
}

void Firewall::publish(std::span<const Publication> publications) {
  if (publications.empty()) return;
  impl_->state.with([&](Impl::State& state) {
    if (state.notice_bridge_netfilter()) state.repair();
    Transaction transaction;
    put_in(transaction, elements_of(state.wanted, publications));
    std::vector<Publication> added;
    for (const auto& publication : publications) {
      if (state.wanted.publications.insert(publication).second) added.push_back(publication);
    }
    try {
      state.apply(transaction);
    } catch (...) {
      for (const auto& publication : added) state.wanted.publications.erase(publication);
      throw;
    }
    state.update_shortcut();
  });
  nftables::forget(udp_flows_of(publications));
}

void Firewall::withdraw(std::span<const Publication> publications) {
  impl_->state.with([&](Impl::State& state) {
    std::vector<Publication> present;
    for (const auto& publication : publications) {
      if (state.wanted.publications.erase(publication) != 0) present.push_back(publication);
    }
    if (present.empty()) return;
    state.update_shortcut();
    Transaction transaction;
    take_out(transaction, elements_of(state.wanted, present));
    state.apply(transaction);
  });
  nftables::forget(udp_flows_of(publications));
}

void Firewall::enable_forwarding(bool v6, bool for_all) {
  // The rule first: the host must not route for others even for a moment.
  const bool is_on = forwarding_is_on(v6);
  impl_->state.with([&](Impl::State& state) {
    auto& forwarding = state.wanted.forwarding;
    const bool changes = for_all ? forwarding.erase(v6) != 0 : !is_on && forwarding.insert(v6).second;
    if (changes) state.repair();
  });
  if (is_on) return;
  switch_forwarding_on(v6);
}

FdRef Firewall::changes() const noexcept {
  return impl_->monitor.fd();
}

bool Firewall::heal() {
  const auto changes = impl_->monitor.take();
  return impl_->state.with([&](Impl::State& state) {
    const auto by_others = [&](const nftables::Change& change) { return change.port != state.socket.port(); };
    if (!changes.overrun && std::ranges::none_of(changes.tables, by_others)) return false;
    state.notice_output_rules();
    const bool new_policy = state.notice_host_policy();
    const bool repaired = state.repair();
    if (repaired && !new_policy) log::warn("table berth was changed by others and is repaired");
    if (state.notice_bridge_netfilter()) state.repair();
    return repaired && !new_policy;
  });
}

bool Firewall::is_whole() {
  return impl_->state.with([](Impl::State& state) { return plan_repair(state.socket, state.wanted).empty(); });
}

void Firewall::remove() {
  impl_->state.with([](Impl::State& state) {
    state.wanted = {};
    state.update_shortcut();
    for (const auto& table : {firewall::layout().table, firewall::round_table(false), firewall::round_table(true)}) {
      if (state.socket.has_table(table)) state.socket.apply(Transaction{}.remove_table(table));
    }
  });
}

}  // namespace berth::network

// nftables: the kernel's packet filter, by messages to it.
//
// A Transaction collects changes to tables, chains, rules, sets and their elements; Socket::apply hands it to the
// kernel, which takes all of it or nothing, and no packet ever sees a half of it. A rule is a list of statements that
// expressions.hpp makes; what they are called there is what `nft` calls them. There is no text parser here and no
// program is run. A socket belongs to the network namespace that it was opened in, for as long as it lives.
//
//   const Table table{Family::inet, "berth"};
//   Transaction change;
//   change.add_table(table)
//       .add_chain(table, {.name = "postrouting", .base = BaseChain{Type::nat, Hook::postrouting, priority_srcnat}})
//       .add_rule(table, "postrouting", {"to the world", {is(ip_saddr, subnet), is_not(oifname, link("docker0")),
//                                                         masquerade()}});
//   Socket{}.apply(change);
//
// Uses: base, linux, netlink, libnftnl, libmnl.   Used by: network.   Threads: any; one per Socket.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fd.hpp"
#include "nftables/expressions.hpp"

namespace berth::nftables {

enum class Family : std::uint8_t { inet = 1, ip = 2, ip6 = 10 };

struct Table {
  Family family = Family::inet;
  std::string name;

  friend bool operator==(const Table&, const Table&) = default;
};

enum class Type { filter, nat, route };
enum class Hook : std::uint32_t { prerouting, input, forward, output, postrouting };
enum class Policy : std::uint32_t { drop, accept };

inline constexpr std::int32_t priority_raw = -300;
inline constexpr std::int32_t priority_mangle = -150;
inline constexpr std::int32_t priority_dstnat = -100;
inline constexpr std::int32_t priority_filter = 0;
inline constexpr std::int32_t priority_srcnat = 100;

/// Where packets enter a chain by themselves.
struct BaseChain {
  Type type = Type::filter;
  Hook hook = Hook::forward;
  std::int32_t priority = 0;
  Policy policy = Policy::accept;

  friend bool operator==(const BaseChain&, const BaseChain&) = default;
};

struct Chain {
  std::string name;
  std::optional<BaseChain> base;  ///< without it the chain is entered by jumps alone

  friend bool operator==(const Chain&, const Chain&) = default;
};

/// Statements in their order: the first that does not match ends the rule.
struct Rule {
  std::string comment;  ///< `nft list` shows it
  std::vector<Statement> statements;
};

/// As `nft` would print it, nearly.
std::string to_string(const Rule& rule);

/// Keys, each a value of every type in `key`. With `data` it is a map, whose elements lead to such values.
struct Set {
  std::string name;
  std::vector<ValueType> key;
  std::vector<ValueType> data;
  bool interval = false;  ///< elements have a last key as well; of two fields or more; slow to fill, so only for ranges

  friend bool operator==(const Set&, const Set&) = default;
};

struct Element {
  std::vector<Value> key;
  std::vector<Value> last;         ///< of an interval, inclusive; empty: `key` alone
  std::vector<Value> data;         ///< of a map
  std::optional<Verdict> verdict;  ///< of a map to verdicts
};

/// A rule that the kernel has.
struct InstalledRule {
  std::string chain;
  std::uint64_t handle = 0;
  std::uint64_t fingerprint = 0;  ///< of the Rule that it was made of; 0 if it was not made here
  bool may_refuse = false;        ///< drops, rejects, asks a map for a verdict, or does what is not known here
  bool only_v6 = false;           ///< it is for packets of IPv6 alone, in a table of both families
  std::string next_chain;         ///< that it jumps or goes to
};

/// An element that the kernel has, as the bytes that it has.
struct InstalledElement {
  std::string key, last, data;  ///< `last` equals `key` where there is no interval

  friend auto operator<=>(const InstalledElement&, const InstalledElement&) = default;
};

/// What the kernel lists for an element of a set, to compare with.
InstalledElement as_installed(const Set& set, const Element& element);
/// Two rules that do the same have the same.
std::uint64_t fingerprint(const Rule& rule);

/// Changes for one `apply`. What is "added" may be there already, if it is the same; what is removed must be there.
class Transaction {
 public:
  Transaction& add_table(const Table& table);
  /// With all that is in it.
  Transaction& remove_table(const Table& table);

  Transaction& add_chain(const Table& table, const Chain& chain);
  Transaction& remove_chain(const Table& table, std::string_view chain);
  /// Removes the rules of a chain.
  Transaction& flush_chain(const Table& table, std::string_view chain);

  /// At the end of the chain; `to_front`: at its beginning.
  Transaction& add_rule(const Table& table, std::string_view chain, const Rule& rule, bool to_front = false);
  Transaction& remove_rule(const Table& table, std::string_view chain, std::uint64_t handle);

  Transaction& add_set(const Table& table, const Set& set);
  Transaction& remove_set(const Table& table, std::string_view set);
  /// Tens of thousands of elements go into few messages.
  Transaction& add_elements(const Table& table, const Set& set, std::span<const Element> elements);
  Transaction& remove_elements(const Table& table, const Set& set, std::span<const Element> elements);
  /// Those that were listed.
  Transaction& remove_elements(const Table& table, const Set& set, std::span<const InstalledElement> elements);
  Transaction& flush_set(const Table& table, const Set& set);

  [[nodiscard]] bool empty() const noexcept { return steps_.empty(); }

 private:
  friend class Socket;
  struct Step {
    std::size_t offset;  ///< of its message
    std::string what;    ///< for an error
  };

  template <class Fill>
  Transaction& add(std::uint16_t type, std::uint16_t flags, Family family, std::string what, Fill&& fill);
  template <class Elements, class Fill>
  Transaction& change_elements(std::uint16_t type, std::uint16_t flags, const Table& table, const Set& set,
                               const Elements& elements, std::string_view verb, Fill&& fill);

  std::vector<std::uint8_t> bytes_;
  std::vector<Step> steps_;
};

/// What changed, as far as somebody who repairs needs to know.
struct Change {
  Table table;
  std::uint32_t port = 0;  ///< the netlink port of who did it: Socket::port()
};

class Socket {
 public:
  /// Of the calling thread's network namespace.
  Socket();
  /// Of the namespace that is open as `netns`; a thread of its own enters it.
  static Socket in(FdRef netns);

  /// All or nothing. Throws the first failure as an Error with its errno and the step's words.
  void apply(const Transaction& transaction);

  bool has_table(const Table& table);
  std::vector<Chain> chains(const Table& table);
  /// Of all tables: what packets enter by themselves.
  std::vector<std::pair<Table, Chain>> base_chains();
  std::vector<InstalledRule> rules(const Table& table);
  /// `key` and `data` of what `nft` or others made may be of types that are not known here; such are left out.
  std::vector<Set> sets(const Table& table);
  /// In order, each once.
  std::vector<InstalledElement> elements(const Table& table, std::string_view set);

  /// The kernel's name for this socket in this namespace.
  [[nodiscard]] std::uint32_t port() const noexcept { return port_; }

 private:
  explicit Socket(UniqueFd socket);
  template <class Fill, class Take>
  void dump(std::uint16_t type, std::optional<Family> family, std::string_view what, Fill&& fill, Take&& take);
  struct DumpedElements {
    std::vector<InstalledElement> elements;
    std::size_t messages = 0;
  };
  DumpedElements dump_elements(const Table& table, std::string_view set);

  UniqueFd socket_;
  std::uint32_t port_ = 0;
  std::uint32_t sequence_ = 0;
};

/// Hears of changes that anybody makes to the rules of the namespace it was opened in.
class Monitor {
 public:
  Monitor();
  static Monitor in(FdRef netns);

  /// Readable when something changed.
  [[nodiscard]] FdRef fd() const noexcept { return socket_; }
  /// What changed since the last call, a table once for each who changed it. Empties the descriptor. If the kernel had
  /// to leave out some, `overrun` is true and everything may have changed.
  struct Changes {
    std::vector<Change> tables;
    bool overrun = false;
  };
  Changes take();

 private:
  explicit Monitor(UniqueFd socket) : socket_(std::move(socket)) {}
  UniqueFd socket_;
};

}  // namespace berth::nftables

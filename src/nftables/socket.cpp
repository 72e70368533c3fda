#include <fmt/format.h>
#include <libnftnl/expr.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <functional>

#include "base/error.hpp"
#include "linux/own_thread.hpp"
#include "netlink/wire.hpp"
#include "nftables/internal.hpp"
#include "nftables/nftables.hpp"

namespace berth::nftables {
namespace {

/// The kernel puts no more than this into one answer of a dump.
constexpr std::size_t max_answer = 64U << 10U;
/// What the monitor may leave unread before the kernel drops some: a transaction of thousands of elements is long.
constexpr int monitor_buffer = 1 << 20;

UniqueFd open_monitor() {
  auto socket = netlink::open_socket(NETLINK_NETFILTER);
  // Beyond what a user may have; without it the usual size serves, and an overrun is reported sooner.
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUFFORCE, &monitor_buffer, sizeof monitor_buffer);
  const int group = NFNLGRP_NFTABLES;
  if (::setsockopt(socket.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) < 0) {
    throw Error::from_errno(errno, "listen for changes of nftables");
  }
  set_nonblocking(socket, true);
  return socket;
}

UniqueFd open_in(FdRef netns, const std::function<UniqueFd()>& open) {
  UniqueFd socket;
  kernel::in_network_namespace(netns, "to filter its packets", [&] { socket = open(); });
  return socket;
}

std::uint32_t port_of(FdRef socket) {
  sockaddr_nl address{};
  socklen_t length = sizeof address;
  if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &length) < 0) {
    throw Error::from_errno(errno, "look at netfilter socket");
  }
  return address.nl_pid;
}

/// Calls `take` with each message in the buffer. (libmnl's loops are C, and no C++.)
template <class Take>
void each_message(std::span<const char> buffer, Take&& take) {
  int length = static_cast<int>(buffer.size());
  const auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data());
  while (::mnl_nlmsg_ok(message, length)) {
    take(message);
    message = ::mnl_nlmsg_next(message, &length);
  }
}

/// nft's number for a concatenation, taken apart.
std::vector<ValueType> types_of(std::uint32_t number) {
  std::vector<ValueType> types;
  for (; number != 0; number >>= 6U) types.insert(types.begin(), static_cast<ValueType>(number & 0x3fU));
  return types;
}

std::string bytes_of(nftnl_set_elem* element, std::uint16_t attribute) {
  std::uint32_t length = 0;
  const auto* bytes = static_cast<const char*>(::nftnl_set_elem_get(element, attribute, &length));
  return bytes == nullptr ? std::string{} : std::string{bytes, length};
}

InstalledElement installed(nftnl_set_elem* element) {
  InstalledElement result{bytes_of(element, NFTNL_SET_ELEM_KEY), bytes_of(element, NFTNL_SET_ELEM_KEY_END), {}};
  if (result.last.empty()) result.last = result.key;
  if (::nftnl_set_elem_is_set(element, NFTNL_SET_ELEM_VERDICT)) {
    Verdict verdict{};
    switch (static_cast<std::int32_t>(::nftnl_set_elem_get_u32(element, NFTNL_SET_ELEM_VERDICT))) {
      case 0: verdict.code = Verdict::Code::drop; break;
      case 1: verdict.code = Verdict::Code::accept; break;
      case NFT_JUMP: verdict.code = Verdict::Code::jump; break;
      case NFT_GOTO: verdict.code = Verdict::Code::go_to; break;
      default: verdict.code = Verdict::Code::return_;
    }
    if (const auto* chain = ::nftnl_set_elem_get_str(element, NFTNL_SET_ELEM_CHAIN)) verdict.chain = chain;
    result.data = to_string(verdict);
  } else {
    result.data = bytes_of(element, NFTNL_SET_ELEM_DATA);
  }
  return result;
}

/// What a rule does besides looking.
void add_verdict(InstalledRule& rule, const nftnl_expr* expression) {
  static constexpr std::array<std::string_view, 16> only_look = {
      "bitwise", "byteorder", "cmp",   "connlimit", "counter", "ct",    "fib", "exthdr",
      "limit",   "log",       "match", "meta",      "payload", "range", "rt",  "socket"};
  const std::string_view name = ::nftnl_expr_get_str(expression, NFTNL_EXPR_NAME);
  if (std::ranges::find(only_look, name) != only_look.end()) return;
  if (name == "lookup") {
    const bool is_map = ::nftnl_expr_is_set(expression, NFTNL_EXPR_LOOKUP_DREG);
    if (!is_map || ::nftnl_expr_get_u32(expression, NFTNL_EXPR_LOOKUP_DREG) != NFT_REG_VERDICT) return;
  }
  if (name == "immediate") {
    if (!::nftnl_expr_is_set(expression, NFTNL_EXPR_IMM_VERDICT)) return;
    const auto code = static_cast<std::int32_t>(::nftnl_expr_get_u32(expression, NFTNL_EXPR_IMM_VERDICT));
    if (const auto* chain = ::nftnl_expr_get_str(expression, NFTNL_EXPR_IMM_CHAIN)) rule.next_chain = chain;
    if (code == NF_ACCEPT || code < 0) return;  // below zero are jump, goto, continue and return
  }
  if (name == "target" && ::nftnl_expr_get_str(expression, NFTNL_EXPR_TG_NAME) == std::string_view{"LOG"}) return;
  rule.may_refuse = true;
}

/// At a rule's expressions, one after the other.
struct Look {
  InstalledRule& rule;
  bool family_is_loaded = false;

  void at(const nftnl_expr* expression) {
    const std::string_view name = ::nftnl_expr_get_str(expression, NFTNL_EXPR_NAME);
    std::uint32_t size = 0;
    if (name == "cmp" && family_is_loaded && ::nftnl_expr_get_u32(expression, NFTNL_EXPR_CMP_OP) == NFT_CMP_EQ) {
      const auto* family = static_cast<const std::uint8_t*>(::nftnl_expr_get(expression, NFTNL_EXPR_CMP_DATA, &size));
      rule.only_v6 = rule.only_v6 || (family != nullptr && *family == NFPROTO_IPV6);
    }
    family_is_loaded = name == "meta" && ::nftnl_expr_get_u32(expression, NFTNL_EXPR_META_KEY) == NFT_META_NFPROTO;
    add_verdict(rule, expression);
  }
};

std::uint64_t fingerprint_of(const nftnl_rule* rule) {
  std::uint32_t length = 0;
  const auto* data = ::nftnl_rule_get_data(rule, NFTNL_RULE_USERDATA, &length);
  std::uint64_t print = 0;
  if (data == nullptr) return print;
  ::nftnl_udata_parse(
      data, length,
      [](const nftnl_udata* entry, void* to) {
        if (::nftnl_udata_type(entry) == fingerprint_type && ::nftnl_udata_len(entry) == sizeof print) {
          std::memcpy(to, ::nftnl_udata_get(entry), sizeof print);
        }
        return 0;
      },
      &print);
  return print;
}

std::optional<BaseChain> base_of(const nftnl_chain* chain) {
  if (!::nftnl_chain_is_set(chain, NFTNL_CHAIN_HOOKNUM)) return std::nullopt;
  BaseChain base;
  const std::string_view type = ::nftnl_chain_get_str(chain, NFTNL_CHAIN_TYPE);
  base.type = type == "nat" ? Type::nat : type == "route" ? Type::route : Type::filter;
  base.hook = static_cast<Hook>(::nftnl_chain_get_u32(chain, NFTNL_CHAIN_HOOKNUM));
  base.priority = ::nftnl_chain_get_s32(chain, NFTNL_CHAIN_PRIO);
  base.policy = static_cast<Policy>(::nftnl_chain_get_u32(chain, NFTNL_CHAIN_POLICY));
  return base;
}

}  // namespace

Socket::Socket() : Socket(netlink::open_socket(NETLINK_NETFILTER)) {}
Socket::Socket(UniqueFd socket) : socket_(std::move(socket)), port_(port_of(socket_)) {}
Socket Socket::in(FdRef netns) {
  return Socket{open_in(netns, [] { return netlink::open_socket(NETLINK_NETFILTER); })};
}

void Socket::apply(const Transaction& transaction) {
  if (transaction.empty()) return;
  std::vector<char> bytes(256 + transaction.bytes_.size());
  const auto begin = sequence_ + 1;
  const auto steps = static_cast<std::uint32_t>(transaction.steps_.size());
  auto* head = ::nftnl_batch_begin(bytes.data(), begin);
  const auto body = bytes.data() + NLMSG_ALIGN(head->nlmsg_len);
  std::memcpy(body, transaction.bytes_.data(), transaction.bytes_.size());
  for (std::uint32_t i = 0; i < steps; ++i) {
    auto* message = reinterpret_cast<nlmsghdr*>(body + transaction.steps_[i].offset);
    message->nlmsg_seq = begin + 1 + i;
    // All failures are reported, in the order of the messages; an answer to the last one says that there are no more.
    if (i + 1 == steps) message->nlmsg_flags |= NLM_F_ACK;
  }
  const auto last = begin + steps;
  sequence_ = last + 1;
  auto* tail = ::nftnl_batch_end(body + transaction.bytes_.size(), sequence_);
  const auto length = static_cast<std::size_t>(reinterpret_cast<char*>(tail) + tail->nlmsg_len - bytes.data());

  // A transaction is one message to the socket, however long.
  const int room = static_cast<int>(length) + (64 << 10);
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
  if (::send(socket_.get(), bytes.data(), length, 0) < 0) throw Error::from_errno(errno, "send nftables transaction");

  std::optional<Error> failure;
  std::vector<char> buffer(max_answer);
  for (bool answered = false; !answered;) {
    each_message(std::span{buffer}.first(netlink::receive(socket_, buffer)), [&](const nlmsghdr* message) {
      const auto number = message->nlmsg_seq - begin;  // 0: the transaction as a whole
      if (message->nlmsg_type != NLMSG_ERROR || number > steps) return;
      const auto* answer = static_cast<const nlmsgerr*>(::mnl_nlmsg_get_payload(message));
      if (message->nlmsg_seq == last || number == 0) answered = true;
      if (answer->error == 0 || failure) return;
      const auto& what = number == 0 ? "commit" : transaction.steps_[number - 1].what;
      const auto text = netlink::extended_text(message);
      failure = Error::from_errno(-answer->error, "nftables: {}{}{}", what, text.empty() ? "" : ": ", text);
    });
  }
  if (failure) throw *failure;
}

template <class Fill, class Take>
void Socket::dump(std::uint16_t type, std::optional<Family> family, std::string_view what, Fill&& fill, Take&& take) {
  const auto number = static_cast<std::uint16_t>(family ? static_cast<std::uint8_t>(*family) : 0U);
  std::vector<char> buffer(max_answer);
  // Somebody may change the rules between two parts of the answer: the kernel says so, and one begins again.
  for (bool whole = false; !whole;) {
    auto* question = ::nftnl_nlmsg_build_hdr(buffer.data(), type, number, NLM_F_DUMP, ++sequence_);
    fill(question);
    if (::send(socket_.get(), question, question->nlmsg_len, 0) < 0) throw Error::from_errno(errno, "list {}", what);
    whole = true;
    take(nullptr);
    for (bool done = false; !done;) {
      each_message(std::span{buffer}.first(netlink::receive(socket_, buffer)), [&](const nlmsghdr* message) {
        if (message->nlmsg_seq != sequence_) return;
        if ((message->nlmsg_flags & NLM_F_DUMP_INTR) != 0) whole = false;
        if (message->nlmsg_type == NLMSG_DONE) {
          done = true;
        } else if (message->nlmsg_type == NLMSG_ERROR) {
          done = true;
          const auto error = -static_cast<const nlmsgerr*>(::mnl_nlmsg_get_payload(message))->error;
          if (error == EINTR) whole = false;
          if (error != EINTR && error != ENOENT) throw Error::from_errno(error, "list {}", what);
        } else {
          take(message);
        }
      });
    }
  }
}

bool Socket::has_table(const Table& table) {
  bool found = false;
  dump(
      NFT_MSG_GETTABLE, table.family, "tables", [](auto*) {},
      [&](const nlmsghdr* message) {
        if (message == nullptr) return;
        const OwnedTable object;
        if (::nftnl_table_nlmsg_parse(message, object.get()) < 0) return;
        found = found || table.name == ::nftnl_table_get_str(object.get(), NFTNL_TABLE_NAME);
      });
  return found;
}

std::vector<Chain> Socket::chains(const Table& table) {
  std::vector<Chain> chains;
  dump(
      NFT_MSG_GETCHAIN, table.family, "chains", [](auto*) {},
      [&](const nlmsghdr* message) {
        if (message == nullptr) return chains.clear();
        const OwnedChain object;
        if (::nftnl_chain_nlmsg_parse(message, object.get()) < 0) return;
        if (table.name != ::nftnl_chain_get_str(object.get(), NFTNL_CHAIN_TABLE)) return;
        chains.push_back({::nftnl_chain_get_str(object.get(), NFTNL_CHAIN_NAME), base_of(object.get())});
      });
  return chains;
}

std::vector<std::pair<Table, Chain>> Socket::base_chains() {
  std::vector<std::pair<Table, Chain>> chains;
  const auto no_filter = [](nlmsghdr*) {};
  dump(NFT_MSG_GETCHAIN, std::nullopt, "chains", no_filter, [&](const nlmsghdr* message) {
    if (message == nullptr) return chains.clear();
    const OwnedChain object;
    if (::nftnl_chain_nlmsg_parse(message, object.get()) < 0) return;
    const auto base = base_of(object.get());
    if (!base) return;
    const auto family = static_cast<Family>(::nftnl_chain_get_u32(object.get(), NFTNL_CHAIN_FAMILY));
    chains.push_back({{family, ::nftnl_chain_get_str(object.get(), NFTNL_CHAIN_TABLE)},
                      {::nftnl_chain_get_str(object.get(), NFTNL_CHAIN_NAME), base}});
  });
  return chains;
}

std::vector<InstalledRule> Socket::rules(const Table& table) {
  std::vector<InstalledRule> rules;
  const auto fill = [&](nlmsghdr* question) { ::mnl_attr_put_strz(question, NFTA_RULE_TABLE, table.name.c_str()); };
  dump(NFT_MSG_GETRULE, table.family, "rules", fill, [&](const nlmsghdr* message) {
    if (message == nullptr) return rules.clear();
    const OwnedRule object;
    if (::nftnl_rule_nlmsg_parse(message, object.get()) < 0) return;
    if (table.name != ::nftnl_rule_get_str(object.get(), NFTNL_RULE_TABLE)) return;
    InstalledRule rule{.chain = ::nftnl_rule_get_str(object.get(), NFTNL_RULE_CHAIN),
                       .handle = ::nftnl_rule_get_u64(object.get(), NFTNL_RULE_HANDLE),
                       .fingerprint = fingerprint_of(object.get())};
    Look look{rule};
    const auto at_each = [](nftnl_expr* expression, void* at) {
      static_cast<Look*>(at)->at(expression);
      return 0;
    };
    ::nftnl_expr_foreach(object.get(), at_each, &look);
    rules.push_back(std::move(rule));
  });
  return rules;
}

std::vector<Set> Socket::sets(const Table& table) {
  std::vector<Set> sets;
  const auto fill = [&](nlmsghdr* question) { ::mnl_attr_put_strz(question, NFTA_SET_TABLE, table.name.c_str()); };
  dump(NFT_MSG_GETSET, table.family, "sets", fill, [&](const nlmsghdr* message) {
    if (message == nullptr) return sets.clear();
    const OwnedSet object;
    if (::nftnl_set_nlmsg_parse(message, object.get()) < 0) return;
    if (table.name != ::nftnl_set_get_str(object.get(), NFTNL_SET_TABLE)) return;
    const auto flags = ::nftnl_set_get_u32(object.get(), NFTNL_SET_FLAGS);
    if ((flags & NFT_SET_ANONYMOUS) != 0) return;
    Set set{.name = ::nftnl_set_get_str(object.get(), NFTNL_SET_NAME),
            .key = types_of(::nftnl_set_get_u32(object.get(), NFTNL_SET_KEY_TYPE)),
            .data = {},
            .interval = (flags & NFT_SET_INTERVAL) != 0};
    if ((flags & NFT_SET_MAP) != 0) {
      const auto type = ::nftnl_set_get_u32(object.get(), NFTNL_SET_DATA_TYPE);
      set.data = type == NFT_DATA_VERDICT ? std::vector{ValueType::verdict} : types_of(type);
    }
    sets.push_back(std::move(set));
  });
  return sets;
}

std::vector<InstalledElement> Socket::elements(const Table& table, std::string_view set) {
  // The kernel makes a hash table larger a moment after it was filled. A dump of several messages that meets this has
  // elements twice and lacks others, without a word of it: two in a row that are alike have not met it.
  std::vector<InstalledElement> before;
  for (bool first = true;; first = false) {
    auto [elements, messages] = dump_elements(table, set);
    std::ranges::sort(elements);
    const auto repeated = std::ranges::unique(elements);
    elements.erase(repeated.begin(), repeated.end());
    if (messages <= 1 || (!first && elements == before)) return elements;
    before = std::move(elements);
  }
}

Socket::DumpedElements Socket::dump_elements(const Table& table, std::string_view set) {
  DumpedElements dumped;
  const auto fill = [&](nlmsghdr* question) {
    ::mnl_attr_put_strz(question, NFTA_SET_ELEM_LIST_TABLE, table.name.c_str());
    ::mnl_attr_put_strz(question, NFTA_SET_ELEM_LIST_SET, std::string{set}.c_str());
  };
  dump(NFT_MSG_GETSETELEM, table.family, "elements", fill, [&](const nlmsghdr* message) {
    if (message == nullptr) {
      dumped = {};
      return;
    }
    ++dumped.messages;
    const OwnedSet object;
    if (::nftnl_set_elems_nlmsg_parse(message, object.get()) < 0) return;
    ::nftnl_set_elem_foreach(
        object.get(),
        [](nftnl_set_elem* element, void* to) {
          static_cast<std::vector<InstalledElement>*>(to)->push_back(installed(element));
          return 0;
        },
        &dumped.elements);
  });
  return dumped;
}

Monitor::Monitor() : Monitor(open_monitor()) {}
Monitor Monitor::in(FdRef netns) {
  return Monitor{open_in(netns, open_monitor)};
}

Monitor::Changes Monitor::take() {
  Changes changes;
  std::vector<char> buffer(max_answer);
  for (;;) {
    const auto count = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == ENOBUFS) {
      changes.overrun = true;
      continue;
    }
    if (count < 0 && errno == EAGAIN) return changes;
    if (count < 0) throw Error::from_errno(errno, "receive changes of nftables");
    each_message(std::span{buffer}.first(static_cast<std::size_t>(count)), [&](const nlmsghdr* message) {
      if (message->nlmsg_type >> 8U != NFNL_SUBSYS_NFTABLES) return;
      // The name of the table is the first attribute in each of these, but not in the number of a generation.
      if ((message->nlmsg_type & 0xffU) == NFT_MSG_NEWGEN) return;
      const nlattr* name = nullptr;
      netlink::each_attribute<nfgenmsg>(message, [&](auto type, const nlattr* attribute) {
        if (type == NFTA_TABLE_NAME) name = attribute;
      });
      if (name == nullptr) return;
      const auto* body = static_cast<const nfgenmsg*>(::mnl_nlmsg_get_payload(message));
      const Change change{{static_cast<Family>(body->nfgen_family), ::mnl_attr_get_str(name)}, message->nlmsg_pid};
      const auto same = [&](const Change& other) { return other.table == change.table && other.port == change.port; };
      if (std::ranges::none_of(changes.tables, same)) changes.tables.push_back(change);
    });
  }
}

}  // namespace berth::nftables

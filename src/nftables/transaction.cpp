#include <fmt/format.h>
#include <libmnl/libmnl.h>
#include <libnftnl/expr.h>
#include <libnftnl/udata.h>
#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "base/error.hpp"
#include "base/strings.hpp"
#include "nftables/internal.hpp"
#include "nftables/nftables.hpp"

namespace berth::nftables {
namespace {

/// A list of elements is one attribute, whose length is a number of 16 bits.
constexpr std::size_t max_message = 128U << 10U;
constexpr std::size_t max_elements_in_message = 400;
constexpr std::size_t max_comment = 120;

nftnl_expr* make_expression(const Expression& from) {
  auto* expression = ::nftnl_expr_alloc(from.name);
  if (expression == nullptr) throw Error{Kind::unsupported, "libnftnl has no expression {}", from.name};
  for (const auto& attribute : from.attributes) {
    switch (attribute.form) {
      case Attribute::Form::number: ::nftnl_expr_set_u32(expression, attribute.id, attribute.number); break;
      case Attribute::Form::name: ::nftnl_expr_set_str(expression, attribute.id, attribute.text.c_str()); break;
      case Attribute::Form::data:
        ::nftnl_expr_set(expression, attribute.id, attribute.text.data(),
                         static_cast<std::uint32_t>(attribute.text.size()));
        break;
    }
  }
  return expression;
}

/// nft's number for a concatenation: six bits for each type.
std::uint32_t concatenated(const std::vector<ValueType>& types) {
  std::uint32_t number = 0;
  for (const auto type : types) number = number << 6U | static_cast<std::uint32_t>(type);
  return number;
}

constexpr unsigned padded(unsigned bytes) {
  return (bytes + 3) / 4 * 4;
}

std::uint32_t length_of(const std::vector<ValueType>& types) {
  if (types.size() == 1) return width(types.front());
  std::uint32_t length = 0;
  for (const auto type : types) length += padded(width(type));
  return length;
}

std::string concatenated(const std::vector<Value>& values) {
  if (values.size() == 1) return values.front().bytes;
  std::string bytes;
  for (const auto& value : values) {
    bytes += value.bytes;
    bytes.resize(padded(static_cast<unsigned>(bytes.size())));
  }
  return bytes;
}

std::string text_of(const std::vector<Value>& values) {
  std::vector<std::string_view> texts;
  for (const auto& value : values) texts.push_back(value.text);
  return join(texts, " . ");
}

/// `nft list` takes a key for bytes in network order if it is not told, and shows names of links as nothing.
void note_host_order(nftnl_set* set) {
  constexpr std::uint32_t host_order = 1;  // enum byteorder of nft itself
  const std::unique_ptr<nftnl_udata_buf, decltype([](auto* buffer) { ::nftnl_udata_buf_free(buffer); })> notes{
      ::nftnl_udata_buf_alloc(NFT_USERDATA_MAXLEN)};
  if (!notes) throw std::bad_alloc{};
  ::nftnl_udata_put_u32(notes.get(), NFTNL_UDATA_SET_KEYBYTEORDER, host_order);
  ::nftnl_set_set_data(set, NFTNL_SET_USERDATA, ::nftnl_udata_buf_data(notes.get()),
                       ::nftnl_udata_buf_len(notes.get()));
}

void fill_set(nftnl_set* set, const Table& table, const Set& from, std::uint32_t id) {
  if (from.interval && from.key.size() < 2) {
    throw Error{Kind::unsupported, "set {}: intervals are supported in concatenations alone", from.name};
  }
  std::uint32_t flags = 0;
  if (from.interval) flags |= NFT_SET_INTERVAL;
  if (!from.data.empty()) flags |= NFT_SET_MAP;
  ::nftnl_set_set_str(set, NFTNL_SET_TABLE, table.name.c_str());
  ::nftnl_set_set_str(set, NFTNL_SET_NAME, from.name.c_str());
  ::nftnl_set_set_u32(set, NFTNL_SET_ID, id);
  ::nftnl_set_set_u32(set, NFTNL_SET_KEY_TYPE, concatenated(from.key));
  ::nftnl_set_set_u32(set, NFTNL_SET_KEY_LEN, length_of(from.key));
  if (from.key.size() == 1 && from.key.front() == ValueType::link) note_host_order(set);
  if (!from.data.empty()) {
    const bool verdicts = from.data.front() == ValueType::verdict;
    ::nftnl_set_set_u32(set, NFTNL_SET_DATA_TYPE, verdicts ? std::uint32_t{NFT_DATA_VERDICT} : concatenated(from.data));
    ::nftnl_set_set_u32(set, NFTNL_SET_DATA_LEN, length_of(from.data));
  }
  if (from.interval && from.key.size() > 1) {
    flags |= NFT_SET_CONCAT;
    std::vector<std::uint8_t> lengths;
    for (const auto type : from.key) lengths.push_back(static_cast<std::uint8_t>(width(type)));
    ::nftnl_set_set_data(set, NFTNL_SET_DESC_CONCAT, lengths.data(), static_cast<std::uint32_t>(lengths.size()));
  }
  ::nftnl_set_set_u32(set, NFTNL_SET_FLAGS, flags);
}

void put(nftnl_set_elem* element, std::uint16_t attribute, const std::string& bytes) {
  ::nftnl_set_elem_set(element, attribute, bytes.data(), static_cast<std::uint32_t>(bytes.size()));
}

void fill_element(nftnl_set_elem* to, const InstalledElement& from, const Set& set) {
  put(to, NFTNL_SET_ELEM_KEY, from.key);
  if (set.interval) put(to, NFTNL_SET_ELEM_KEY_END, from.last);
}

}  // namespace

std::string to_string(const Rule& rule) {
  std::vector<std::string_view> texts;
  for (const auto& statement : rule.statements) texts.push_back(statement.text);
  return join(texts, " ");
}

/// FNV-1a: any change of a byte gives another number, and nobody here attacks it.
std::uint64_t fingerprint(const Rule& rule) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const auto& text : {rule.comment, to_string(rule)}) {
    for (const auto character : text) hash = (hash ^ static_cast<unsigned char>(character)) * 0x100000001b3;
    hash = (hash ^ 0xffU) * 0x100000001b3;
  }
  return hash;
}

InstalledElement as_installed(const Set& set, const Element& element) {
  InstalledElement installed{concatenated(element.key), {}, {}};
  installed.last = element.last.empty() ? installed.key : concatenated(element.last);
  if (element.verdict) {
    installed.data = to_string(*element.verdict);
  } else if (!set.data.empty()) {
    installed.data = concatenated(element.data);
  }
  return installed;
}

template <class Fill>
Transaction& Transaction::add(std::uint16_t type, std::uint16_t flags, Family family, std::string what, Fill&& fill) {
  // The lists of elements are long, all else is short.
  static thread_local std::vector<char> buffer(max_message);
  auto* message = ::nftnl_nlmsg_build_hdr(buffer.data(), type, static_cast<std::uint16_t>(family), flags, 0);
  fill(message);
  steps_.push_back({bytes_.size(), std::move(what)});
  bytes_.insert(bytes_.end(), buffer.data(), buffer.data() + message->nlmsg_len);
  bytes_.resize(NLMSG_ALIGN(bytes_.size()));
  return *this;
}

Transaction& Transaction::add_table(const Table& table) {
  return add(NFT_MSG_NEWTABLE, NLM_F_CREATE, table.family, fmt::format("add table {}", table.name), [&](auto* message) {
    const OwnedTable object;
    ::nftnl_table_set_str(object.get(), NFTNL_TABLE_NAME, table.name.c_str());
    ::nftnl_table_nlmsg_build_payload(message, object.get());
  });
}

Transaction& Transaction::remove_table(const Table& table) {
  return add(NFT_MSG_DELTABLE, 0, table.family, fmt::format("remove table {}", table.name), [&](auto* message) {
    const OwnedTable object;
    ::nftnl_table_set_str(object.get(), NFTNL_TABLE_NAME, table.name.c_str());
    ::nftnl_table_nlmsg_build_payload(message, object.get());
  });
}

Transaction& Transaction::add_chain(const Table& table, const Chain& chain) {
  static constexpr std::array types = {"filter", "nat", "route"};
  return add(NFT_MSG_NEWCHAIN, NLM_F_CREATE, table.family, fmt::format("add chain {}", chain.name), [&](auto* message) {
    const OwnedChain object;
    ::nftnl_chain_set_str(object.get(), NFTNL_CHAIN_TABLE, table.name.c_str());
    ::nftnl_chain_set_str(object.get(), NFTNL_CHAIN_NAME, chain.name.c_str());
    if (chain.base) {
      ::nftnl_chain_set_str(object.get(), NFTNL_CHAIN_TYPE, types.at(static_cast<std::size_t>(chain.base->type)));
      ::nftnl_chain_set_u32(object.get(), NFTNL_CHAIN_HOOKNUM, static_cast<std::uint32_t>(chain.base->hook));
      ::nftnl_chain_set_s32(object.get(), NFTNL_CHAIN_PRIO, chain.base->priority);
      ::nftnl_chain_set_u32(object.get(), NFTNL_CHAIN_POLICY, static_cast<std::uint32_t>(chain.base->policy));
    }
    ::nftnl_chain_nlmsg_build_payload(message, object.get());
  });
}

Transaction& Transaction::remove_chain(const Table& table, std::string_view chain) {
  return add(NFT_MSG_DELCHAIN, 0, table.family, fmt::format("remove chain {}", chain), [&](auto* message) {
    const OwnedChain object;
    ::nftnl_chain_set_str(object.get(), NFTNL_CHAIN_TABLE, table.name.c_str());
    ::nftnl_chain_set_str(object.get(), NFTNL_CHAIN_NAME, std::string{chain}.c_str());
    ::nftnl_chain_nlmsg_build_payload(message, object.get());
  });
}

Transaction& Transaction::flush_chain(const Table& table, std::string_view chain) {
  return add(NFT_MSG_DELRULE, 0, table.family, fmt::format("flush chain {}", chain), [&](auto* message) {
    const OwnedRule object;
    ::nftnl_rule_set_str(object.get(), NFTNL_RULE_TABLE, table.name.c_str());
    ::nftnl_rule_set_str(object.get(), NFTNL_RULE_CHAIN, std::string{chain}.c_str());
    ::nftnl_rule_nlmsg_build_payload(message, object.get());
  });
}

Transaction& Transaction::add_rule(const Table& table, std::string_view chain, const Rule& rule, bool to_front) {
  const auto flags = static_cast<std::uint16_t>(NLM_F_CREATE | (to_front ? 0 : NLM_F_APPEND));
  auto what = fmt::format("add rule to {}: {}", chain, to_string(rule));
  return add(NFT_MSG_NEWRULE, flags, table.family, std::move(what), [&](auto* message) {
    const OwnedRule object;
    ::nftnl_rule_set_str(object.get(), NFTNL_RULE_TABLE, table.name.c_str());
    ::nftnl_rule_set_str(object.get(), NFTNL_RULE_CHAIN, std::string{chain}.c_str());
    const std::unique_ptr<nftnl_udata_buf, decltype([](auto* buffer) { ::nftnl_udata_buf_free(buffer); })> user_data{
        ::nftnl_udata_buf_alloc(NFT_USERDATA_MAXLEN)};
    if (!rule.comment.empty()) {
      ::nftnl_udata_put_strz(user_data.get(), NFTNL_UDATA_RULE_COMMENT, rule.comment.substr(0, max_comment).c_str());
    }
    const auto print = fingerprint(rule);
    ::nftnl_udata_put(user_data.get(), fingerprint_type, sizeof print, &print);
    ::nftnl_rule_set_data(object.get(), NFTNL_RULE_USERDATA, ::nftnl_udata_buf_data(user_data.get()),
                          ::nftnl_udata_buf_len(user_data.get()));
    for (const auto& statement : rule.statements) {
      for (const auto& expression : statement.expressions) {
        if (expression.guarded_family == static_cast<int>(table.family)) continue;  // AF_INET is Family::ip
        ::nftnl_rule_add_expr(object.get(), make_expression(expression));
      }
    }
    ::nftnl_rule_nlmsg_build_payload(message, object.get());
  });
}

Transaction& Transaction::remove_rule(const Table& table, std::string_view chain, std::uint64_t handle) {
  return add(NFT_MSG_DELRULE, 0, table.family, fmt::format("remove rule {} of {}", handle, chain), [&](auto* message) {
    const OwnedRule object;
    ::nftnl_rule_set_str(object.get(), NFTNL_RULE_TABLE, table.name.c_str());
    ::nftnl_rule_set_str(object.get(), NFTNL_RULE_CHAIN, std::string{chain}.c_str());
    ::nftnl_rule_set_u64(object.get(), NFTNL_RULE_HANDLE, handle);
    ::nftnl_rule_nlmsg_build_payload(message, object.get());
  });
}

Transaction& Transaction::add_set(const Table& table, const Set& set) {
  const auto id = static_cast<std::uint32_t>(steps_.size() + 1);
  return add(NFT_MSG_NEWSET, NLM_F_CREATE, table.family, fmt::format("add set {}", set.name), [&](auto* message) {
    const OwnedSet object;
    fill_set(object.get(), table, set, id);
    ::nftnl_set_nlmsg_build_payload(message, object.get());
  });
}

Transaction& Transaction::remove_set(const Table& table, std::string_view set) {
  return add(NFT_MSG_DELSET, 0, table.family, fmt::format("remove set {}", set), [&](auto* message) {
    const OwnedSet object;
    ::nftnl_set_set_str(object.get(), NFTNL_SET_TABLE, table.name.c_str());
    ::nftnl_set_set_str(object.get(), NFTNL_SET_NAME, std::string{set}.c_str());
    ::nftnl_set_nlmsg_build_payload(message, object.get());
  });
}

Transaction& Transaction::flush_set(const Table& table, const Set& set) {
  // Removing elements without naming one removes all.
  return add(NFT_MSG_DELSETELEM, 0, table.family, fmt::format("flush set {}", set.name), [&](auto* message) {
    const OwnedSet object;
    fill_set(object.get(), table, set, 0);
    ::nftnl_set_unset(object.get(), NFTNL_SET_ID);
    ::nftnl_set_elems_nlmsg_build_payload(message, object.get());
  });
}

template <class Elements, class Fill>
Transaction& Transaction::change_elements(std::uint16_t type, std::uint16_t flags, const Table& table, const Set& set,
                                          const Elements& elements, std::string_view verb, Fill&& fill) {
  for (std::size_t begin = 0; begin < elements.size(); begin += max_elements_in_message) {
    const auto part = elements.subspan(begin, std::min(max_elements_in_message, elements.size() - begin));
    auto what = fmt::format("{} {} elements of {}", verb, part.size(), set.name);
    add(type, flags, table.family, std::move(what), [&](auto* message) {
      const OwnedSet object;
      ::nftnl_set_set_str(object.get(), NFTNL_SET_TABLE, table.name.c_str());
      ::nftnl_set_set_str(object.get(), NFTNL_SET_NAME, set.name.c_str());
      for (const auto& from : part) {
        auto* element = ::nftnl_set_elem_alloc();
        if (element == nullptr) throw std::bad_alloc{};
        ::nftnl_set_elem_add(object.get(), element);
        fill(element, from);
      }
      ::nftnl_set_elems_nlmsg_build_payload(message, object.get());
    });
    if (elements.size() == 1) steps_.back().what = fmt::format("{} element of {}", verb, set.name);
  }
  return *this;
}

Transaction& Transaction::add_elements(const Table& table, const Set& set, std::span<const Element> elements) {
  change_elements(NFT_MSG_NEWSETELEM, NLM_F_CREATE, table, set, elements, "add", [&](auto* to, const Element& from) {
    fill_element(to, as_installed(set, from), set);
    if (from.verdict) {
      ::nftnl_set_elem_set_u32(to, NFTNL_SET_ELEM_VERDICT, kernel_code(*from.verdict));
      if (!from.verdict->chain.empty()) {
        ::nftnl_set_elem_set_str(to, NFTNL_SET_ELEM_CHAIN, from.verdict->chain.c_str());
      }
    } else if (!set.data.empty()) {
      put(to, NFTNL_SET_ELEM_DATA, concatenated(from.data));
    }
  });
  if (elements.size() == 1) {
    steps_.back().what = fmt::format("add {} to {}", text_of(elements.front().key), set.name);
  }
  return *this;
}

Transaction& Transaction::remove_elements(const Table& table, const Set& set, std::span<const Element> elements) {
  change_elements(NFT_MSG_DELSETELEM, 0, table, set, elements, "remove",
                  [&](auto* to, const Element& from) { fill_element(to, as_installed(set, from), set); });
  if (elements.size() == 1) {
    steps_.back().what = fmt::format("remove {} from {}", text_of(elements.front().key), set.name);
  }
  return *this;
}

Transaction& Transaction::remove_elements(const Table& table, const Set& set,
                                          std::span<const InstalledElement> elements) {
  return change_elements(NFT_MSG_DELSETELEM, 0, table, set, elements, "remove",
                         [&](auto* to, const InstalledElement& from) { fill_element(to, from, set); });
}

}  // namespace berth::nftables

// What rules are made of: fields of packets, values to compare them with, and statements.
//
// Statements are data: their words as `nft` prints them, and the kernel's expressions. Registers are chosen here.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ip.hpp"

namespace berth::nftables {

/// The numbers are those that `nft` keeps beside a set to know how to print it.
enum class ValueType : std::uint8_t {
  verdict = 1,
  nfproto = 2,
  ipv4 = 7,
  ipv6 = 8,
  protocol = 12,
  port = 13,
  mark = 19,
  ct_state = 26,
  ct_status = 28,
  address_type = 38,
  link = 41,
};

/// Bytes that a field of this type has.
unsigned width(ValueType type) noexcept;

/// The bytes as packets or the kernel have them, and words for a reader.
struct Value {
  std::string bytes;
  std::string text;
};

Value address(const IpAddress& address);
Value port(std::uint16_t number);
/// IPPROTO_TCP and so on.
Value protocol(std::uint8_t number);
/// A link's name.
Value link(std::string_view name);
/// Marks, states: numbers in the machine's order.
Value number(std::uint32_t number);

/// One of the things about a packet that a statement can look at.
struct Field {
  enum class From { meta, network_header, transport_header, ct, ct_original, fib_destination };

  From from;
  std::uint32_t what;  ///< the key, or the offset in the header
  ValueType type;
  std::string_view name;
  std::uint8_t family = 0;  ///< AF_INET or AF_INET6: packets of the other do not match
};

extern const Field nfproto, iifname, oifname, l4proto, meta_mark;
extern const Field ip_saddr, ip_daddr, ip6_saddr, ip6_daddr;
extern const Field th_sport, th_dport;
extern const Field ct_state, ct_status, ct_mark;
/// What the packet was sent to before it was translated.
extern const Field ct_original_ip_daddr, ct_original_ip6_daddr, ct_original_dport;
/// `fib daddr type`: RTN_LOCAL for an address of the host.
extern const Field fib_daddr_type;

/// `{ip_daddr, l4proto, th_dport}`: one key of several fields.
using Fields = std::initializer_list<Field>;

/// A number, a name, or bytes of data.
struct Attribute {
  enum class Form { number, name, data };

  Attribute(std::uint16_t attribute, std::uint32_t value) : id(attribute), number(value) {}
  Attribute(std::uint16_t attribute, std::string value, Form what = Form::name)
      : id(attribute), form(what), text(std::move(value)) {}

  std::uint16_t id;
  Form form = Form::number;
  std::uint32_t number = 0;
  std::string text;
};

/// One expression of the kernel with its attributes, by libnftnl's numbers.
struct Expression {
  const char* name;
  std::vector<Attribute> attributes;
  /// AF_INET or AF_INET6: asks for packets of that family. Left out of a table of that one family, where `nft` cannot
  /// list it and ends with an abort.
  int guarded_family = 0;
};

struct Statement {
  std::string text;
  std::vector<Expression> expressions;
};

// These go on if they match.

Statement is(const Field& field, const Value& value);
Statement is_not(const Field& field, const Value& value);
Statement is(const Field& field, const Cidr& subnet);
Statement is_not(const Field& field, const Cidr& subnet);
Statement is_family(bool v6);
/// For states and marks: any of the bits is set; or none.
Statement has(const Field& field, std::uint32_t bits);
Statement has_not(const Field& field, std::uint32_t bits);
/// The fields are a key of the set of that name, or not. A set, no map: kernels such as 6.1 refuse those here.
Statement is_in(Fields fields, std::string_view set);
Statement is_not_in(Fields fields, std::string_view set);

/// The fields are a key of the map of that name, wherever it leads.
Statement has_key(Fields fields, std::string_view map);

/// Of `has(ct_state, ...)` and `has(ct_status, ...)`.
inline constexpr std::uint32_t state_invalid = 1, state_established = 2, state_related = 4, state_new = 8,
                               state_untracked = 64;
inline constexpr std::uint32_t status_snat = 16, status_dnat = 32;

// Verdicts.

struct Verdict {
  enum class Code { accept, drop, jump, go_to, return_ };
  Code code;
  std::string chain;  ///< of jump and go_to
};

std::string to_string(const Verdict& verdict);
/// As the kernel counts them.
std::uint32_t kernel_code(const Verdict& verdict) noexcept;

Statement verdict(const Verdict& verdict);
Statement accept();
Statement drop();
Statement jump(std::string_view chain);
Statement go_to(std::string_view chain);
Statement return_from_chain();
/// A TCP reset, or the ICMP message "administratively prohibited".
Statement reject();
/// The verdict that the map has for this key; without one the rule ends.
Statement verdict_of(Fields fields, std::string_view map);

// Others.

/// To the address that the map has for this key, and, `with_port`, to its port; without one the rule ends.
Statement dnat_by(Fields fields, std::string_view map, bool v6, bool with_port);
Statement dnat_to(const IpAddress& address, std::uint16_t port);
Statement snat_to(const IpAddress& address, std::uint16_t port);
/// To the port that the map has for this key, at this host.
Statement redirect_by(Fields fields, std::string_view map);
Statement masquerade();
Statement set_meta_mark(std::uint32_t mark);
/// The packet and its answers belong to no connection: nothing is remembered of them, and nothing translated.
Statement notrack();
/// Writes the port `th_sport` or `th_dport` of a packet whose protocol, IPPROTO_TCP or IPPROTO_UDP, has been matched.
Statement set_port(const Field& field, std::uint16_t number, std::uint8_t protocol);
Statement set_ct_mark(std::uint32_t mark);
/// Counts what comes by: `nft list` shows packets and bytes.
Statement counter();
/// A copy goes to the neighbour `address` by the link with this index. In tables of family ip or ip6 alone.
Statement duplicate_to(const IpAddress& address, std::uint32_t link);

}  // namespace berth::nftables

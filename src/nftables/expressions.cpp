#include "nftables/expressions.hpp"

#include <fmt/format.h>
#include <libnftnl/expr.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "base/strings.hpp"

namespace berth::nftables {
namespace {

/// Fields of 4 bytes lie beside each other in these, 16 of them; data that a map gives replaces the key.
constexpr std::uint32_t first_register = NFT_REG32_00;
constexpr std::uint32_t source_address_offset = 12, destination_address_offset = 16;
constexpr std::uint32_t source_address_offset6 = 8, destination_address_offset6 = 24;

template <class Number>
std::string raw_bytes(const Number& number) {
  std::string bytes(sizeof number, '\0');
  std::memcpy(bytes.data(), &number, sizeof number);
  return bytes;
}

std::string raw_bytes(std::span<const std::uint8_t> bytes) {
  return {bytes.begin(), bytes.end()};
}

constexpr std::uint32_t registers_of(unsigned bytes) {
  return (bytes + 3) / 4;
}

Attribute data(std::uint16_t id, std::string bytes) {
  return {id, std::move(bytes), Attribute::Form::data};
}

Expression load(const Field& field, std::uint32_t target) {
  switch (field.from) {
    case Field::From::meta: return {"meta", {{NFTNL_EXPR_META_KEY, field.what}, {NFTNL_EXPR_META_DREG, target}}};
    case Field::From::network_header:
    case Field::From::transport_header: {
      const std::uint32_t base =
          field.from == Field::From::network_header ? NFT_PAYLOAD_NETWORK_HEADER : NFT_PAYLOAD_TRANSPORT_HEADER;
      return {"payload",
              {{NFTNL_EXPR_PAYLOAD_BASE, base},
               {NFTNL_EXPR_PAYLOAD_OFFSET, field.what},
               {NFTNL_EXPR_PAYLOAD_LEN, std::uint32_t{width(field.type)}},
               {NFTNL_EXPR_PAYLOAD_DREG, target}}};
    }
    case Field::From::ct: return {"ct", {{NFTNL_EXPR_CT_KEY, field.what}, {NFTNL_EXPR_CT_DREG, target}}};
    case Field::From::ct_original:
      return {"ct",
              {{NFTNL_EXPR_CT_KEY, field.what},
               data(NFTNL_EXPR_CT_DIR, std::string{'\0'}),  // one byte: IP_CT_DIR_ORIGINAL
               {NFTNL_EXPR_CT_DREG, target}}};
    case Field::From::fib_destination: break;
  }
  return {"fib",
          {{NFTNL_EXPR_FIB_RESULT, std::uint32_t{NFT_FIB_RESULT_ADDRTYPE}},
           {NFTNL_EXPR_FIB_FLAGS, std::uint32_t{NFTA_FIB_F_DADDR}},
           {NFTNL_EXPR_FIB_DREG, target}}};
}

Expression compare(std::uint32_t operation, std::string bytes) {
  return {"cmp",
          {{NFTNL_EXPR_CMP_SREG, first_register},
           {NFTNL_EXPR_CMP_OP, operation},
           data(NFTNL_EXPR_CMP_DATA, std::move(bytes))}};
}

Expression mask(std::string bits) {
  const auto length = static_cast<std::uint32_t>(bits.size());
  return {"bitwise",
          {{NFTNL_EXPR_BITWISE_SREG, first_register},
           {NFTNL_EXPR_BITWISE_DREG, first_register},
           {NFTNL_EXPR_BITWISE_LEN, length},
           {NFTNL_EXPR_BITWISE_OP, std::uint32_t{NFT_BITWISE_BOOL}},
           data(NFTNL_EXPR_BITWISE_MASK, std::move(bits)),
           data(NFTNL_EXPR_BITWISE_XOR, std::string(length, '\0'))}};
}

/// What says nothing about packets of the other family must not be asked of them: an address would be four bytes of
/// another one.
void guard_family(std::vector<Expression>& expressions, int family) {
  if (family == 0) return;
  expressions.push_back(load(nfproto, first_register));
  expressions.push_back(compare(NFT_CMP_EQ, std::string{static_cast<char>(family)}));
  for (auto guard = expressions.end() - 2; guard != expressions.end(); ++guard) guard->guarded_family = family;
}

Statement compared(const Field& field, const Value& value, std::uint32_t operation, std::string_view sign) {
  Statement statement{fmt::format("{} {}{}", field.name, sign, value.text), {}};
  guard_family(statement.expressions, field.family);
  statement.expressions.push_back(load(field, first_register));
  statement.expressions.push_back(compare(operation, value.bytes));
  return statement;
}

Statement compared(const Field& field, const Cidr& subnet, std::uint32_t operation, std::string_view sign) {
  Statement statement{fmt::format("{} {}{}", field.name, sign, to_string(subnet)), {}};
  guard_family(statement.expressions, field.family);
  statement.expressions.push_back(load(field, first_register));
  const auto ones = IpAddress::any(subnet.address.is_v6()).last_of(0);
  statement.expressions.push_back(mask(raw_bytes(ones.first_of(subnet.length).bytes())));
  statement.expressions.push_back(compare(operation, raw_bytes(subnet.first().bytes())));
  return statement;
}

Statement masked(const Field& field, std::uint32_t bits, std::uint32_t operation, std::string_view sign) {
  Statement statement{fmt::format("{} & {:#x} {} 0", field.name, bits, sign), {}};
  statement.expressions.push_back(load(field, first_register));
  statement.expressions.push_back(mask(raw_bytes(bits)));
  statement.expressions.push_back(compare(operation, raw_bytes(std::uint32_t{0})));
  return statement;
}

/// Loads the fields beside each other; returns how they are written.
std::string load_key(std::vector<Expression>& expressions, Fields fields) {
  const auto* with_family = std::ranges::find_if(fields, [](const Field& field) { return field.family != 0; });
  if (with_family != fields.end()) guard_family(expressions, with_family->family);
  std::vector<std::string_view> names;
  auto target = first_register;
  for (const auto& field : fields) {
    names.push_back(field.name);
    expressions.push_back(load(field, target));
    target += registers_of(width(field.type));
  }
  return join(names, " . ");
}

Statement looked_up(Fields fields, std::string_view set, bool inverted) {
  Statement statement;
  const auto names = load_key(statement.expressions, fields);
  statement.text = fmt::format("{} {}@{}", names, inverted ? "!= " : "", set);
  statement.expressions.push_back({"lookup",
                                   {{NFTNL_EXPR_LOOKUP_SREG, first_register},
                                    {NFTNL_EXPR_LOOKUP_SET, std::string{set}},
                                    {NFTNL_EXPR_LOOKUP_FLAGS, inverted ? std::uint32_t{NFT_LOOKUP_F_INV} : 0U}}});
  return statement;
}

Expression map_lookup(std::string_view map, std::uint32_t target) {
  return {"lookup",
          {{NFTNL_EXPR_LOOKUP_SREG, first_register},
           {NFTNL_EXPR_LOOKUP_DREG, target},
           {NFTNL_EXPR_LOOKUP_SET, std::string{map}}}};
}

Expression immediate(std::uint32_t target, std::string bytes) {
  return {"immediate", {{NFTNL_EXPR_IMM_DREG, target}, data(NFTNL_EXPR_IMM_DATA, std::move(bytes))}};
}

Expression translation(std::uint32_t type, bool v6, bool with_port) {
  Expression expression{"nat",
                        {{NFTNL_EXPR_NAT_TYPE, type},
                         {NFTNL_EXPR_NAT_FAMILY, static_cast<std::uint32_t>(v6 ? NFPROTO_IPV6 : NFPROTO_IPV4)},
                         {NFTNL_EXPR_NAT_REG_ADDR_MIN, first_register}}};
  if (with_port)
    expression.attributes.push_back({NFTNL_EXPR_NAT_REG_PROTO_MIN, first_register + registers_of(v6 ? 16 : 4)});
  return expression;
}

Statement translated_to(std::uint32_t type, std::string_view word, const IpAddress& to, std::uint16_t to_port) {
  const bool v6 = to.is_v6();
  const auto host = v6 ? fmt::format("[{}]", to_string(to)) : to_string(to);
  Statement statement{fmt::format("{} {} to {}:{}", word, v6 ? "ip6" : "ip", host, to_port), {}};
  guard_family(statement.expressions, to.family());
  statement.expressions.push_back(immediate(first_register, raw_bytes(to.bytes())));
  statement.expressions.push_back(immediate(first_register + registers_of(v6 ? 16 : 4), port(to_port).bytes));
  statement.expressions.push_back(translation(type, v6, true));
  return statement;
}

constexpr auto meta = Field::From::meta;
constexpr auto network_header = Field::From::network_header;

}  // namespace

const Field nfproto{meta, NFT_META_NFPROTO, ValueType::nfproto, "meta nfproto"};
const Field iifname{meta, NFT_META_IIFNAME, ValueType::link, "iifname"};
const Field oifname{meta, NFT_META_OIFNAME, ValueType::link, "oifname"};
const Field l4proto{meta, NFT_META_L4PROTO, ValueType::protocol, "meta l4proto"};
const Field meta_mark{meta, NFT_META_MARK, ValueType::mark, "meta mark"};
const Field ip_saddr{network_header, source_address_offset, ValueType::ipv4, "ip saddr", AF_INET};
const Field ip_daddr{network_header, destination_address_offset, ValueType::ipv4, "ip daddr", AF_INET};
const Field ip6_saddr{network_header, source_address_offset6, ValueType::ipv6, "ip6 saddr", AF_INET6};
const Field ip6_daddr{network_header, destination_address_offset6, ValueType::ipv6, "ip6 daddr", AF_INET6};
const Field th_sport{Field::From::transport_header, 0, ValueType::port, "th sport"};
const Field th_dport{Field::From::transport_header, 2, ValueType::port, "th dport"};
const Field ct_state{Field::From::ct, NFT_CT_STATE, ValueType::ct_state, "ct state"};
const Field ct_status{Field::From::ct, NFT_CT_STATUS, ValueType::ct_status, "ct status"};
const Field ct_mark{Field::From::ct, NFT_CT_MARK, ValueType::mark, "ct mark"};
const Field ct_original_ip_daddr{Field::From::ct_original, NFT_CT_DST_IP, ValueType::ipv4, "ct original ip daddr",
                                 AF_INET};
const Field ct_original_ip6_daddr{Field::From::ct_original, NFT_CT_DST_IP6, ValueType::ipv6, "ct original ip6 daddr",
                                  AF_INET6};
const Field ct_original_dport{Field::From::ct_original, NFT_CT_PROTO_DST, ValueType::port, "ct original proto-dst"};
const Field fib_daddr_type{Field::From::fib_destination, 0, ValueType::address_type, "fib daddr type"};

unsigned width(ValueType type) noexcept {
  switch (type) {
    case ValueType::ipv6:
    case ValueType::link: return 16;
    case ValueType::port: return 2;
    case ValueType::protocol:
    case ValueType::nfproto: return 1;
    case ValueType::verdict: return 0;
    default: return 4;
  }
}

Value address(const IpAddress& address) {
  return {raw_bytes(address.bytes()), to_string(address)};
}

Value port(std::uint16_t number) {
  return {{static_cast<char>(number >> 8U), static_cast<char>(number & 0xffU)}, std::to_string(number)};
}

Value protocol(std::uint8_t number) {
  const auto name = [&]() -> std::string {
    switch (number) {
      case IPPROTO_TCP: return "tcp";
      case IPPROTO_UDP: return "udp";
      case IPPROTO_SCTP: return "sctp";
      default: return std::to_string(number);
    }
  };
  return {std::string{static_cast<char>(number)}, name()};
}

Value link(std::string_view name) {
  std::string bytes{name.substr(0, IFNAMSIZ - 1)};
  bytes.resize(IFNAMSIZ);
  return {std::move(bytes), fmt::format("\"{}\"", name)};
}

Value number(std::uint32_t number) {
  return {raw_bytes(number), std::to_string(number)};
}

Statement is(const Field& field, const Value& value) {
  return compared(field, value, NFT_CMP_EQ, "");
}
Statement is_not(const Field& field, const Value& value) {
  return compared(field, value, NFT_CMP_NEQ, "!= ");
}
Statement is(const Field& field, const Cidr& subnet) {
  return compared(field, subnet, NFT_CMP_EQ, "");
}
Statement is_not(const Field& field, const Cidr& subnet) {
  return compared(field, subnet, NFT_CMP_NEQ, "!= ");
}

Statement is_family(bool v6) {
  Statement statement{v6 ? "meta nfproto ipv6" : "meta nfproto ipv4", {}};
  guard_family(statement.expressions, v6 ? AF_INET6 : AF_INET);
  return statement;
}

Statement has(const Field& field, std::uint32_t bits) {
  return masked(field, bits, NFT_CMP_NEQ, "!=");
}
Statement has_not(const Field& field, std::uint32_t bits) {
  return masked(field, bits, NFT_CMP_EQ, "==");
}

Statement is_in(Fields fields, std::string_view set) {
  return looked_up(fields, set, false);
}
Statement is_not_in(Fields fields, std::string_view set) {
  return looked_up(fields, set, true);
}

Statement has_key(Fields fields, std::string_view map) {
  Statement statement;
  const auto names = load_key(statement.expressions, fields);
  statement.text = fmt::format("{} map @{}", names, map);
  statement.expressions.push_back(map_lookup(map, first_register));
  return statement;
}

std::uint32_t kernel_code(const Verdict& verdict) noexcept {
  switch (verdict.code) {
    case Verdict::Code::accept: return NF_ACCEPT;
    case Verdict::Code::drop: return NF_DROP;
    case Verdict::Code::jump: return static_cast<std::uint32_t>(NFT_JUMP);
    case Verdict::Code::go_to: return static_cast<std::uint32_t>(NFT_GOTO);
    case Verdict::Code::return_: break;
  }
  return static_cast<std::uint32_t>(NFT_RETURN);
}

Statement verdict(const Verdict& verdict) {
  Expression expression{
      "immediate",
      {{NFTNL_EXPR_IMM_DREG, std::uint32_t{NFT_REG_VERDICT}}, {NFTNL_EXPR_IMM_VERDICT, kernel_code(verdict)}}};
  if (!verdict.chain.empty()) expression.attributes.push_back({NFTNL_EXPR_IMM_CHAIN, verdict.chain});
  return {to_string(verdict), {std::move(expression)}};
}

std::string to_string(const Verdict& verdict) {
  switch (verdict.code) {
    case Verdict::Code::accept: return "accept";
    case Verdict::Code::drop: return "drop";
    case Verdict::Code::jump: return "jump " + verdict.chain;
    case Verdict::Code::go_to: return "goto " + verdict.chain;
    case Verdict::Code::return_: break;
  }
  return "return";
}

Statement accept() {
  return verdict({Verdict::Code::accept, {}});
}
Statement drop() {
  return verdict({Verdict::Code::drop, {}});
}
Statement jump(std::string_view chain) {
  return verdict({Verdict::Code::jump, std::string{chain}});
}
Statement go_to(std::string_view chain) {
  return verdict({Verdict::Code::go_to, std::string{chain}});
}
Statement return_from_chain() {
  return verdict({Verdict::Code::return_, {}});
}

Statement reject() {
  return {"reject with icmpx admin-prohibited",
          {{"reject",
            {{NFTNL_EXPR_REJECT_TYPE, std::uint32_t{NFT_REJECT_ICMPX_UNREACH}},
             data(NFTNL_EXPR_REJECT_CODE, std::string{static_cast<char>(NFT_REJECT_ICMPX_ADMIN_PROHIBITED)})}}}};
}

Statement verdict_of(Fields fields, std::string_view map) {
  Statement statement;
  const auto names = load_key(statement.expressions, fields);
  statement.text = fmt::format("{} vmap @{}", names, map);
  statement.expressions.push_back(map_lookup(map, NFT_REG_VERDICT));
  return statement;
}

Statement dnat_by(Fields fields, std::string_view map, bool v6, bool with_port) {
  Statement statement;
  if (std::ranges::all_of(fields, [](const Field& field) { return field.family == 0; })) {
    guard_family(statement.expressions, v6 ? AF_INET6 : AF_INET);
  }
  const auto names = load_key(statement.expressions, fields);
  statement.text = fmt::format("dnat {} to {} map @{}", v6 ? "ip6" : "ip", names, map);
  statement.expressions.push_back(map_lookup(map, first_register));
  statement.expressions.push_back(translation(NFT_NAT_DNAT, v6, with_port));
  return statement;
}

Statement dnat_to(const IpAddress& address, std::uint16_t port) {
  return translated_to(NFT_NAT_DNAT, "dnat", address, port);
}

Statement snat_to(const IpAddress& address, std::uint16_t port) {
  return translated_to(NFT_NAT_SNAT, "snat", address, port);
}

Statement redirect_by(Fields fields, std::string_view map) {
  Statement statement;
  const auto names = load_key(statement.expressions, fields);
  statement.text = fmt::format("redirect to :{} map @{}", names, map);
  statement.expressions.push_back(map_lookup(map, first_register));
  statement.expressions.push_back({"redir", {{NFTNL_EXPR_REDIR_REG_PROTO_MIN, first_register}}});
  return statement;
}

Statement masquerade() {
  return {"masquerade", {{"masq", {}}}};
}

Statement set_meta_mark(std::uint32_t mark) {
  return {fmt::format("meta mark set {:#x}", mark),
          {immediate(first_register, raw_bytes(mark)),
           {"meta", {{NFTNL_EXPR_META_KEY, std::uint32_t{NFT_META_MARK}}, {NFTNL_EXPR_META_SREG, first_register}}}}};
}

Statement notrack() {
  return {"notrack", {{"notrack", {}}}};
}

Statement set_port(const Field& field, std::uint16_t number, std::uint8_t protocol) {
  constexpr std::uint32_t tcp_checksum = 16, udp_checksum = 6;  // where it is in the header
  const auto value = port(number);
  return {fmt::format("{} set {}", field.name, value.text),
          {immediate(first_register, value.bytes),
           {"payload",
            {{NFTNL_EXPR_PAYLOAD_SREG, first_register},
             {NFTNL_EXPR_PAYLOAD_BASE, std::uint32_t{NFT_PAYLOAD_TRANSPORT_HEADER}},
             {NFTNL_EXPR_PAYLOAD_OFFSET, field.what},
             {NFTNL_EXPR_PAYLOAD_LEN, std::uint32_t{width(field.type)}},
             {NFTNL_EXPR_PAYLOAD_CSUM_TYPE, std::uint32_t{NFT_PAYLOAD_CSUM_INET}},
             {NFTNL_EXPR_PAYLOAD_CSUM_OFFSET, protocol == IPPROTO_UDP ? udp_checksum : tcp_checksum},
             {NFTNL_EXPR_PAYLOAD_FLAGS, std::uint32_t{0}}}}}};
}

Statement set_ct_mark(std::uint32_t mark) {
  return {fmt::format("ct mark set {:#x}", mark),
          {immediate(first_register, raw_bytes(mark)),
           {"ct", {{NFTNL_EXPR_CT_KEY, std::uint32_t{NFT_CT_MARK}}, {NFTNL_EXPR_CT_SREG, first_register}}}}};
}

Statement counter() {
  return {"counter", {{"counter", {}}}};
}

Statement duplicate_to(const IpAddress& address, std::uint32_t link) {
  const auto link_register = first_register + registers_of(16);
  return {fmt::format("dup to {} device {}", to_string(address), link),
          {immediate(first_register, raw_bytes(address.bytes())),
           immediate(link_register, raw_bytes(link)),
           {"dup", {{NFTNL_EXPR_DUP_SREG_ADDR, first_register}, {NFTNL_EXPR_DUP_SREG_DEV, link_register}}}}};
}

}  // namespace berth::nftables

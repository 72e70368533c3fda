#include "dns/message.hpp"

#include <ldns/ldns.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <new>

#include "base/strings.hpp"

namespace berth::dns {
namespace {

constexpr std::uint32_t time_to_live = 600;  // seconds; Docker's, and programs that keep names longer than that exist
constexpr std::uint16_t own_udp_size = 4096;
constexpr std::size_t header_size = 12;
constexpr std::size_t kind_size = 4;    // of a question: its type and class
constexpr std::size_t edns_size = 11;   // the record OPT without options
constexpr std::size_t soa_minimum = 6;  // which field of a SOA record says how long its silence holds
constexpr std::chrono::seconds longest_lifetime{300};
constexpr std::chrono::seconds longest_negative_lifetime{30};

// of the header's third and fourth byte
constexpr std::uint8_t is_response = 0x80;
constexpr std::uint8_t opcode_bits = 0x78;
constexpr std::uint8_t recursion_desired = 0x01;
constexpr std::uint8_t recursion_available = 0x80;
constexpr std::uint8_t code_bits = 0x0f;

std::uint16_t number_at(Bytes bytes, std::size_t offset) {
  return static_cast<std::uint16_t>(bytes[offset] << 8U | bytes[offset + 1]);
}

Packet parse_packet(Bytes message) {
  ldns_pkt* packet = nullptr;
  if (::ldns_wire2pkt(&packet, message.data(), message.size()) != LDNS_STATUS_OK) return nullptr;
  return Packet{packet};
}

std::string write_packet(const ldns_pkt* packet) {
  std::uint8_t* bytes = nullptr;
  std::size_t size = 0;
  if (::ldns_pkt2wire(&bytes, packet, &size) != LDNS_STATUS_OK) return {};
  std::string text{reinterpret_cast<const char*>(bytes), size};
  ::free(bytes);  // NOLINT(cppcoreguidelines-no-malloc): ldns's
  return text;
}

/// The header alone, for what could not be understood.
std::string write_refusal(Bytes message, Code code) {
  std::string answer(header_size, '\0');
  answer[0] = static_cast<char>(message[0]);
  answer[1] = static_cast<char>(message[1]);
  answer[2] = static_cast<char>(is_response | (message[2] & (opcode_bits | recursion_desired)));
  answer[3] = static_cast<char>(recursion_available | static_cast<std::uint8_t>(code));
  return answer;
}

const ldns_rr* question_of(const ldns_pkt* packet) {
  return ::ldns_rr_list_rr(::ldns_pkt_question(packet), 0);
}

/// The labels of a name on the wire, joined by dots; empty if one has a byte that no host's name has.
std::string name_text(const ldns_rdf* name) {
  const Bytes wire{::ldns_rdf_data(name), ::ldns_rdf_size(name)};
  std::string text;
  for (std::size_t at = 0; at < wire.size() && wire[at] != 0; at += wire[at] + 1U) {
    if (!text.empty()) text += '.';
    for (const auto byte : wire.subspan(at + 1, std::min<std::size_t>(wire[at], wire.size() - at - 1))) {
      if (byte <= ' ' || byte >= 0x7f || byte == '.') return {};
      text += static_cast<char>(byte);
    }
  }
  return to_lower(text);
}

void push_record(ldns_pkt* packet, const ldns_rdf* owner, ldns_rr_type type, ldns_rdf* content) {
  auto* record = ::ldns_rr_new();
  if (record == nullptr || content == nullptr) throw std::bad_alloc{};
  ::ldns_rr_set_owner(record, ::ldns_rdf_clone(owner));
  ::ldns_rr_set_type(record, type);
  ::ldns_rr_set_class(record, LDNS_RR_CLASS_IN);
  ::ldns_rr_set_ttl(record, time_to_live);
  ::ldns_rr_push_rdf(record, content);
  ::ldns_pkt_push_rr(packet, LDNS_SECTION_ANSWER, record);
}

template <class Function>
void for_each_record(const ldns_pkt* packet, Function&& function) {
  for (const auto* list : {::ldns_pkt_answer(packet), ::ldns_pkt_authority(packet), ::ldns_pkt_additional(packet)}) {
    for (std::size_t i = 0; i < ::ldns_rr_list_rr_count(list); ++i) function(::ldns_rr_list_rr(list, i));
  }
}

/// RFC 2308: what the zone's SOA record says about names that are not there. Nothing without one.
std::chrono::seconds negative_lifetime(const ldns_pkt* packet) {
  const auto* authority = ::ldns_pkt_authority(packet);
  for (std::size_t i = 0; i < ::ldns_rr_list_rr_count(authority); ++i) {
    const auto* record = ::ldns_rr_list_rr(authority, i);
    const auto* minimum = ::ldns_rr_get_type(record) == LDNS_RR_TYPE_SOA ? ::ldns_rr_rdf(record, soa_minimum) : nullptr;
    if (minimum == nullptr) continue;
    const std::chrono::seconds told{std::min(::ldns_rdf2native_int32(minimum), ::ldns_rr_ttl(record))};
    return std::min(told, longest_negative_lifetime);
  }
  return {};
}

std::chrono::seconds lifetime_of(const ldns_pkt* packet) {
  const auto code = ::ldns_pkt_get_rcode(packet);
  if (::ldns_pkt_tc(packet) || (code != LDNS_RCODE_NOERROR && code != LDNS_RCODE_NXDOMAIN)) return {};
  if (code == LDNS_RCODE_NXDOMAIN || ::ldns_pkt_ancount(packet) == 0) return negative_lifetime(packet);
  auto lifetime = longest_lifetime;
  for_each_record(packet, [&](const ldns_rr* record) {
    lifetime = std::min(lifetime, std::chrono::seconds{::ldns_rr_ttl(record)});
  });
  return lifetime;
}

/// "4.3.2.1" of "4.3.2.1.in-addr.arpa".
std::optional<IpAddress> reverse_v4(std::string_view digits) {
  const auto parts = split(digits, '.');
  std::array<std::uint8_t, 4> bytes{};
  if (parts.size() != bytes.size()) return std::nullopt;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = parse_number<std::uint8_t>(parts[i]);
    if (!byte) return std::nullopt;
    bytes[bytes.size() - 1 - i] = *byte;
  }
  return IpAddress{bytes};
}

/// "1.0.0...2" of "1.0.0...2.ip6.arpa": 32 digits.
std::optional<IpAddress> reverse_v6(std::string_view digits) {
  const auto parts = split(digits, '.');
  std::array<std::uint8_t, 16> bytes{};
  if (parts.size() != bytes.size() * 2) return std::nullopt;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto digit = parts[i].size() == 1 ? parse_number<std::uint8_t>(parts[i], 16) : std::nullopt;
    if (!digit) return std::nullopt;
    bytes[bytes.size() - 1 - i / 2] |= static_cast<std::uint8_t>(i % 2 == 0 ? *digit : *digit << 4U);
  }
  return IpAddress{bytes};
}

}  // namespace

void FreePacket::operator()(ldns_struct_pkt* packet) const noexcept {
  ::ldns_pkt_free(packet);
}

bool Query::is_internet() const {
  return ::ldns_rr_get_class(question_of(packet_.get())) == LDNS_RR_CLASS_IN;
}

Type Query::type() const {
  return static_cast<Type>(::ldns_rr_get_type(question_of(packet_.get())));
}

std::optional<IpAddress> Query::reverse_address() const {
  constexpr std::string_view v4 = ".in-addr.arpa";
  constexpr std::string_view v6 = ".ip6.arpa";
  const std::string_view name = name_;
  if (name.ends_with(v4)) return reverse_v4(name.substr(0, name.size() - v4.size()));
  if (name.ends_with(v6)) return reverse_v6(name.substr(0, name.size() - v6.size()));
  return std::nullopt;
}

Query::Question Query::question() const {
  const auto whole = std::string_view{raw_}.substr(header_size, question_size_);
  return {.name = whole.substr(0, whole.size() - kind_size), .kind = whole.substr(whole.size() - kind_size)};
}

bool Query::has_bad_version() const {
  return ::ldns_pkt_edns(packet_.get()) && ::ldns_pkt_edns_version(packet_.get()) != 0;
}

std::string Query::cache_key() const {
  const auto* packet = packet_.get();
  if (const auto* options = ::ldns_pkt_edns_data(packet); options != nullptr && ::ldns_rdf_size(options) > 0) return {};
  const auto [name, kind] = question();
  auto key = to_lower(name);  // the lengths in it are below all letters
  key += kind;
  for (const bool flag : {::ldns_pkt_rd(packet), ::ldns_pkt_cd(packet), ::ldns_pkt_ad(packet), ::ldns_pkt_edns(packet),
                          ::ldns_pkt_edns_do(packet)}) {
    key += flag ? '1' : '0';
  }
  return key;
}

Parsed Parsed::parse(Bytes message) {
  // Answers are not answered: two servers could go on for ever.
  if (message.size() < header_size || (message[2] & is_response) != 0) return {};
  if ((message[2] & opcode_bits) != 0) return {.query = {}, .refusal = write_refusal(message, Code::not_implemented)};
  auto packet = parse_packet(message);
  if (!packet || ::ldns_pkt_qdcount(packet.get()) != 1 ||
      ::ldns_rr_list_rr_count(::ldns_pkt_question(packet.get())) != 1) {
    return {.query = {}, .refusal = write_refusal(message, Code::format_error)};
  }
  const auto* name = ::ldns_rr_owner(question_of(packet.get()));
  const auto name_size = ::ldns_rdf_size(name);
  // A name that is written as a pointer into the header is nobody's honest question.
  if (message.size() < header_size + name_size + kind_size ||
      std::memcmp(&message[header_size], ::ldns_rdf_data(name), name_size) != 0) {
    return {.query = {}, .refusal = write_refusal(message, Code::format_error)};
  }
  Query query;
  query.raw_.assign(reinterpret_cast<const char*>(message.data()), message.size());
  query.id_ = ::ldns_pkt_id(packet.get());
  query.name_ = name_text(name);
  query.question_size_ = name_size + kind_size;
  if (::ldns_pkt_edns(packet.get())) {
    query.udp_size_ = std::max<std::size_t>(::ldns_pkt_edns_udp_size(packet.get()), min_udp_size);
  }
  query.packet_ = std::move(packet);
  return {.query = std::move(query), .refusal = {}};
}

Packet make_reply(const Query& query, Code code) {
  Packet reply{::ldns_pkt_new()};
  if (!reply) throw std::bad_alloc{};
  auto* packet = reply.get();
  const auto* asked = query.packet_.get();
  ::ldns_pkt_set_id(packet, query.id_);
  ::ldns_pkt_set_qr(packet, true);
  ::ldns_pkt_set_rd(packet, ::ldns_pkt_rd(asked));
  ::ldns_pkt_set_cd(packet, ::ldns_pkt_cd(asked));
  ::ldns_pkt_set_ra(packet, true);
  const auto number = static_cast<std::uint16_t>(code);
  ::ldns_pkt_set_rcode(packet, static_cast<std::uint8_t>(number & code_bits));
  ::ldns_pkt_push_rr(packet, LDNS_SECTION_QUESTION, ::ldns_rr_clone(question_of(asked)));
  if (::ldns_pkt_edns(asked)) {
    ::ldns_pkt_set_edns_udp_size(packet, own_udp_size);
    ::ldns_pkt_set_edns_extended_rcode(packet, static_cast<std::uint8_t>(number >> 4U));
  }
  return reply;
}

std::string write_answer(const Query& query, Code code) {
  return write_packet(make_reply(query, code).get());
}

std::string write_answer(const Query& query, std::span<const IpAddress> addresses, std::size_t limit) {
  constexpr std::size_t record_head = 12;  // with the name as a pointer to the question's
  const auto reply = make_reply(query, Code::no_error);
  auto* packet = reply.get();
  const auto* owner = ::ldns_rr_owner(question_of(packet));
  auto size = header_size + query.question_size_ + (::ldns_pkt_edns(packet) ? edns_size : 0);
  for (const auto& address : addresses) {
    const auto bytes = address.bytes();
    size += record_head + bytes.size();
    if (size > limit) {
      ::ldns_pkt_set_tc(packet, true);
      break;
    }
    push_record(
        packet, owner, address.is_v6() ? LDNS_RR_TYPE_AAAA : LDNS_RR_TYPE_A,
        ::ldns_rdf_new_frm_data(address.is_v6() ? LDNS_RDF_TYPE_AAAA : LDNS_RDF_TYPE_A, bytes.size(), bytes.data()));
  }
  return write_packet(packet);
}

std::string write_name_answer(const Query& query, std::string_view name) {
  const auto reply = make_reply(query, Code::no_error);
  auto* content = ::ldns_dname_new_frm_str((std::string{name} + ".").c_str());
  if (content == nullptr) return write_answer(query, Code::server_failure);  // longer than a name may be
  push_record(reply.get(), ::ldns_rr_owner(question_of(reply.get())), LDNS_RR_TYPE_PTR, content);
  return write_packet(reply.get());
}

std::string write_truncated_answer(const Query& query) {
  const auto reply = make_reply(query, Code::no_error);
  ::ldns_pkt_set_tc(reply.get(), true);
  return write_packet(reply.get());
}

std::string with_id(Bytes message, std::uint16_t id) {
  std::string copy{reinterpret_cast<const char*>(message.data()), message.size()};
  copy[0] = static_cast<char>(id >> 8U);
  copy[1] = static_cast<char>(id & 0xffU);
  return copy;
}

bool answers(Bytes message, const Query& query, std::uint16_t id) {
  if (message.size() < header_size || number_at(message, 0) != id || (message[2] & is_response) == 0) return false;
  const auto questions = number_at(message, 4);
  if (questions == 0) return (message[3] & code_bits) != 0 && (message[3] & code_bits) != LDNS_RCODE_NXDOMAIN;
  const std::string_view text{reinterpret_cast<const char*>(message.data()), message.size()};
  const auto [name, kind] = query.question();
  return questions == 1 && equals_ignoring_case(text.substr(header_size, name.size()), name) &&
         text.substr(std::min(text.size(), header_size + name.size())).starts_with(kind);
}

std::optional<Answer> Answer::parse(Bytes message) {
  const auto packet = parse_packet(message);
  if (!packet) return std::nullopt;
  return Answer{.code = static_cast<Code>(::ldns_pkt_get_rcode(packet.get())),
                .has_question = ::ldns_pkt_qdcount(packet.get()) == 1,
                .lifetime = lifetime_of(packet.get())};
}

Packet with_question_of(const Query& query, Packet packet) {
  // In the letters of who asks: some check that they come back as they were sent.
  ::ldns_rr_list_deep_free(::ldns_pkt_question(packet.get()));
  ::ldns_pkt_set_question(packet.get(), ::ldns_rr_list_new());
  ::ldns_rr_list_push_rr(::ldns_pkt_question(packet.get()), ::ldns_rr_clone(question_of(query.packet_.get())));
  return packet;
}

std::optional<std::string> write_kept_answer(const Query& query, Bytes kept, std::chrono::seconds age) {
  auto packet = parse_packet(kept);
  if (!packet) return std::nullopt;
  const auto older = static_cast<std::uint32_t>(age.count());
  for_each_record(packet.get(), [&](ldns_rr* record) {
    ::ldns_rr_set_ttl(record, ::ldns_rr_ttl(record) - std::min(older, ::ldns_rr_ttl(record)));
  });
  ::ldns_pkt_set_id(packet.get(), query.id());
  auto text = write_packet(with_question_of(query, std::move(packet)).get());
  return text.empty() ? std::nullopt : std::optional{std::move(text)};
}

}  // namespace berth::dns

// Any bytes as what a program in a container may ask, what a server upstream may answer, and what a resolv.conf may
// hold.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "dns/message.hpp"
#include "dns/resolv_conf.hpp"

namespace berth::dns {
namespace {

Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// What we write must be readable, and no longer than it may be.
void check(std::string_view message, std::size_t limit) {
  if (message.size() > limit || !Answer::parse(bytes_of(message))) __builtin_trap();
}

void answer(const Query& query) {
  const IpAddress addresses[] = {parse_ip("172.18.0.2"), parse_ip("fd00::2")};
  static_cast<void>(query.reverse_address());
  check(write_answer(query, addresses, query.udp_size()), query.udp_size());
  check(write_answer(query, Code::server_failure), min_udp_size);
  check(write_truncated_answer(query), min_udp_size);
  check(write_name_answer(query, "web.mynet"), max_message);
}

void read_query(Bytes bytes) {
  const auto parsed = Parsed::parse(bytes);
  if (!parsed.refusal.empty() && parsed.query) __builtin_trap();
  if (parsed.query) answer(*parsed.query);
}

/// The second part as an answer to the first.
void read_answer(Bytes bytes) {
  if (bytes.empty()) return;
  const auto cut = std::min<std::size_t>(bytes[0], bytes.size() - 1) + 1;
  const auto parsed = Parsed::parse(bytes.subspan(1, cut - 1));
  const auto message = bytes.subspan(cut);
  if (!parsed.query) return;
  const auto& query = *parsed.query;
  static_cast<void>(query.cache_key());
  static_cast<void>(answers(message, query, query.id()));
  const auto found = Answer::parse(message);
  if (!found || !found->has_question) return;
  if (const auto kept = write_kept_answer(query, message, std::chrono::seconds{7})) check(*kept, max_message);
}

void read_resolv_conf(std::string_view text) {
  for (const auto resolution : {Resolution::host, Resolution::direct, Resolution::embedded}) {
    static_cast<void>(make_resolv_conf({.host_text = text, .host_path = "/etc/resolv.conf", .resolution = resolution}));
  }
  static_cast<void>(upstream_servers(ResolvConf::parse(text), true));
}

}  // namespace
}  // namespace berth::dns

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span bytes{data, size};
  berth::dns::read_query(bytes);
  berth::dns::read_answer(bytes);
  berth::dns::read_resolv_conf({reinterpret_cast<const char*>(data), size});
  return 0;
}

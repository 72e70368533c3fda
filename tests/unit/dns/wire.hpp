// Queries and answers for tests: bytes made by hand, and what ldns says that bytes mean.
#pragma once

#include <ldns/ldns.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace berth::dns::test {

inline std::string number(unsigned value) {
  return {static_cast<char>(value >> 8U), static_cast<char>(value & 0xffU)};
}

/// "web.mynet" as labels.
inline std::string name(std::string_view text) {
  std::string wire;
  while (!text.empty()) {
    const auto label = text.substr(0, text.find('.'));
    wire += static_cast<char>(label.size());
    wire += label;
    text.remove_prefix(std::min(text.size(), label.size() + 1));
  }
  return wire + '\0';
}

struct Asked {
  unsigned type = 1;
  unsigned id = 0x1234;
  unsigned klass = 1;
  unsigned udp_size = 0;     ///< of EDNS; 0: none
  std::string options = {};  ///< of EDNS
  unsigned edns_version = 0;
  unsigned flags = 0x0100;  ///< recursion desired
};

inline std::string query(std::string_view what, const Asked& asked = {}) {
  auto message = number(asked.id) + number(asked.flags) + number(1) + number(0) + number(0) +
                 number(asked.udp_size != 0 ? 1 : 0) + name(what) + number(asked.type) + number(asked.klass);
  if (asked.udp_size == 0) return message;
  return message + '\0' + number(41) + number(asked.udp_size) + '\0' + static_cast<char>(asked.edns_version) +
         number(0) + number(static_cast<unsigned>(asked.options.size())) + asked.options;
}

struct Record {
  unsigned type = 1;
  unsigned ttl = 300;
  std::string content;
};

/// The answer to a query without EDNS: its question, these records, and for a name that is not there a SOA record.
inline std::string answer_to(const std::string& asked, const std::vector<Record>& records, unsigned code = 0,
                             unsigned flags = 0x8180, unsigned soa_seconds = 0) {
  auto message = asked.substr(0, 2) + number(flags | code) + number(1) + number(static_cast<unsigned>(records.size())) +
                 number(soa_seconds != 0 ? 1 : 0) + number(0);
  message += asked.substr(12, asked.find('\0', 12) + 5 - 12);
  const auto add = [&](const Record& record) {
    message += number(0xc00c) + number(record.type) + number(1) + number(0) + number(record.ttl) +
               number(static_cast<unsigned>(record.content.size())) + record.content;
  };
  for (const auto& record : records) add(record);
  if (soa_seconds != 0) {
    std::string soa = name("ns.test") + name("root.test");
    for (const unsigned value : {1U, 2U, 3U, 4U, soa_seconds}) soa += number(0) + number(value);
    add({.type = 6, .ttl = soa_seconds, .content = soa});
  }
  return message;
}

inline std::string v4(unsigned a, unsigned b, unsigned c, unsigned d) {
  return {static_cast<char>(a), static_cast<char>(b), static_cast<char>(c), static_cast<char>(d)};
}

/// As `drill` prints it; "malformed" if it is.
inline std::string text_of(std::string_view message) {
  ldns_pkt* packet = nullptr;
  if (::ldns_wire2pkt(&packet, reinterpret_cast<const std::uint8_t*>(message.data()), message.size()) !=
      LDNS_STATUS_OK) {
    return "malformed";
  }
  char* printed = ::ldns_pkt2str(packet);
  std::string text{printed};
  ::free(printed);
  ::ldns_pkt_free(packet);
  return text;
}

inline unsigned code_of(std::string_view message) {
  return static_cast<unsigned>(message.at(3)) & 0xfU;
}

inline unsigned answers_in(std::string_view message) {
  return static_cast<unsigned>(static_cast<std::uint8_t>(message.at(6)) << 8U |
                               static_cast<std::uint8_t>(message.at(7)));
}

inline bool is_truncated(std::string_view message) {
  return (static_cast<unsigned>(message.at(2)) & 2U) != 0;
}

}  // namespace berth::dns::test

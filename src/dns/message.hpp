// Messages of the Domain Name System (RFC 1035), read and written with ldns. Only for this folder.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/ip.hpp"

struct ldns_struct_pkt;

namespace berth::dns {

using Bytes = std::span<const std::uint8_t>;

/// What a message may be at most: over TCP its length is told in 16 bits.
inline constexpr std::size_t max_message = 65'535;
/// What an asker takes over UDP if it says nothing.
inline constexpr std::size_t min_udp_size = 512;

struct FreePacket {
  void operator()(ldns_struct_pkt* packet) const noexcept;
};
using Packet = std::unique_ptr<ldns_struct_pkt, FreePacket>;

enum class Type : std::uint16_t { a = 1, ptr = 12, mx = 15, aaaa = 28, any = 255 };
enum class Code : std::uint16_t {
  no_error = 0,
  format_error = 1,
  server_failure = 2,
  name_error = 3,
  not_implemented = 4,
  refused = 5,
  bad_version = 16,
};

/// A well-formed query: one question.
class Query {
 public:
  /// Of the class "Internet", as all but curiosities are.
  [[nodiscard]] bool is_internet() const;
  [[nodiscard]] Type type() const;
  /// In lower case and without the last dot. Empty for the root, and for a name with bytes that no host's name has.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// The address that a name below in-addr.arpa or ip6.arpa asks for.
  [[nodiscard]] std::optional<IpAddress> reverse_address() const;
  [[nodiscard]] std::uint16_t id() const noexcept { return id_; }
  /// Bytes that the asker takes over UDP.
  [[nodiscard]] std::size_t udp_size() const noexcept { return udp_size_; }
  /// EDNS of a version that is not 0.
  [[nodiscard]] bool has_bad_version() const;
  /// The whole message as it came.
  [[nodiscard]] Bytes bytes() const noexcept {
    return {reinterpret_cast<const std::uint8_t*>(raw_.data()), raw_.size()};
  }
  /// Equal for queries that have equal answers; empty if the answer is for this asker alone (it sent EDNS options).
  [[nodiscard]] std::string cache_key() const;

 private:
  friend struct Parsed;
  friend Packet make_reply(const Query& query, Code code);
  friend std::string write_answer(const Query& query, std::span<const IpAddress> addresses, std::size_t limit);
  friend bool answers(Bytes message, const Query& query, std::uint16_t id);
  friend Packet with_question_of(const Query& query, Packet packet);

  /// As it stands in the message.
  struct Question {
    std::string_view name;
    std::string_view kind;  ///< type and class
  };
  [[nodiscard]] Question question() const;

  std::string raw_;
  Packet packet_;
  std::string name_;
  std::uint16_t id_ = 0;
  std::size_t udp_size_ = min_udp_size;
  std::size_t question_size_ = 0;  ///< bytes behind the header
};

/// What came on a socket for queries. Neither: it is not worth an answer.
struct Parsed {
  std::optional<Query> query;
  std::string refusal;  ///< the answer to what is malformed, or of a kind that nobody here knows

  static Parsed parse(Bytes message);
};

/// "No such thing", "failed", ... An answer without records if `code` is `no_error`.
std::string write_answer(const Query& query, Code code);
/// The addresses in this order; those that do not fit into `limit` bytes are left out, and the answer says so.
std::string write_answer(const Query& query, std::span<const IpAddress> addresses, std::size_t limit);
/// To a query for the name of an address.
std::string write_name_answer(const Query& query, std::string_view name);
/// No records, but the word that there are some over TCP.
std::string write_truncated_answer(const Query& query);

/// The message of a query to go upstream, under another id.
std::string with_id(Bytes message, std::uint16_t id);

/// True if it is the answer to this query with this id: the question must be in it. Without question only the failure
/// of a server that did not understand so much.
bool answers(Bytes message, const Query& query, std::uint16_t id);

/// An answer from upstream.
struct Answer {
  Code code = Code::no_error;
  bool has_question = true;  ///< false: the server did not even understand that
  /// How long others may be told the same: 0 if not at all.
  std::chrono::seconds lifetime{};

  /// Nothing if it is malformed.
  static std::optional<Answer> parse(Bytes message);
};

/// A kept answer for a query with the same key, its times to live being `age` shorter. Nothing if it cannot be made.
std::optional<std::string> write_kept_answer(const Query& query, Bytes kept, std::chrono::seconds age);

}  // namespace berth::dns

// One request of a client, as handlers see it.
//
//   auto body = request.json<CreateBody>();             throws what Docker says of a wrong type or Content-Type
//   bool force = request.flag("force");                 "1", "true", "yes"... as Docker reads booleans
//   while (auto count = request.read_body(buffer)) ...  load and import take their bytes as they come
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/headers.hpp"
#include "base/fd.hpp"
#include "base/filters.hpp"
#include "base/json.hpp"

namespace berth::api {

enum class Method { get, head, post, put, delete_, options, other };
std::string_view to_string(Method method);

/// A version of the Engine API.
struct ApiVersion {
  int major = 1;
  int minor = 51;
  friend auto operator<=>(const ApiVersion&, const ApiVersion&) = default;
};

/// What the transport has read of a request.
struct Head {
  Method method = Method::other;
  std::string target;  ///< path and query as sent
  Headers headers;
  bool http11 = true;
  bool keep_alive = true;
  /// Absent for a chunked body.
  std::optional<std::uint64_t> content_length = 0;
};

class Request {
 public:
  /// Fills the buffer at least in part with bytes of the body; 0 at its end.
  using BodySource = std::function<std::size_t(std::span<char>)>;
  static constexpr std::size_t json_limit = 4U << 20U;

  /// Splits the target; throws `invalid` on a broken escape.
  Request(Head head, BodySource body, FdRef client);

  [[nodiscard]] Method method() const { return head_.method; }
  [[nodiscard]] const Head& head() const { return head_; }
  /// The path, decoded and without the version's prefix once it was routed.
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] ApiVersion version() const { return version_; }
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const {
    return find_header(head_.headers, name);
  }

  /// The part of the path that stood for `{name}` in the route.
  [[nodiscard]] const std::string& name() const { return name_; }

  /// The first value of a query parameter, and all of them.
  [[nodiscard]] std::optional<std::string> query(std::string_view key) const;
  [[nodiscard]] std::string query_or(std::string_view key, std::string_view otherwise) const;
  [[nodiscard]] std::vector<std::string> queries(std::string_view key) const;
  /// As Docker reads booleans: "", "0", "no", "false" and "none" are false, all else is true.
  [[nodiscard]] bool flag(std::string_view key, bool otherwise = false) const;
  /// A whole number; throws `invalid` with Go's words. An empty value counts as absent.
  [[nodiscard]] std::optional<std::int64_t> number(std::string_view key) const;
  /// The parameter `filters`: {"key": ["value"]} or {"key": {"value": true}}; throws "invalid filter".
  [[nodiscard]] Filters filters() const;

  /// Reads the whole body; throws `too_large` beyond `limit`.
  [[nodiscard]] std::string body(std::size_t limit = json_limit) const;
  std::size_t read_body(std::span<char> buffer) const { return body_(buffer); }
  [[nodiscard]] bool has_body() const { return head_.content_length != 0U; }

  /// The body as JSON; throws `invalid` as Docker does on a wrong Content-Type, malformed text or wrong types.
  template <class T>
  [[nodiscard]] T json() const {
    const auto value = json_value();
    try {
      return json::from<T>(value);
    } catch (Error& error) {
      throw error.in("invalid JSON");
    }
  }
  [[nodiscard]] json::Value json_value() const;

  /// The client's socket, to poll beside one's source: POLLRDHUP or POLLHUP once the client, or the server, gives up.
  [[nodiscard]] FdRef client() const { return client_; }

  /// For the router.
  void set_route(ApiVersion version, std::string path, std::string name);

 private:
  Head head_;
  BodySource body_;
  FdRef client_;
  std::string path_;
  std::vector<std::pair<std::string, std::string>> query_;
  ApiVersion version_;
  std::string name_;
};

/// True once the client has closed its end: nobody will read the rest of an answer.
bool client_is_gone(FdRef client);

}  // namespace berth::api

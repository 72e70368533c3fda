// What a handler answers.
//
//   return Reply::json(engine.info());
//   return Reply::no_content();
//   return Reply::stream("application/json", [=](BodyWriter& out) { ...; out.write(line); out.flush(); });
//   return Reply::hijack(media_type, [=](Hijacked client) { client.accept(); ...; });
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "api/headers.hpp"
#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/json.hpp"

namespace berth::api {

/// The body of a reply while it is made. Throws `cancelled` once the client has gone.
class BodyWriter {
 public:
  virtual ~BodyWriter() = default;
  /// Sends the head, if it was not sent yet: until then an exception still becomes an ordinary error reply.
  virtual void begin() = 0;
  /// Adds to the body. What is small is kept back until `flush`.
  virtual void write(std::string_view bytes) = 0;
  /// Sends all that was kept back.
  virtual void flush() = 0;
  /// True once something was sent.
  [[nodiscard]] virtual bool begun() const = 0;
};

/// A connection that speaks HTTP no more once `accept` has sent the answer's head.
struct Hijacked {
  UniqueFd connection;
  std::string pending;           ///< bytes of the client that came with the head
  std::function<void()> accept;  ///< sends the head; while `connection` is open, wherever it has moved to
};

struct Reply {
  int status = 200;
  Headers headers;
  std::string body;
  /// Makes the body piece by piece, after the handler has returned.
  std::function<void(BodyWriter&)> stream_body;
  /// Takes the connection over, and sends the head when all is ready for what the client does next.
  std::function<void(Hijacked)> take_connection;

  template <class T>
  static Reply json(const T& value, int status = 200) {
    // A newline at the end, as Go's encoder writes: shell scripts read line by line.
    return text(json::write(value) + "\n", "application/json", status);
  }
  static Reply text(std::string body, std::string_view content_type = "text/plain; charset=utf-8", int status = 200);
  static Reply no_content() { return {.status = 204}; }
  static Reply not_modified() { return {.status = 304}; }
  /// 200 with a body of length 0, as `tag`, `import`... give.
  static Reply empty(int status) { return {.status = status}; }
  static Reply stream(std::string_view content_type, std::function<void(BodyWriter&)> body);
  /// Answers 101 with `upgraded_type` if the client asked for an upgrade, and otherwise the 200 of older clients.
  static Reply hijack(std::string_view upgraded_type, std::function<void(Hijacked)> take);
  static Reply error(const Error& error) { return error_text(http_status(error.kind()), error.message()); }
  /// {"message": "..."}
  static Reply error_text(int status, std::string_view message);

  Reply& with(std::string_view name, std::string_view value) {
    headers.emplace_back(name, value);
    return *this;
  }
};

}  // namespace berth::api

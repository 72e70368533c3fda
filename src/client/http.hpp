// One HTTP/1.1 connection to the daemon, used by one request at a time.
//
//   Connection connection{host};
//   connection.send({.method = "GET", .target = "/v1.51/info"});
//   if (connection.receive().status == 200) use(connection.read_body());
//
// Sending and receiving are apart so that a caller with several connections can have several requests on their way.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/fd.hpp"
#include "client/host.hpp"

namespace berth::client {

struct Request {
  std::string_view method = "GET";
  std::string target;
  std::string body;
  std::string_view content_type = "application/json";  ///< sent only with a body
  bool upgrade = false;                                ///< asks to hijack: `Connection: Upgrade`, `Upgrade: tcp`
};

struct Head {
  int status = 0;
  std::string content_type;
};

/// A connection that left HTTP: raw bytes both ways.
struct Hijacked {
  UniqueFd socket;
  std::string pending;  ///< bytes of the other side that came together with the response's head
  std::string content_type;
};

class Connection {
 public:
  explicit Connection(const Host& host);
  Connection(Connection&&) noexcept;
  Connection& operator=(Connection&&) noexcept;
  ~Connection();

  void send(const Request& request);
  /// Sends a chunked body: `read` fills a buffer and returns 0 at the end. A daemon that answers before the end ends it
  /// too.
  void send(const Request& request, const std::function<std::size_t(std::span<char>)>& read);

  /// Status and headers of the answer. Throws `unavailable` if the daemon hung up.
  Head receive();
  /// The next bytes of the answer's body; 0 at its end.
  std::size_t read_some(std::span<char> buffer);
  std::string read_body();
  /// After `receive()` of 101 or 200: the bare socket. The connection is empty afterwards.
  Hijacked hijack();

  /// To poll for an answer.
  [[nodiscard]] FdRef socket() const noexcept;
  /// True if bytes have come together with what was read before: the socket need not become readable for them.
  [[nodiscard]] bool has_buffered() const noexcept;
  /// False once the daemon closed it or said it would: it cannot take another request.
  [[nodiscard]] bool reusable() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace berth::client

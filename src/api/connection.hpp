// HTTP/1.1 on one connected socket, with blocking calls. Only for this folder; Beast is included by connection.cpp
// alone.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "api/reply.hpp"
#include "api/request.hpp"
#include "base/error.hpp"
#include "base/fd.hpp"

namespace berth::api {

struct Limits {
  std::size_t head_bytes = 64U << 10U;  ///< request line and fields together
  std::size_t head_fields = 200;
  std::chrono::milliseconds head_time{10'000};   ///< from a head's first byte to its last
  std::chrono::milliseconds idle_time{300'000};  ///< silence between requests, and within a body
};

/// A client that does not speak HTTP as agreed: answered with `status`, then the connection is closed.
class ProtocolError : public Error {
 public:
  ProtocolError(int status, std::string message) : Error(Kind::invalid, 0, std::move(message)), status_(status) {}
  [[nodiscard]] int status() const noexcept { return status_; }

 private:
  int status_;
};

class Connection {
 public:
  /// `fields`: header lines that every reply carries, each with its CRLF.
  Connection(UniqueFd socket, const Limits& limits, const std::string& fields);
  ~Connection();

  [[nodiscard]] FdRef socket() const;

  /// The next request; nothing once the client has closed the connection or was idle for too long.
  std::optional<Head> read_head();
  /// Bytes of the present request's body; 0 at its end. A client that waits for `100 Continue` gets it first.
  std::size_t read_body(std::span<char> buffer);

  /// Sends a reply to `head`. Bodies of requests that nobody read are read off if they are short.
  void send(const Head& head, Reply& reply);
  /// Answers what could not even be read as a request.
  void send(const ProtocolError& error);
  /// True if another request may follow on this connection.
  [[nodiscard]] bool reusable() const;

  /// Gives up the socket, with the bytes that were read beyond the head. `reply` says what `accept` will answer to
  /// `head`.
  Hijacked release(const Head& head, const Reply& reply);
  /// Waits a little for the client to read what was sent: closing with unread input would discard it.
  void linger();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace berth::api

#include "api/connection.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <vector>

#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>

namespace berth::api {
namespace {

namespace http = boost::beast::http;
using Clock = std::chrono::steady_clock;
using Parser = http::request_parser<http::buffer_body>;

constexpr std::size_t small_buffer = 4U << 10U;
constexpr std::size_t body_buffer = 64U << 10U;
/// What is left of a body is read off up to here rather than closing the connection.
constexpr std::uint64_t drained_body = 64U << 10U;
constexpr std::size_t write_buffer = 32U << 10U;

Method method_of(http::verb verb) {
  switch (verb) {
    case http::verb::get: return Method::get;
    case http::verb::head: return Method::head;
    case http::verb::post: return Method::post;
    case http::verb::put: return Method::put;
    case http::verb::delete_: return Method::delete_;
    case http::verb::options: return Method::options;
    default: return Method::other;
  }
}

std::string http_date() {
  std::array<char, 40> text{};
  const auto seconds = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  const auto size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
  return {text.data(), size};
}

void set_receive_timeout(FdRef socket, std::chrono::milliseconds time) {
  const timeval value{time.count() / 1000, (time.count() % 1000) * 1000};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &value, sizeof value);
}

/// Sends all pieces in one system call where the kernel takes them at once.
void send_all(FdRef socket, std::span<iovec> pieces) {
  while (!pieces.empty()) {
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    const auto count = ::sendmsg(socket.get(), &message, MSG_NOSIGNAL);
    if (count < 0) {
      if (errno == EINTR) continue;
      throw Error{Kind::cancelled, errno, "client has gone: " + errno_text(errno)};
    }
    auto left = static_cast<std::size_t>(count);
    while (!pieces.empty() && left >= pieces.front().iov_len) {
      left -= pieces.front().iov_len;
      pieces = pieces.subspan(1);
    }
    if (!pieces.empty()) {
      pieces.front().iov_base = static_cast<char*>(pieces.front().iov_base) + left;
      pieces.front().iov_len -= left;
    }
  }
}

iovec piece(std::string_view text) {
  return {const_cast<char*>(text.data()), text.size()};  // NOLINT: sendmsg only reads
}

/// 101 only if the client asked for `Upgrade: tcp`; otherwise it expects 200 and hijacks the same stream.
std::string hijack_head(const Head& head, const Reply& reply) {
  if (!find_header(head.headers, "Upgrade")) {
    return "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n";
  }
  return fmt::format("HTTP/1.1 101 UPGRADED\r\nContent-Type: {}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n",
                     find_header(reply.headers, "Content-Type").value_or(""));
}

bool has_no_body(int status) {
  return status == 204 || status == 304 || status < 200;
}

}  // namespace

struct Connection::Impl {
  UniqueFd socket;
  Limits limits;
  const std::string& fields;
  std::vector<char> buffer = std::vector<char>(small_buffer);
  std::size_t begin = 0, end = 0;  ///< the part of buffer that was read and not yet parsed
  std::optional<Parser> parser;
  bool expects_continue = false;
  bool keep_alive = true;

  Impl(UniqueFd fd, const Limits& set, const std::string& common)
      : socket(std::move(fd)), limits(set), fields(common) {}

  bool fill(Clock::time_point deadline);
  void make_room();
  void parse_head(Clock::time_point& deadline);
  Head take_head();
  [[nodiscard]] bool body_is_read() const { return !parser || parser->is_done(); }
  void drain_short_body(std::uint64_t left);
  std::string head_text(int status, const Headers& headers, std::string_view framing) const;
};

/// The body of a streamed reply: chunked, or for HTTP/1.0 until the connection closes.
class StreamWriter final : public BodyWriter {
 public:
  StreamWriter(FdRef socket, std::string head, bool chunked)
      : socket_(socket), head_(std::move(head)), chunked_(chunked) {}

  void begin() override {
    if (!begun_) send_out({});
  }
  void write(std::string_view bytes) override {
    if (kept_.empty() && bytes.size() >= write_buffer) return send_out(bytes);
    kept_ += bytes;
    if (kept_.size() >= write_buffer) flush();
  }
  void flush() override {
    if (kept_.empty()) return;
    send_out(kept_);
    kept_.clear();
  }
  void finish() {
    flush();
    begin();
    if (!chunked_) return;
    std::array last{piece("0\r\n\r\n")};
    send_all(socket_, last);
  }
  [[nodiscard]] bool begun() const override { return begun_; }

 private:
  void send_out(std::string_view bytes) {
    const auto size = chunked_ && !bytes.empty() ? fmt::format("{:x}\r\n", bytes.size()) : std::string{};
    std::array pieces{piece(begun_ ? std::string_view{} : head_), piece(size), piece(bytes),
                      piece(size.empty() ? "" : "\r\n")};
    begun_ = true;
    send_all(socket_, pieces);
  }

  FdRef socket_;
  std::string head_;
  bool chunked_;
  bool begun_ = false;
  std::string kept_;
};

/// Reads once into the buffer; false at the end of the stream. Blocks until the deadline; `max` means the idle time.
bool Connection::Impl::fill(Clock::time_point deadline) {
  make_room();
  if (deadline != Clock::time_point::max()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd wait{socket.get(), POLLIN, 0};
    if (left <= 0 || ::poll(&wait, 1, static_cast<int>(left)) == 0) {
      throw ProtocolError{408, "request head took too long"};
    }
  }
  for (;;) {
    const auto count = ::recv(socket.get(), buffer.data() + end, buffer.size() - end, 0);
    if (count > 0) {
      end += static_cast<std::size_t>(count);
      return true;
    }
    if (count == 0 || errno == ECONNRESET) return false;
    if (errno == EAGAIN) throw ProtocolError{408, "request was not finished in time"};
    if (errno != EINTR) throw Error::from_errno(errno, "read from client");
  }
}

void Connection::Impl::make_room() {
  if (begin == end) begin = end = 0;
  if (end < buffer.size()) return;
  if (begin > 0) {
    std::memmove(buffer.data(), buffer.data() + begin, end - begin);
    end -= begin;
    begin = 0;
    return;
  }
  // The head's limit, or a chunk's head that never ends.
  if (buffer.size() > limits.head_bytes) throw ProtocolError{431, "request head is too large"};
  buffer.resize(std::min(buffer.size() * 4, std::max(limits.head_bytes, body_buffer) + small_buffer));
}

/// Feeds the parser until the head is complete. The clock starts with the first byte.
void Connection::Impl::parse_head(Clock::time_point& deadline) {
  for (;;) {
    if (begin != end) {
      boost::system::error_code error;
      begin += parser->put(boost::asio::const_buffer{buffer.data() + begin, end - begin}, error);
      if (error == http::error::header_limit) throw ProtocolError{431, "request head is too large"};
      if (error && error != http::error::need_more) {
        throw ProtocolError{error == http::error::bad_version ? 505 : 400, "malformed request: " + error.message()};
      }
      if (parser->is_header_done()) return;
      if (!error) continue;
      if (deadline == Clock::time_point::max()) deadline = Clock::now() + limits.head_time;
    }
    if (!fill(deadline)) throw ProtocolError{400, "malformed request: it ends within its head"};
  }
}

Head Connection::Impl::take_head() {
  const auto& message = parser->get();
  Head head;
  head.method = method_of(message.method());
  head.target = std::string{message.target()};
  head.http11 = message.version() >= 11;
  head.keep_alive = message.keep_alive();
  if (parser->chunked()) {
    head.content_length.reset();
  } else {
    head.content_length = parser->content_length().value_or(0);
  }
  int hosts = 0;
  for (const auto& field : message) {
    if (head.headers.size() == limits.head_fields) throw ProtocolError{431, "request has too many header fields"};
    head.headers.emplace_back(field.name_string(), field.value());
    if (field.name() == http::field::host) ++hosts;
  }
  if (hosts > 1) throw ProtocolError{400, "too many Host headers"};
  if (hosts == 0 && head.http11) throw ProtocolError{400, "missing required Host header"};
  return head;
}

std::string Connection::Impl::head_text(int status, const Headers& headers, std::string_view framing) const {
  const auto reason = http::obsolete_reason(static_cast<http::status>(status));
  std::string text = fmt::format("HTTP/1.1 {} {}\r\n", status, std::string_view{reason.data(), reason.size()});
  for (const auto& [name, value] : headers) text.append(name).append(": ").append(value).append("\r\n");
  text.append(fields).append("Date: ").append(http_date()).append("\r\n").append(framing);
  if (!keep_alive) text += "Connection: close\r\n";
  return text += "\r\n";
}

void Connection::Impl::drain_short_body(std::uint64_t left) {
  while (left > 0 && begin != end && !body_is_read()) {  // only what has arrived: nobody waits for a slow sender
    std::array<char, 4096> discarded;
    auto& body = parser->get().body();
    body.data = discarded.data();
    body.size = discarded.size();
    boost::system::error_code error;
    const auto count = parser->put(boost::asio::const_buffer{buffer.data() + begin, end - begin}, error);
    begin += count;
    left -= std::min<std::uint64_t>(left, count);
    if ((error && error != http::error::need_buffer) || count == 0) return;
  }
}

Connection::Connection(UniqueFd socket, const Limits& limits, const std::string& fields)
    : impl_(std::make_unique<Impl>(std::move(socket), limits, fields)) {
  set_receive_timeout(impl_->socket, limits.idle_time);
}

Connection::~Connection() = default;

FdRef Connection::socket() const {
  return impl_->socket;
}

std::optional<Head> Connection::read_head() {
  auto& my = *impl_;
  if (my.begin == my.end && my.buffer.size() > small_buffer) my.buffer = std::vector<char>(small_buffer);
  my.parser.emplace();
  my.parser->eager(false);
  my.parser->header_limit(static_cast<std::uint32_t>(my.limits.head_bytes));
  my.parser->body_limit(boost::none);
  my.expects_continue = false;
  if (my.begin == my.end) {
    try {
      if (!my.fill(Clock::time_point::max())) return std::nullopt;
    } catch (const ProtocolError&) {
      return std::nullopt;  // idle: nothing was asked, so nothing is answered
    }
  }
  auto deadline = Clock::time_point::max();
  my.parse_head(deadline);
  auto head = my.take_head();
  my.keep_alive = head.keep_alive;
  my.expects_continue =
      head.http11 && equals_ignoring_case(find_header(head.headers, "Expect").value_or(""), "100-continue");
  return head;
}

std::size_t Connection::read_body(std::span<char> buffer) {
  auto& my = *impl_;
  if (my.body_is_read() || buffer.empty()) return 0;
  if (std::exchange(my.expects_continue, false) && my.begin == my.end) {
    std::array go_on{piece("HTTP/1.1 100 Continue\r\n\r\n")};
    send_all(my.socket, go_on);
  }
  if (my.begin == my.end && my.buffer.size() < body_buffer) my.buffer.resize(body_buffer);
  auto& body = my.parser->get().body();
  body.data = buffer.data();
  body.size = buffer.size();
  for (;;) {
    boost::system::error_code error = http::error::need_more;
    if (my.begin != my.end) {
      my.begin += my.parser->put(boost::asio::const_buffer{my.buffer.data() + my.begin, my.end - my.begin}, error);
      const auto count = buffer.size() - body.size;
      if (count > 0 || my.parser->is_done()) return count;
      if (error && error != http::error::need_more && error != http::error::need_buffer) {
        my.keep_alive = false;
        throw ProtocolError{400, "malformed request body: " + error.message()};
      }
    }
    if (error == http::error::need_more && !my.fill(Clock::time_point::max())) {
      my.keep_alive = false;
      throw Error{Kind::invalid, "unexpected EOF: the request's body is incomplete"};
    }
  }
}

void Connection::send(const Head& head, Reply& reply) {
  auto& my = *impl_;
  if (reply.stream_body && head.method != Method::head) {
    // The body may still be read while the reply is made (load), so it is not drained before.
    if (!head.http11) my.keep_alive = false;
    StreamWriter writer{my.socket,
                        my.head_text(reply.status, reply.headers, head.http11 ? "Transfer-Encoding: chunked\r\n" : ""),
                        head.http11};
    try {
      reply.stream_body(writer);
      writer.finish();
    } catch (...) {
      my.keep_alive = false;  // no last chunk: the client sees that the answer is not whole
      if (writer.begun()) throw;
      auto error = Reply::error(current_error());
      send(head, error);
    }
    return;
  }
  if (!my.body_is_read()) my.drain_short_body(drained_body);
  if (!my.body_is_read()) my.keep_alive = false;
  const auto length =
      has_no_body(reply.status) ? std::string{} : fmt::format("Content-Length: {}\r\n", reply.body.size());
  const auto text = my.head_text(reply.status, reply.headers, length);
  std::array pieces{piece(text), piece(head.method == Method::head ? std::string_view{} : reply.body)};
  send_all(my.socket, pieces);
}

void Connection::send(const ProtocolError& error) {
  impl_->keep_alive = false;
  auto reply = Reply::error_text(error.status(), error.message());
  send(Head{}, reply);
}

bool Connection::reusable() const {
  return impl_->keep_alive && impl_->body_is_read();
}

Hijacked Connection::release(const Head& head, const Reply& reply) {
  auto& my = *impl_;
  set_receive_timeout(my.socket, std::chrono::milliseconds{0});
  Hijacked hijacked{std::move(my.socket), std::string{my.buffer.data() + my.begin, my.end - my.begin}, nullptr};
  hijacked.accept = [socket = FdRef{hijacked.connection}, text = hijack_head(head, reply)] {
    std::array pieces{piece(text)};
    send_all(socket, pieces);
  };
  return hijacked;
}

void Connection::linger() {
  auto& my = *impl_;
  if (!my.socket || ::shutdown(my.socket.get(), SHUT_WR) < 0) return;
  const auto deadline = Clock::now() + std::chrono::seconds{1};
  try {
    do {
      my.begin = my.end = 0;
    } while (my.fill(deadline));
  } catch (const Error&) {
    return;  // it had its time
  }
}

}  // namespace berth::api

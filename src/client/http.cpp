#include "client/http.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <limits>
#include <optional>

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "base/error.hpp"

namespace berth::client {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr std::size_t piece_size = 64U << 10U;

error_code last_error() {
  return {errno, boost::system::system_category()};
}

/// The socket as Beast's SyncStream: plain blocking calls, without an io_context and its descriptors.
class SocketStream {
 public:
  explicit SocketStream(UniqueFd fd) : fd_(std::move(fd)) {}

  template <class Buffers>
  std::size_t read_some(const Buffers& buffers, error_code& error) {
    const asio::mutable_buffer buffer = *asio::buffer_sequence_begin(buffers);
    for (;;) {
      const auto count = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
      if (count < 0 && errno == EINTR) continue;
      error = count < 0 ? last_error() : count == 0 ? error_code{asio::error::eof} : error_code{};
      return count < 0 ? 0 : static_cast<std::size_t>(count);
    }
  }
  template <class Buffers>
  std::size_t read_some(const Buffers& buffers) {
    error_code error;
    const auto count = read_some(buffers, error);
    if (error) throw boost::system::system_error{error};
    return count;
  }

  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto count = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count < 0 && errno != EINTR) throw Error::from_errno(errno, "send to daemon").as(Kind::unavailable);
      if (count > 0) bytes.remove_prefix(static_cast<std::size_t>(count));
    }
  }

  [[nodiscard]] FdRef fd() const noexcept { return fd_; }
  UniqueFd release() noexcept { return std::move(fd_); }

 private:
  UniqueFd fd_;
};

bool has_input(FdRef socket) {
  pollfd wait{socket.get(), POLLIN, 0};
  return ::poll(&wait, 1, 0) > 0;
}

std::string head_of(const Request& request, bool chunked) {
  auto head = fmt::format("{} {} HTTP/1.1\r\nHost: docker\r\nUser-Agent: berth/{}\r\n", request.method, request.target,
                          BERTH_VERSION);
  if (request.upgrade) head += "Connection: Upgrade\r\nUpgrade: tcp\r\n";
  if (chunked) {
    head += fmt::format("Content-Type: {}\r\nTransfer-Encoding: chunked\r\n", request.content_type);
  } else if (!request.body.empty()) {
    head += fmt::format("Content-Type: {}\r\nContent-Length: {}\r\n", request.content_type, request.body.size());
  } else if (request.method != "GET" && request.method != "HEAD") {
    head += "Content-Length: 0\r\n";
  }
  return head + "\r\n";
}

}  // namespace

struct Connection::State {
  explicit State(UniqueFd fd) : stream(std::move(fd)) {}

  SocketStream stream;
  boost::beast::flat_buffer buffer;
  std::optional<http::response_parser<http::buffer_body>> answer;
  bool head_only = false;  ///< the request was HEAD: its answer has no body
};

Connection::Connection(const Host& host) : state_(std::make_unique<State>(connect(host))) {}
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&&) noexcept = default;
Connection::~Connection() = default;

void Connection::send(const Request& request) {
  state_->head_only = request.method == "HEAD";
  state_->stream.write(head_of(request, false) + request.body);
}

void Connection::send(const Request& request, const std::function<std::size_t(std::span<char>)>& read) {
  state_->head_only = false;
  state_->stream.write(head_of(request, true));
  std::string piece(piece_size, '\0');
  try {
    for (;;) {
      const auto count = read(piece);
      if (count == 0) break;
      state_->stream.write(fmt::format("{:x}\r\n", count));
      state_->stream.write(std::string_view{piece}.substr(0, count));
      state_->stream.write("\r\n");
      if (has_input(state_->stream.fd())) return;  // An answer before the end of the body is a refusal.
    }
    state_->stream.write("0\r\n\r\n");
  } catch (const Error& error) {
    // The daemon may refuse and close while we still send: its answer says more than our EPIPE.
    if (error.kind() != Kind::unavailable || !has_input(state_->stream.fd())) throw;
  }
}

Head Connection::receive() {
  auto& answer = state_->answer.emplace();
  answer.body_limit(std::numeric_limits<std::uint64_t>::max());
  answer.skip(state_->head_only);
  error_code error;
  http::read_header(state_->stream, state_->buffer, answer, error);
  if (error == http::error::end_of_stream || error == asio::error::eof) {
    throw Error{Kind::unavailable, "the daemon closed the connection without an answer"};
  }
  if (error) throw Error{Kind::unavailable, "cannot read the daemon's answer: {}", error.message()};
  const auto type = answer.get()[http::field::content_type];
  return {static_cast<int>(answer.get().result_int()), std::string{type.data(), type.size()}};
}

std::size_t Connection::read_some(std::span<char> buffer) {
  auto& answer = *state_->answer;
  while (!answer.is_done()) {
    answer.get().body().data = buffer.data();
    answer.get().body().size = buffer.size();
    error_code error;
    http::read_some(state_->stream, state_->buffer, answer, error);
    if (error && error != http::error::need_buffer) {
      throw Error{Kind::unavailable, "the daemon's answer broke off: {}", error.message()};
    }
    const auto count = buffer.size() - answer.get().body().size;
    if (count > 0) return count;
  }
  return 0;
}

std::string Connection::read_body() {
  std::string body;
  std::size_t used = 0;
  for (;;) {
    body.resize(std::max<std::size_t>(used + 4096, used * 2));
    const auto count = read_some({body.data() + used, body.size() - used});
    used += count;
    if (count == 0) break;
  }
  body.resize(used);
  return body;
}

Hijacked Connection::hijack() {
  const auto bytes = state_->buffer.data();
  const auto type = state_->answer->get()[http::field::content_type];
  Hijacked hijacked{
      state_->stream.release(), {static_cast<const char*>(bytes.data()), bytes.size()}, {type.data(), type.size()}};
  state_.reset();
  return hijacked;
}

FdRef Connection::socket() const noexcept {
  return state_->stream.fd();
}

bool Connection::has_buffered() const noexcept {
  return state_->buffer.size() > 0;
}

bool Connection::reusable() const noexcept {
  const auto& answer = state_->answer;
  if (answer && (!answer->is_done() || !answer->get().keep_alive())) return false;
  return !has_input(state_->stream.fd());  // Between requests the only input there can be is the end.
}

}  // namespace berth::client

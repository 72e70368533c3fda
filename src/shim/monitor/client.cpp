#include "shim/monitor/client.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "base/strings.hpp"

namespace berth::shim {
namespace {

using Header = std::array<char, 8>;

/// Docker's stream header: the stream's number, three zeros, the length in network byte order.
Header header_of(Stream stream, std::size_t size) {
  const auto byte = [size](unsigned shift) { return static_cast<char>((size >> shift) & 0xffU); };
  return {static_cast<char>(stream), 0, 0, 0, byte(24), byte(16), byte(8), byte(0)};
}

}  // namespace

Client::Client(Loop& loop, UniqueFd connection, const Attach& wants, Input& input, bool tty)
    : loop_(loop),
      connection_(std::move(connection)),
      wants_(wants),
      input_(input),
      reads_input_(wants.stdin_),
      watch_(loop, connection_, [this](std::uint32_t events) { ready(events); }) {
  if (tty && wants.stdin_) matcher_.emplace(parse_detach_keys(wants.detach_keys));
  const auto pending = from_base64(wants_.pending);
  if (!pending) throw Error{Kind::invalid, "pending bytes are no base64"};
  wants_.pending = {};
  if (reads_input_ && !pending->empty()) typed(*pending);
}

Client::~Client() {
  drop();
}

void Client::send(Stream stream, std::string_view bytes) {
  if (done_ || hung_up_ || finishing_ || !(stream == Stream::out ? wants_.stdout_ : wants_.stderr_)) return;
  auto header = header_of(stream, bytes.size());
  std::array<iovec, 2> parts{
      {{header.data(), wants_.multiplexed ? header.size() : 0}, {const_cast<char*>(bytes.data()), bytes.size()}}};
  std::size_t sent = 0;
  if (unsent_.empty()) {
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    const auto count = ::sendmsg(connection_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0 && errno != EAGAIN && errno != EINTR) {
      hung_up_ = true;
      return;
    }
    if (count > 0) sent = static_cast<std::size_t>(count);
  }
  for (const auto& part : parts) {
    const auto skip = std::min(sent, part.iov_len);
    sent -= skip;
    unsent_.append(static_cast<const char*>(part.iov_base) + skip, part.iov_len - skip);
  }
}

void Client::finish() {
  finishing_ = true;
  end_if_flushed();
}

void Client::ready(std::uint32_t events) {
  if (done_) return;
  if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
    hung_up_ = true;
    unsent_.clear();
  }
  if ((events & EPOLLOUT) != 0) flush();
  // A client that has hung up may have typed before: that is read to its end.
  if (reads_input_ && !input_.is_blocked() && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) receive();
  end_if_flushed();
}

void Client::receive() {
  const auto buffer = loop_.scratch();
  const auto count = ::recv(connection_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (count > 0) {
    typed({buffer.data(), static_cast<std::size_t>(count)});
  } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
    input_ended();
  }
}

void Client::typed(std::string_view bytes) {
  if (!matcher_) {
    input_.write(bytes);
    return;
  }
  std::string kept;
  detached_ = matcher_->feed(bytes, kept);
  input_.write(kept);
  if (!detached_) return;
  reads_input_ = false;
  finishing_ = true;
}

void Client::input_ended() {
  reads_input_ = false;
  // As Docker does: the end of the input ends the attachment, unless it was passed on to the container.
  const bool stays = input_.client_ended();
  if (!stays || !(wants_.stdout_ || wants_.stderr_)) finishing_ = true;
}

void Client::flush() {
  while (!unsent_.empty()) {
    const auto count = ::send(connection_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count >= 0) {
      unsent_.erase(0, static_cast<std::size_t>(count));
    } else if (errno == EAGAIN) {
      return;
    } else if (errno != EINTR) {
      hung_up_ = true;
      unsent_.clear();
    }
  }
  unsent_ = {};
}

void Client::balance() {
  if (done_) return;
  end_if_flushed();
  if (done_) return;
  const bool wants_input = reads_input_ && !input_.is_blocked();
  const std::uint32_t events = (wants_input ? EPOLLIN : 0U) | (unsent_.empty() ? 0U : EPOLLOUT);
  if (events == 0 && hung_up_) {
    watch_.clear();  // a hang-up cannot be masked, and it is known: wait for the container to read
  } else {
    watch_.set(events);
  }
}

void Client::end_if_flushed() {
  if (done_ || !unsent_.empty()) return;
  if (finishing_ || (hung_up_ && !reads_input_)) drop();
}

void Client::drop() noexcept {
  if (done_) return;
  done_ = true;
  watch_.clear();
  // A close with unread input would make the kernel reset the connection, and the client would lose the end of the
  // output.
  ::shutdown(connection_.get(), SHUT_RDWR);
  std::array<char, 4096> ignored;
  for (int i = 0; i < 256 && ::recv(connection_.get(), ignored.data(), ignored.size(), MSG_DONTWAIT) > 0; ++i) continue;
  connection_.reset();
}

void Client::give_back() noexcept {
  done_ = true;
  watch_.clear();
  connection_.reset();
}

}  // namespace berth::shim

#include "runtime/channel.hpp"

#include <sys/socket.h>

#include <array>
#include <cstring>

#include "base/fd_passing.hpp"

namespace berth::runtime {
namespace {

constexpr std::size_t max_message = 16384;

struct FailureHeader {
  int kind;
  int errno_value;
  int failure;
};

}  // namespace

void send_message(FdRef socket, MessageType type, std::string_view text, FdRef fd) {
  text = text.substr(0, max_message - 1);
  std::array<iovec, 2> parts = {
      {{.iov_base = &type, .iov_len = 1}, {.iov_base = const_cast<char*>(text.data()), .iov_len = text.size()}}};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  PassedFds passed;
  if (fd) passed.attach(message, {&fd, 1});
  while (::sendmsg(socket.get(), &message, MSG_NOSIGNAL) < 0) {
    if (errno != EINTR) throw Error::from_errno(errno, "send to the other side of the container's start");
  }
}

std::optional<Message> receive_message(FdRef socket) {
  std::array<char, max_message> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by recvmsg
  iovec part{.iov_base = buffer.data(), .iov_len = buffer.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  PassedFds passed;
  passed.receive_with(header);
  ssize_t size = 0;
  do {
    size = ::recvmsg(socket.get(), &header, MSG_CMSG_CLOEXEC);
    // ECONNRESET comes once, before what the other side said last, if it left without reading all of ours.
  } while (size < 0 && (errno == EINTR || errno == ECONNRESET));
  if (size < 0) throw Error::from_errno(errno, "receive from the other side of the container's start");
  if (size <= 0) return std::nullopt;
  Message message{.type = static_cast<MessageType>(buffer[0]),
                  .text = {buffer.data() + 1, static_cast<std::size_t>(size) - 1},
                  .fd = {}};
  if (auto fds = PassedFds::take(header); !fds.empty()) message.fd = std::move(fds.front());
  return message;
}

Message expect_message(FdRef socket, MessageType type) {
  auto message = receive_message(socket);
  if (!message) throw Error{Kind::internal, "the other side of the container's start has gone"};
  if (message->type == MessageType::failed) throw_failure(message->text);
  if (message->type != type) throw Error{Kind::internal, "unexpected message in the container's start"};
  return std::move(*message);
}

void send_failure(FdRef socket) noexcept try {
  auto failure = StartFailure::setup;
  try {
    throw;
  } catch (const ExecError& error) {
    failure = error.failure();
  } catch (...) {
    failure = StartFailure::setup;
  }
  const auto error = current_error();
  const FailureHeader header{
      .kind = static_cast<int>(error.kind()), .errno_value = error.errno_value(), .failure = static_cast<int>(failure)};
  std::string text(sizeof header, '\0');
  std::memcpy(text.data(), &header, sizeof header);
  send_message(socket, MessageType::failed, text + error.message());
} catch (...) {
  return;  // nobody listens any more: the exit says enough
}

void throw_failure(const std::string& text) {
  FailureHeader header{};
  if (text.size() < sizeof header) throw Error{Kind::internal, "malformed failure in the container's start"};
  std::memcpy(&header, text.data(), sizeof header);
  Error error{static_cast<Kind>(header.kind), header.errno_value, text.substr(sizeof header)};
  const auto failure = static_cast<StartFailure>(header.failure);
  if (failure == StartFailure::setup) throw error;
  throw ExecError{failure, std::move(error)};
}

}  // namespace berth::runtime

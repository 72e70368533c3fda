#include "shim/protocol.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/fd_passing.hpp"
#include "shim/bundle.hpp"

namespace berth::shim {
namespace {

/// "/proc/self/fd/N/shim.sock": short however long the directory's own path is.
sockaddr_un address_in(FdRef directory) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto path = fd_path(directory) + "/" + socket_file;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

/// The size of the next packet; 0 at the end, -1 if there is none yet.
ssize_t next_packet_size(FdRef socket, int flags) {
  for (;;) {
    char byte = 0;
    const auto size = ::recv(socket.get(), &byte, 1, MSG_PEEK | MSG_TRUNC | flags);
    if (size >= 0) return size;
    if (errno == EAGAIN) return -1;
    // The peer has gone without reading everything. This comes once, before what it had sent and the end.
    if (errno == ECONNRESET) continue;
    if (errno != EINTR) throw Error::from_errno(errno, "receive message");
  }
}

}  // namespace

void send_message(FdRef socket, const json::Value& body, std::span<const FdRef> fds, Wait wait) {
  auto text = json::write(body);
  if (text.size() > max_message_size || fds.size() > max_passed_fds) {
    throw Error{Kind::too_large, "message to the shim of {} bytes and {} descriptors", text.size(), fds.size()};
  }
  iovec part{text.data(), text.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  PassedFds passed;
  passed.attach(header, fds);
  const int flags = MSG_NOSIGNAL | (wait == Wait::no ? MSG_DONTWAIT : 0);
  while (::sendmsg(socket.get(), &header, flags) < 0) {
    if (errno != EINTR) throw Error::from_errno(errno, "send message").as(Kind::unavailable);
  }
}

Receipt receive_message(FdRef socket, Message& message, Wait wait) {
  const int flags = wait == Wait::no ? MSG_DONTWAIT : 0;
  const auto size = next_packet_size(socket, flags);
  if (size < 0) return Receipt::nothing;
  if (size == 0) return Receipt::closed;

  std::string text(std::min(static_cast<std::size_t>(size), max_message_size), '\0');
  iovec part{text.data(), text.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  PassedFds passed;
  passed.receive_with(header);
  const auto count = ::recvmsg(socket.get(), &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (count < 0) throw Error::from_errno(errno, "receive message");
  message.fds = PassedFds::take(header);
  if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
    throw Error{Kind::corrupt, "message of {} bytes is too long", size};
  message.body = json::parse(text);
  if (!message.body.is_object()) throw Error{Kind::corrupt, "message is no JSON object"};
  return Receipt::message;
}

UniqueFd listen_at(FdRef directory) {
  UniqueFd socket{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!socket) throw Error::from_errno(errno, "create socket");
  const auto address = address_in(directory);
  if (::bind(socket.get(), generic(address), sizeof address) < 0) {
    // What a killed shim has left; two living shims never share a directory.
    if (errno == EADDRINUSE) ::unlinkat(directory.get(), socket_file, 0);
    if (::bind(socket.get(), generic(address), sizeof address) < 0)
      throw Error::from_errno(errno, "bind {}", socket_file);
  }
  if (::listen(socket.get(), 16) < 0) throw Error::from_errno(errno, "listen on {}", socket_file);
  return socket;
}

UniqueFd connect_at(const fs::path& directory) {
  UniqueFd folder{::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!folder) {
    if (errno == ENOENT) return UniqueFd{};
    throw Error::from_errno(errno, "open {}", quote(directory.native()));
  }
  UniqueFd socket{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
  if (!socket) throw Error::from_errno(errno, "create socket");
  const auto address = address_in(folder);
  if (::connect(socket.get(), generic(address), sizeof address) < 0) {
    if (errno == ENOENT || errno == ECONNREFUSED) return UniqueFd{};
    throw Error::from_errno(errno, "connect to {}", quote((directory / socket_file).native()));
  }
  return socket;
}

Reply failure_reply(const Error& error) {
  Reply reply;
  reply.ok = false;
  reply.kind = to_string(error.kind());
  reply.errno_ = error.errno_value();
  reply.message = error.message();
  return reply;
}

Error error_of(const Reply& reply) {
  for (const auto kind : {Kind::invalid, Kind::not_found, Kind::conflict, Kind::unsupported, Kind::unavailable,
                          Kind::corrupt, Kind::too_large, Kind::forbidden}) {
    if (reply.kind == to_string(kind)) return Error(kind, reply.errno_, reply.message);
  }
  return Error(Kind::internal, reply.errno_, reply.message);
}

std::string text_member(const json::Value& body, std::string_view name) {
  const auto* member = json::find(body, name);
  return member != nullptr && member->is_string() ? std::string{member->get_string()} : std::string{};
}

}  // namespace berth::shim

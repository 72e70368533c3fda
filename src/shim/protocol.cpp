#include "shim/protocol.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "shim/bundle.hpp"

namespace berth::shim {
namespace {

constexpr std::size_t control_space = CMSG_SPACE(sizeof(int) * max_message_fds);

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

/// Takes ownership of the descriptors that came with a packet.
void take_descriptors(msghdr& header, std::vector<UniqueFd>& fds) {
  for (auto* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const auto count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof fd);
      fds.emplace_back(fd);
    }
  }
}

/// The size of the next packet; 0 at the end, -1 if there is none yet.
ssize_t next_packet_size(FdRef socket, int flags) {
  for (;;) {
    char byte = 0;
    const auto size = ::recv(socket.get(), &byte, 1, MSG_PEEK | MSG_TRUNC | flags);
    if (size >= 0) return size;
    if (errno == EAGAIN) return -1;
    if (errno == ECONNRESET) return 0;
    if (errno != EINTR) throw Error::from_errno(errno, "receive message");
  }
}

}  // namespace

void send_message(FdRef socket, const json::Value& body, std::span<const FdRef> fds, Wait wait) {
  auto text = json::write(body);
  if (text.size() > max_message_size || fds.size() > max_message_fds) {
    throw Error{Kind::too_large, "message to the shim of {} bytes and {} descriptors", text.size(), fds.size()};
  }
  iovec part{text.data(), text.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, control_space> control{};
  if (!fds.empty()) {
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
    auto* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
    for (std::size_t i = 0; i < fds.size(); ++i) {
      const int fd = fds[i].get();
      std::memcpy(CMSG_DATA(rights) + i * sizeof(int), &fd, sizeof fd);
    }
  }
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
  alignas(cmsghdr) std::array<char, control_space> control{};
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  const auto count = ::recvmsg(socket.get(), &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (count < 0) throw Error::from_errno(errno, "receive message");
  message.fds.clear();
  take_descriptors(header, message.fds);
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

#include "shim/monitor/log_socket.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "base/socket_address.hpp"
#include "base/strings.hpp"

namespace berth::shim {
namespace {

Error dial_error(const LogAddress& address, std::string_view text) {
  return {Kind::unavailable, "dial {} {}: {}", address.transport, address.address, text};
}

SocketAddress unix_address(const LogAddress& address) {
  SocketAddress made;
  auto& target = reinterpret_cast<sockaddr_un&>(made.storage);
  if (address.address.size() >= sizeof target.sun_path) throw dial_error(address, "connect: invalid argument");
  target.sun_family = AF_UNIX;
  std::memcpy(target.sun_path, address.address.data(), address.address.size());
  made.size = sizeof target;
  return made;
}

/// Only numbers: names were resolved by the daemon.
SocketAddress internet_address(const LogAddress& address) {
  const std::string_view text = address.address;
  const auto colon = text.rfind(':');
  const auto port =
      colon == std::string_view::npos ? std::nullopt : parse_number<std::uint16_t>(text.substr(colon + 1));
  if (!port) throw dial_error(address, "missing port in address");
  auto host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const auto found = find_ip(host);
  if (!found) throw dial_error(address, "no such host");
  return make_socket_address(*found, *port);
}

bool is_unix(const LogAddress& address) {
  return address.transport.starts_with("unix");
}

}  // namespace

bool is_datagram(const LogAddress& address) {
  return address.transport == "udp" || address.transport == "unixgram";
}

LogSocket begin_connection(const LogAddress& address) {
  const auto target = is_unix(address) ? unix_address(address) : internet_address(address);
  const int type = (is_datagram(address) ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK;
  LogSocket socket;
  socket.fd = UniqueFd{::socket(target.storage.ss_family, type, 0)};
  if (!socket.fd) throw dial_error(address, "socket: " + errno_text(errno));
  socket.is_connected = ::connect(socket.fd.get(), target.generic(), target.size) == 0;
  if (!socket.is_connected && errno != EINPROGRESS) throw dial_error(address, "connect: " + errno_text(errno));
  return socket;
}

UniqueFd connect_to(const LogAddress& address, std::chrono::milliseconds patience) {
  auto socket = begin_connection(address);
  if (socket.is_connected) return std::move(socket.fd);
  pollfd waited{.fd = socket.fd.get(), .events = POLLOUT, .revents = 0};
  int count = 0;
  do {
    count = ::poll(&waited, 1, static_cast<int>(patience.count()));
  } while (count < 0 && errno == EINTR);
  if (count == 0) throw dial_error(address, "i/o timeout");
  if (const int error = take_error(socket.fd); error != 0) throw dial_error(address, "connect: " + errno_text(error));
  return std::move(socket.fd);
}

int take_error(FdRef socket) noexcept {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) < 0) return errno;
  return error;
}

}  // namespace berth::shim

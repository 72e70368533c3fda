// Addresses of sockets.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>

#include "base/fd.hpp"
#include "base/ip.hpp"

namespace berth {

/// As connect(2) and bind(2) take it.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  [[nodiscard]] const sockaddr* generic() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

/// `scope`: the index of the link that a link-local address of IPv6 is on.
SocketAddress make_socket_address(const IpAddress& address, std::uint16_t port, std::uint32_t scope = 0);

/// The port that a socket of IPv4 or IPv6 is bound to; nothing, and errno, if it is no such socket.
std::optional<std::uint16_t> find_bound_port(FdRef socket);

}  // namespace berth

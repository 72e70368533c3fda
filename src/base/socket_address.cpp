#include "base/socket_address.hpp"

#include <netinet/in.h>

#include <cerrno>
#include <cstring>

namespace berth {

SocketAddress make_socket_address(const IpAddress& address, std::uint16_t port, std::uint32_t scope) {
  SocketAddress made;
  if (address.is_v6()) {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(made.storage);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    v6.sin6_scope_id = scope;
    std::memcpy(&v6.sin6_addr, address.bytes().data(), sizeof v6.sin6_addr);
    made.size = sizeof v6;
  } else {
    auto& v4 = reinterpret_cast<sockaddr_in&>(made.storage);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&v4.sin_addr, address.bytes().data(), sizeof v4.sin_addr);
    made.size = sizeof v4;
  }
  return made;
}

std::optional<std::uint16_t> find_bound_port(FdRef socket) {
  SocketAddress name;
  name.size = sizeof name.storage;
  if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&name.storage), &name.size) < 0) return std::nullopt;
  switch (name.storage.ss_family) {
    case AF_INET: return ntohs(reinterpret_cast<const sockaddr_in&>(name.storage).sin_port);
    case AF_INET6: return ntohs(reinterpret_cast<const sockaddr_in6&>(name.storage).sin6_port);
    default: errno = EAFNOSUPPORT; return std::nullopt;
  }
}

}  // namespace berth

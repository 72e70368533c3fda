#include "base/socket_address.hpp"

#include <netinet/in.h>

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

}  // namespace berth

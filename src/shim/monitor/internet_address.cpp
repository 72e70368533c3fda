#include "shim/monitor/internet_address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

namespace berth::shim {

std::optional<SocketAddress> find_internet_address(const std::string& address, std::uint16_t port) {
  SocketAddress made;
  auto& v4 = reinterpret_cast<sockaddr_in&>(made.storage);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(made.storage);
  if (::inet_pton(AF_INET, address.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    made.size = sizeof v4;
  } else if (::inet_pton(AF_INET6, address.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    made.size = sizeof v6;
  } else {
    return std::nullopt;
  }
  return made;
}

}  // namespace berth::shim

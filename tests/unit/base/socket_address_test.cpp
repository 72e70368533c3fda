#include "base/socket_address.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>

namespace berth {
namespace {

TEST(SocketAddress, OfIpv4HasTheBytesInNetworkOrder) {
  const auto address = make_socket_address(parse_ip("192.0.2.1"), 80);
  const auto& v4 = reinterpret_cast<const sockaddr_in&>(address.storage);
  EXPECT_EQ(address.size, sizeof v4);
  EXPECT_EQ(v4.sin_family, AF_INET);
  EXPECT_EQ(v4.sin_addr.s_addr, htonl(0xc0000201));
  EXPECT_EQ(v4.sin_port, htons(80));
}

TEST(SocketAddress, OfIpv6HasItsScope) {
  const auto address = make_socket_address(parse_ip("::1"), 443, 7);
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address.storage);
  EXPECT_EQ(address.size, sizeof v6);
  EXPECT_EQ(v6.sin6_family, AF_INET6);
  EXPECT_EQ(v6.sin6_addr.s6_addr[15], 1);
  EXPECT_EQ(v6.sin6_port, htons(443));
  EXPECT_EQ(v6.sin6_scope_id, 7U);
}

TEST(SocketAddress, PortOfABoundSocketIsFound) {
  for (const auto* loopback : {"127.0.0.1", "::1"}) {
    const auto address = make_socket_address(parse_ip(loopback), 0);
    const UniqueFd socket{::socket(address.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    EXPECT_EQ(find_bound_port(socket), 0) << "not bound yet";
    if (!socket || ::bind(socket.get(), address.generic(), address.size) < 0) GTEST_SKIP() << "no " << loopback;
    EXPECT_GT(find_bound_port(socket), 0);
  }
  EXPECT_EQ(find_bound_port(UniqueFd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)}), std::nullopt);
}

}  // namespace
}  // namespace berth

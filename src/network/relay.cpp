#include "network/relay.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "base/error.hpp"
#include "base/socket_address.hpp"

namespace berth::network {

Relay make_relay(std::vector<Publication>& publications) {
  Relay relay;
  const bool for_all = std::ranges::any_of(publications, &Publication::needs_relay);
  if (!for_all && std::ranges::none_of(publications, &Publication::needs_loopback_relay)) return relay;
  relay.listener = UniqueFd{::socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  const int on = 1;
  const auto address = make_socket_address(for_all ? IpAddress::any(true) : parse_ip("::1"), 0);
  const int socket = relay.listener.get();
  const bool listens = relay.listener && ::setsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0 &&
                       ::bind(socket, address.generic(), address.size) == 0 && ::listen(socket, SOMAXCONN) == 0;
  if (!listens && !for_all && errno == EADDRNOTAVAIL) return {};  // a host without ::1
  const auto port = listens ? find_bound_port(relay.listener) : std::nullopt;
  if (!port) throw Error::from_errno(errno, "listen for IPv6 connections to published ports");
  for (auto& publication : publications) {
    if (!publication.needs_relay() && !publication.needs_loopback_relay()) continue;
    publication.relay = *port;
    relay.publications.push_back(publication);
  }
  return relay;
}

}  // namespace berth::network

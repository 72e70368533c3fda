#include "network/relay.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "base/error.hpp"

namespace berth::network {

Relay make_relay(std::vector<Publication>& publications) {
  Relay relay;
  const bool for_all = std::ranges::any_of(publications, &Publication::needs_relay);
  if (!for_all && std::ranges::none_of(publications, &Publication::needs_loopback_relay)) return relay;
  relay.listener = UniqueFd{::socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  const int on = 1;
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = for_all ? in6addr_any : in6addr_loopback;
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  const int socket = relay.listener.get();
  const bool listens = relay.listener && ::setsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0 &&
                       ::bind(socket, generic, size) == 0 && ::listen(socket, SOMAXCONN) == 0 &&
                       ::getsockname(socket, generic, &size) == 0;
  if (!listens && !for_all && errno == EADDRNOTAVAIL) return {};  // a host without ::1
  if (!listens) throw Error::from_errno(errno, "listen for IPv6 connections to published ports");
  for (auto& publication : publications) {
    if (!publication.needs_relay() && !publication.needs_loopback_relay()) continue;
    publication.relay = ntohs(address.sin6_port);
    relay.publications.push_back(publication);
  }
  return relay;
}

}  // namespace berth::network

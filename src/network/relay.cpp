#include "network/relay.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <utility>

#include "base/error.hpp"
#include "base/socket_address.hpp"

namespace berth::network {
namespace {

bool set(FdRef socket, int level, int option) {
  const int on = 1;
  return ::setsockopt(socket.get(), level, option, &on, sizeof on) == 0;
}

bool is_relayed_connection(const Publication& publication) {
  return publication.protocol == Protocol::tcp && (publication.needs_relay() || publication.needs_loopback_relay());
}

void add_listener(Relay& relay, std::vector<Publication>& publications) {
  if (std::ranges::none_of(publications, is_relayed_connection)) return;
  const bool for_all = std::ranges::any_of(publications, [](const Publication& publication) {
    return is_relayed_connection(publication) && publication.needs_relay();
  });
  UniqueFd listener{::socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  const auto address = make_socket_address(for_all ? IpAddress::any(true) : parse_ip("::1"), 0);
  const bool listens = listener && set(listener, IPPROTO_IPV6, IPV6_V6ONLY) &&
                       ::bind(listener.get(), address.generic(), address.size) == 0 &&
                       ::listen(listener.get(), SOMAXCONN) == 0;
  if (!listens && !for_all && errno == EADDRNOTAVAIL) return;  // a host without ::1
  const auto port = listens ? find_bound_port(listener) : std::nullopt;
  if (!port) throw Error::from_errno(errno, "listen for IPv6 connections to published ports");
  for (auto& publication : publications) {
    if (!is_relayed_connection(publication)) continue;
    publication.relay = *port;
    relay.publications.push_back(publication);
  }
  relay.listener = std::move(listener);
}

bool is_relayed_datagrams(const Publication& publication) {
  return publication.protocol == Protocol::udp && (publication.needs_relay() || publication.needs_loopback_relay());
}

void add_datagram_ports(Relay& relay, const Publication& publication) {
  const auto& at = publication.needs_relay() ? publication.host_address : parse_ip("::1");
  for (unsigned index = 0; index < publication.count; ++index) {
    const auto host_port = static_cast<std::uint16_t>(publication.host_first + index);
    UniqueFd socket{::socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    const auto address = make_socket_address(at, host_port);
    // A container that moves to another network gets new sockets before the old ones go. SO_REUSEADDR would do as well,
    // and let any user of the host take the port over.
    const bool bound = socket && set(socket, IPPROTO_IPV6, IPV6_V6ONLY) && set(socket, SOL_SOCKET, SO_REUSEPORT) &&
                       set(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO) &&
                       ::bind(socket.get(), address.generic(), address.size) == 0;
    if (!bound && !publication.needs_relay()) continue;  // no ::1, or somebody has it: all other addresses do
    if (!bound) throw Error::from_errno(errno, "listen for datagrams at [{}]:{}", to_string(at), host_port);
    relay.datagrams.push_back(
        {std::move(socket), publication.container, static_cast<std::uint16_t>(publication.container_first + index)});
  }
}

}  // namespace

Relay make_relay(std::vector<Publication>& publications) {
  Relay relay;
  add_listener(relay, publications);
  std::size_t datagram_ports = 0;
  for (const auto& publication : publications) {
    if (is_relayed_datagrams(publication)) datagram_ports += publication.count;
  }
  if (datagram_ports > max_relayed_datagram_ports) return relay;
  for (const auto& publication : publications) {
    if (is_relayed_datagrams(publication)) add_datagram_ports(relay, publication);
  }
  return relay;
}

bool are_relayed(std::span<const Publication> publications, std::span<const UniqueFd> sockets) {
  std::set<std::uint16_t> served;
  for (const auto& socket : sockets) served.insert(find_bound_port(socket).value_or(0));
  return std::ranges::all_of(publications, [&](const Publication& publication) {
    if (publication.relay != 0) return served.contains(publication.relay);
    if (publication.protocol != Protocol::udp || !publication.needs_relay()) return true;
    for (unsigned index = 0; index < publication.count; ++index) {
      if (!served.contains(static_cast<std::uint16_t>(publication.host_first + index))) return false;
    }
    return true;
  });
}

}  // namespace berth::network

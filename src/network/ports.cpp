#include "network/ports.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/socket_address.hpp"
#include "base/strings.hpp"
#include "base/undo.hpp"

namespace berth::network {
namespace {

/// From so many ports on, one looks at a list of sockets before one tries.
constexpr unsigned least_list = 16;
constexpr std::array<std::uint16_t, 2> usual_ephemeral_ports = {32768, 60999};

std::string host_and_port(const IpAddress& address, unsigned port) {
  return fmt::format(fmt::runtime(address.is_v6() ? "[{}]:{}" : "{}:{}"), to_string(address), port);
}

/// The errno with which a process of the host keeps us from this port; 0 if nobody does.
int try_listen(Protocol protocol, const IpAddress& address, std::uint16_t port) {
  const int number = protocol == Protocol::tcp ? IPPROTO_TCP : protocol == Protocol::udp ? IPPROTO_UDP : IPPROTO_SCTP;
  const int type = protocol == Protocol::udp ? SOCK_DGRAM : SOCK_STREAM;
  const UniqueFd socket{::socket(address.family(), type | SOCK_CLOEXEC, number)};
  // A kernel without SCTP or IPv6 has nobody who listens there.
  if (!socket) return errno == EPROTONOSUPPORT || errno == ESOCKTNOSUPPORT || errno == EAFNOSUPPORT ? 0 : errno;
  const int on = 1;
  if (address.is_v6()) ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  // Connections that a process closed a minute ago keep nobody away; one that listens shows itself when we listen.
  if (protocol == Protocol::tcp) ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const auto to = make_socket_address(address, port);
  if (::bind(socket.get(), to.generic(), to.size) < 0) return errno;
  // One: for SCTP, none would mean to stop listening.
  return type == SOCK_STREAM && ::listen(socket.get(), 1) < 0 ? errno : 0;
}

bool host_has_ipv6() {
  const UniqueFd socket{::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (!socket) return false;
  const auto loopback = make_socket_address(parse_ip("::1"), 0);
  return ::bind(socket.get(), loopback.generic(), loopback.size) == 0;
}

}  // namespace

/// Requests that are to get the same ports, on several addresses.
struct PortTable::Group {
  PortRequest request;  ///< its address is not looked at
  const PortTarget& target;
  std::vector<IpAddress> addresses;

  [[nodiscard]] bool routed(const IpAddress& address) const {
    return address.is_v6() ? target.routed_v6 : target.routed_v4;
  }
  [[nodiscard]] IpAddress container(const IpAddress& address) const {
    return address.is_v6() && target.v6 ? *target.v6 : *target.v4;
  }
  [[nodiscard]] std::uint16_t count() const {
    return static_cast<std::uint16_t>(request.container_last - request.container_first + 1);
  }
  /// Host ports are given, one for each of the container's.
  [[nodiscard]] bool is_exact() const {
    return request.host_first != 0 &&
           request.host_last - request.host_first == request.container_last - request.container_first;
  }
  [[nodiscard]] Publication publication(const IpAddress& address, std::uint16_t host_first, std::uint16_t ports) const {
    return {.protocol = request.protocol,
            .host_address = routed(address) ? IpAddress::any(address.is_v6()) : address,
            .host_first = routed(address) ? std::uint16_t{0} : host_first,
            .container = container(address),
            .container_first = request.container_first,
            .count = ports};
  }
  /// As Docker shows a binding in errors: "0.0.0.0:80:172.17.0.2:80/tcp".
  [[nodiscard]] std::string to_string(const IpAddress& address, std::uint16_t host, std::uint16_t inside) const {
    return fmt::format("{}:{}/{}", host_and_port(address, host), host_and_port(container(address), inside),
                       network::to_string(request.protocol));
  }
};

namespace {

/// The addresses that a request binds to, as far as they can lead to the container.
std::vector<IpAddress> addresses_of(const PortRequest& request, const PortTarget& target) {
  std::vector<IpAddress> wanted;
  const auto given = request.host_address ? request.host_address : target.default_address;
  const bool relayed = (target.relay_v6 && request.protocol == Protocol::tcp) ||
                       (target.relay_datagrams_v6 && request.protocol == Protocol::udp);
  const bool v6 = target.v6 || (target.v4 && relayed);
  const bool implicit = !request.host_address && (!given || *given == IpAddress::any(false));
  if (implicit) {
    wanted.push_back(IpAddress::any(false));
    if (v6 && host_has_ipv6()) wanted.push_back(IpAddress::any(true));
  } else {
    wanted.push_back(*given);
  }
  std::erase_if(wanted, [&](const IpAddress& address) { return !(address.is_v6() ? v6 : target.v4.has_value()); });
  return wanted;
}

auto sort_key(const PortRequest& request) {
  // What is exact goes first: a range must not take it.
  const bool exact = request.host_first != 0 &&
                     request.host_last - request.host_first == request.container_last - request.container_first;
  return std::tuple{!exact,           request.container_first, request.container_last,
                    request.protocol, request.host_first,      request.host_last};
}

}  // namespace

std::size_t count_relayed_datagram_ports(std::span<const PortRequest> requests, const PortTarget& target) {
  std::size_t count = 0;
  if (target.v6) return count;
  for (const auto& request : requests) {
    if (request.protocol != Protocol::udp) continue;
    const auto addresses = addresses_of(request, target);
    if (std::ranges::any_of(addresses, &IpAddress::is_v6))
      count += 1U + request.container_last - request.container_first;
  }
  return count;
}

bool PortTable::Taken::is_free(Protocol protocol, const IpAddress& address, std::uint16_t port) const {
  const auto has = [&](const auto& entry) { return entry.first.first == protocol && entry.second.test(port); };
  if (!address.is_any()) {
    for (const auto& other : {address, IpAddress::any(address.is_v6())}) {
      const auto found = ports.find({protocol, other});
      if (found != ports.end() && found->second.test(port)) return false;
    }
    return true;
  }
  return std::ranges::none_of(
      ports, [&](const auto& entry) { return entry.first.second.is_v6() == address.is_v6() && has(entry); });
}

void PortTable::Taken::set(const Publication& publication, bool now_taken) {
  if (publication.host_first == 0) return;
  const std::pair key{publication.protocol, publication.host_address};
  auto& bits = ports[key];
  for (unsigned i = 0; i < publication.count; ++i) bits.set(publication.host_first + i, now_taken);
  if (bits.none()) ports.erase(key);
}

Publication PortTable::take_exact(Taken& taken, const Group& group, const IpAddress& address) {
  const auto& request = group.request;
  auto publication = group.publication(address, request.host_first, group.count());
  if (publication.host_first == 0) return publication;
  // Thousands of attempts to listen take a while: the kernel's list says at once which of them are worth it.
  const auto in_use = publication.count < least_list ? std::nullopt : find_listening_ports(request.protocol);
  for (unsigned i = 0; i < publication.count; ++i) {
    const auto port = static_cast<std::uint16_t>(request.host_first + i);
    if (!taken.is_free(request.protocol, address, port)) {
      throw Error{Kind::internal, "Bind for {} failed: port is already allocated", host_and_port(address, port)};
    }
    const bool first = i == 0;  // shows whether the address is one of ours
    if (in_use && !first && !in_use->test(port)) continue;
    if (const auto error = try_listen(request.protocol, address, port)) {
      const auto inside = static_cast<std::uint16_t>(request.container_first + i);
      throw Error::from_errno(error, "failed to bind host port for {}", group.to_string(address, port, inside));
    }
  }
  taken.set(publication, true);
  return publication;
}

/// A port that is free on all addresses of the group: the next one after the last that was found so.
std::uint16_t PortTable::find_port(Taken& taken, const Group& group) {
  const auto& request = group.request;
  const auto range = request.host_first == 0 ? ephemeral_ports() : std::array{request.host_first, request.host_last};
  const auto [first, last] = range;
  auto& previous = taken.last.try_emplace(range, last).first->second;
  std::optional<Error> failure;
  for (unsigned tried = 0; tried <= static_cast<unsigned>(last - first); ++tried) {
    previous = previous >= last || previous < first ? first : static_cast<std::uint16_t>(previous + 1);
    const auto port = previous;
    const auto usable = [&](const IpAddress& address) {
      if (group.routed(address)) return true;
      if (!taken.is_free(request.protocol, address, port)) return false;
      const auto error = try_listen(request.protocol, address, port);
      if (error == 0) return true;
      failure = Error::from_errno(error, "failed to bind host port {} for {}", port,
                                  group.to_string(address, port, request.container_first));
      // Another port of an address that is not here would not do either.
      if (error == EADDRNOTAVAIL || error == EACCES) throw *failure;
      return false;
    };
    if (std::ranges::all_of(group.addresses, usable)) return port;
  }
  if (failure) throw *failure;
  throw Error{Kind::internal, "all ports are allocated"};
}

std::vector<Publication> PortTable::reserve(Taken& taken, const Group& group) {
  std::vector<Publication> reserved;
  Undo undo;
  undo.add([&] {
    for (const auto& publication : reserved) taken.set(publication, false);
  });
  if (group.is_exact()) {
    for (const auto& address : group.addresses) reserved.push_back(take_exact(taken, group, address));
  } else {
    auto one = group;
    for (unsigned port = group.request.container_first; port <= group.request.container_last; ++port) {
      one.request.container_first = one.request.container_last = static_cast<std::uint16_t>(port);
      const auto host_port = find_port(taken, one);
      for (const auto& address : group.addresses) {
        reserved.push_back(one.publication(address, host_port, 1));
        taken.set(reserved.back(), true);
      }
    }
  }
  undo.dismiss();
  return reserved;
}

std::vector<Publication> PortTable::reserve(std::span<const PortRequest> requests, const PortTarget& target) {
  std::vector<PortRequest> sorted{requests.begin(), requests.end()};
  std::ranges::stable_sort(sorted, {}, sort_key);
  std::vector<Group> groups;
  for (const auto& request : sorted) {
    const auto addresses = addresses_of(request, target);
    if (addresses.empty()) continue;
    if (groups.empty() || sort_key(groups.back().request) != sort_key(request)) {
      groups.push_back({request, target, addresses});
      continue;
    }
    for (const auto& address : addresses) groups.back().addresses.push_back(address);
  }

  return taken_.with([&](Taken& taken) {
    std::vector<Publication> all;
    Undo undo;
    undo.add([&] {
      for (const auto& publication : all) taken.set(publication, false);
    });
    for (const auto& group : groups) {
      const auto reserved = reserve(taken, group);
      all.insert(all.end(), reserved.begin(), reserved.end());
    }
    undo.dismiss();
    return all;
  });
}

void PortTable::release(std::span<const Publication> publications) {
  taken_.with([&](Taken& taken) {
    for (const auto& publication : publications) taken.set(publication, false);
  });
}

void PortTable::adopt(std::span<const Publication> publications) {
  taken_.with([&](Taken& taken) {
    for (const auto& publication : publications) taken.set(publication, true);
  });
}

std::array<std::uint16_t, 2> ephemeral_ports() {
  const auto text = find_file("/proc/sys/net/ipv4/ip_local_port_range").value_or("");
  const auto parts = split_once(trim(text), '\t');
  if (!parts) return usual_ephemeral_ports;
  const auto first = parse_number<std::uint16_t>(trim(parts->first));
  const auto last = parse_number<std::uint16_t>(trim(parts->second));
  return first && last && *first <= *last ? std::array{*first, *last} : usual_ephemeral_ports;
}

}  // namespace berth::network

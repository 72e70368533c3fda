#include "network/sandbox_dns.hpp"

#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>

#include <cerrno>
#include <exception>
#include <future>
#include <thread>
#include <utility>

#include "base/error.hpp"
#include "base/socket_address.hpp"
#include "dns/resolv_conf.hpp"
#include "linux/namespaces.hpp"
#include "nftables/nftables.hpp"

namespace berth::network {
namespace {

constexpr std::uint16_t dns_port = 53;
constexpr int receive_buffer = 1 << 20;  // bytes; some thousand queries that come at once
constexpr int backlog = 128;             // connections

struct Bound {
  UniqueFd socket;
  std::uint16_t port = 0;
};

/// `port` 0: one of the kernel's choice. Empty if another socket has it.
Bound try_bind(int type, const IpAddress& address, std::uint16_t port) {
  UniqueFd socket{::socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!socket) throw Error::from_errno(errno, "open a socket for the resolver");
  // Connections of the daemon before this one may linger.
  const int on = 1;
  if (type == SOCK_STREAM) ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (type == SOCK_DGRAM)
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer, sizeof receive_buffer);
  const auto name = make_socket_address(address, port);
  if (::bind(socket.get(), name.generic(), name.size) < 0 ||
      (type == SOCK_STREAM && ::listen(socket.get(), backlog) < 0)) {
    if (errno == EADDRINUSE && port != 0) return {};
    throw Error::from_errno(errno, "bind the resolver to {}", to_string(address));
  }
  const auto bound_to = find_bound_port(socket);
  if (!bound_to) throw Error::from_errno(errno, "look up the resolver's port");
  return {.socket = std::move(socket), .port = *bound_to};
}

Bound bind_near(int type, const IpAddress& address, std::uint16_t wanted) {
  auto bound = try_bind(type, address, wanted);
  return bound.socket ? std::move(bound) : try_bind(type, address, 0);
}

const nftables::Table& rules_table() {
  static const nftables::Table table{nftables::Family::ip, "berth"};
  return table;
}

nftables::Transaction redirect(const IpAddress& resolver, ResolverPorts ports) {
  using namespace nftables;
  const auto& table = rules_table();
  constexpr std::string_view chain = "output";
  Transaction change;
  change.add_table(table).add_chain(
      table, {.name = std::string{chain}, .base = BaseChain{Type::filter, Hook::output, priority_raw, Policy::accept}});
  for (const auto& [number, to] : {std::pair<std::uint8_t, std::uint16_t>{IPPROTO_UDP, ports.udp},
                                   std::pair<std::uint8_t, std::uint16_t>{IPPROTO_TCP, ports.tcp}}) {
    const auto transport = is(l4proto, protocol(number));
    change.add_rule(table, chain,
                    {"to the resolver",
                     {is(ip_daddr, address(resolver)), transport, is(th_dport, port(dns_port)), notrack(),
                      set_port(th_dport, to, number)}});
    change.add_rule(table, chain,
                    {"from the resolver",
                     {is(ip_saddr, address(resolver)), transport, is(th_sport, port(to)), notrack(),
                      set_port(th_sport, dns_port, number)}});
  }
  return change;
}

void make_rules(nftables::Socket& socket, const IpAddress& resolver, ResolverPorts ports, ResolverPorts before) {
  // One that is there without ports known before is of a daemon that ended on its way. Removed only if it is wrong:
  // removal is slow.
  if (socket.has_table(rules_table())) {
    if (ports == before) return;
    socket.apply(nftables::Transaction{}.remove_table(rules_table()));
  }
  socket.apply(redirect(resolver, ports));
}

/// In the sandbox.
void open_here(ResolverPorts wanted, std::promise<ResolverSockets>& promise) {
  const auto address = parse_ip(dns::resolver_address);
  auto udp = bind_near(SOCK_DGRAM, address, wanted.udp);
  auto tcp = bind_near(SOCK_STREAM, address, wanted.tcp);
  const ResolverPorts ports{.udp = udp.port, .tcp = tcp.port};
  nftables::Socket rules;
  make_rules(rules, address, ports, wanted);
  // Before `rules` is closed: the kernel then waits for what anybody has removed anywhere, which takes milliseconds.
  promise.set_value({.sockets = {.udp = std::move(udp.socket), .tcp = std::move(tcp.socket)}, .ports = ports});
}

}  // namespace

ResolverSockets open_resolver_sockets(FdRef netns, ResolverPorts wanted) {
  std::promise<ResolverSockets> promise;
  auto opened = promise.get_future();
  // The thread ends with the namespace that it is in, a little after the return.
  std::thread{[netns, wanted, promise = std::move(promise)]() mutable {
    try {
      kernel::enter_namespace(netns, CLONE_NEWNET, "to open its resolver");
      open_here(wanted, promise);
    } catch (...) {
      promise.set_exception(std::current_exception());
    }
  }}.detach();
  return opened.get();
}

std::vector<UniqueFd> copies_of(const ResolverSockets& resolver) {
  std::vector<UniqueFd> copies;
  copies.push_back(duplicate(resolver.sockets.udp));
  copies.push_back(duplicate(resolver.sockets.tcp));
  return copies;
}

std::optional<ResolverSockets> find_resolver_sockets(std::vector<UniqueFd> kept, ResolverPorts wanted) {
  if (kept.size() != 2 || find_bound_port(kept[0]) != wanted.udp || find_bound_port(kept[1]) != wanted.tcp)
    return std::nullopt;
  return ResolverSockets{.sockets = {.udp = std::move(kept[0]), .tcp = std::move(kept[1])}, .ports = wanted};
}

}  // namespace berth::network

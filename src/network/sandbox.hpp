// The network namespace of a container, changed from outside.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "netlink/netlink.hpp"
#include "network/relay.hpp"
#include "network/sandbox_dns.hpp"

namespace berth::network {

/// A veth pair whose inner end waits in a sandbox, up and without addresses, and whose other end is a port of a bridge
/// or can become one.
struct ReadyLink {
  std::string host_name;
  std::string name;  ///< in the sandbox
  std::uint32_t host_index = 0;
  std::uint32_t bridge = 0;  ///< index; 0: it is on none
  std::uint32_t index = 0;   ///< in the sandbox
  std::uint32_t mtu = 0;
  UniqueFd ipv6;  ///< its file disable_ipv6 of /proc/sys
};

void enable_ipv6(const ReadyLink& link);

/// A network namespace and a socket to change it. The namespace lives as long as this or a process in it.
class Sandbox {
 public:
  /// A new one with its loopback interface up. Links that are added have no IPv6 (`set_ipv6_of_new_links`).
  static Sandbox make();
  /// A new one with a veth pair: the end here is a port of `bridge`, if that is not 0, and is called `host_name`.
  static Sandbox make(netlink::Socket& host, const std::string& host_name, std::uint32_t bridge, std::uint32_t mtu,
                      std::string_view alias);
  /// That of a process. Throws `not_found` if the process is gone.
  static Sandbox of(pid_t process);

  [[nodiscard]] FdRef netns() const noexcept { return netns_; }
  [[nodiscard]] netlink::Socket& socket() noexcept { return socket_; }

  std::optional<ReadyLink> ready_link;            ///< until an endpoint takes it
  std::optional<ResolverSockets> ready_resolver;  ///< until a join takes it
  std::optional<Relay> relay;  ///< after a join, connect or disconnect that changed it: for whoever serves it
  /// After a join, connect or resume that opened them: the sockets of its resolver, for whoever keeps them while no
  /// daemon runs.
  std::vector<UniqueFd> resolver_sockets;

  /// Whether links that are added from now on may have IPv6: one without it must not believe what others on its network
  /// say of IPv6 routers (CVE-2020-13401).
  void set_ipv6_of_new_links(bool on);
  /// Writes files of /proc/sys/net in the namespace, on a thread of its own: {"ipv6/conf/eth0/disable_ipv6", "0"}.
  void write_sysctls(const std::map<std::string, std::string>& values) const;

 private:
  Sandbox(UniqueFd netns, netlink::Socket socket, UniqueFd ipv6)
      : netns_(std::move(netns)), socket_(std::move(socket)), ipv6_of_new_links_(std::move(ipv6)) {}

  UniqueFd netns_;
  netlink::Socket socket_;
  UniqueFd ipv6_of_new_links_;  ///< conf/default/disable_ipv6; empty in a kernel without IPv6
  bool has_ipv6_of_new_links_ = false;
};

}  // namespace berth::network

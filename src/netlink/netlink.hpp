// netlink: links, addresses and routes of a network namespace, by messages to the kernel.
//
// A Request collects messages; Socket::apply sends them in one system call and reads all answers. The kernel works
// through them in order and goes on after a failure, so the first one that failed is thrown, and the caller undoes what
// it knows it made. A socket belongs to the network namespace that it was opened in, for as long as it lives: nobody
// has to enter a namespace to change what is in it.
//
//   Request request;
//   request.add_veth({.name = "veth1f", .master = bridge, .up = true}, {.name = "eth0"}, netns);
//   host.apply(request);
//   const auto eth0 = inside.find_link("eth0")->index;
//   inside.apply(Request{}.change_link(eth0, {.up = true}).add_address(eth0, parse_cidr("172.17.0.2/16")));
//
// Uses: base, linux, libmnl.   Used by: network.   Threads: any; one per Socket.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hpp"
#include "base/ip.hpp"

struct nlmsghdr;

namespace berth::netlink {

/// What a link is to be. What is empty is left to the kernel, or as it is.
struct LinkSettings {
  std::string name;
  std::uint32_t index = 0;   ///< the number that it gets in its namespace
  std::uint32_t master = 0;  ///< index of the bridge that it becomes a port of
  std::uint32_t mtu = 0;     ///< bytes
  std::optional<MacAddress> mac;
  std::optional<bool> up;
};

enum class MacvlanMode : std::uint32_t { private_ = 1, vepa = 2, bridge = 4, passthru = 8 };
enum class IpvlanMode : std::uint16_t { l2 = 0, l3 = 1, l3s = 2 };
enum class IpvlanFlag : std::uint16_t { bridge = 0, private_ = 1, vepa = 2 };

/// A link as the kernel lists it.
struct Link {
  std::uint32_t index = 0;
  std::string name;
  std::string kind;  ///< "bridge", "veth", ...; empty for hardware
  std::string alias;
  std::uint32_t master = 0;
  std::uint32_t mtu = 0;
  std::optional<MacAddress> mac;
  bool up = false;
};

struct LinkAddress {
  std::uint32_t link = 0;
  Cidr address;
};

struct Route {
  Cidr destination;  ///< length 0: the default
  std::optional<IpAddress> gateway;
  std::uint32_t link = 0;
  std::uint32_t table = 0;  ///< as listed; one is added to the main table, or to the local one
  std::uint32_t metric = 0;
  bool local = false;  ///< the destination is this host itself
};

/// Messages for one `apply`.
class Request {
 public:
  Request& add_bridge(const LinkSettings& link, bool vlan_filtering = false);
  Request& add_dummy(const LinkSettings& link);
  /// `peer` is born in the namespace that is open as `netns`, and down, with an index of the kernel's choice: it
  /// can be set up only there, when both exist.
  Request& add_veth(const LinkSettings& link, const LinkSettings& peer, FdRef netns);
  /// These lie on the link `parent` of the socket's namespace; the first two are born in `netns`.
  Request& add_macvlan(const LinkSettings& link, std::uint32_t parent, MacvlanMode mode, FdRef netns);
  Request& add_ipvlan(const LinkSettings& link, std::uint32_t parent, IpvlanMode mode, IpvlanFlag flag, FdRef netns);
  Request& add_vlan(const LinkSettings& link, std::uint32_t parent, std::uint16_t number);
  /// Changes the link with this index; `settings.index` is not looked at.
  Request& change_link(std::uint32_t index, const LinkSettings& settings);
  /// Takes a port out of its bridge.
  Request& release_link(std::uint32_t index);
  Request& set_alias(std::uint32_t index, std::string_view alias);
  Request& set_alias(std::string_view name, std::string_view alias);
  /// Frames go back out of the port that they came in by: a container reaches itself by a published port.
  Request& set_hairpin(std::uint32_t index, bool on);
  /// Isolated ports of a bridge do not reach each other, only those that are not.
  Request& set_isolated(std::uint32_t index, bool on);
  /// Without this a link gets an IPv6 address of its own (fe80::...) when it is set up.
  Request& omit_link_local_address(std::string_view name);
  /// Tells a bridge behind which port a station is, before it has sent anything.
  Request& set_station(std::uint32_t port, const MacAddress& mac);
  /// Nobody needs to ask for the MAC address of this neighbour any more.
  Request& add_neighbour(std::uint32_t link, const IpAddress& address, const MacAddress& mac);
  Request& remove_link(std::uint32_t index);
  Request& remove_link(std::string_view name);

  /// IPv6 addresses are usable at once: without duplicate address detection.
  Request& add_address(std::uint32_t link, const Cidr& address);
  Request& remove_address(std::uint32_t link, const Cidr& address);
  Request& add_route(const Route& route);
  Request& add_default_route(const IpAddress& gateway);
  Request& remove_route(const Route& route);

  [[nodiscard]] bool empty() const noexcept { return steps_.empty(); }

 private:
  friend class Socket;
  struct Step {
    std::size_t offset;  ///< of its message
    std::string what;    ///< for an error
  };

  /// Appends a message; `fill` adds its attributes.
  template <class Body, class Fill>
  Request& add(std::uint16_t type, std::uint16_t flags, const Body& body, std::string what, Fill&& fill);
  template <class Fill>
  Request& add_link(const LinkSettings& link, std::string_view kind, FdRef netns, std::uint32_t parent, Fill&& fill);
  Request& set_port_flag(std::uint32_t index, std::uint16_t flag, bool on, std::string_view name);

  std::vector<std::uint8_t> bytes_;
  std::vector<Step> steps_;
};

class Socket {
 public:
  /// Of the calling thread's network namespace.
  Socket();
  /// One that was opened elsewhere, in the namespace that it is for.
  explicit Socket(UniqueFd socket) : socket_(std::move(socket)) {}
  /// Of the namespace that is open as `netns`; a thread of its own enters it.
  static Socket in(FdRef netns);

  /// Throws the first failure as an Error with its errno and the step's words.
  void apply(const Request& request);

  std::optional<Link> find_link(std::string_view name);
  /// Throws `not_found`.
  Link get_link(std::string_view name);
  std::vector<Link> links();
  std::vector<LinkAddress> addresses();
  /// Of the main table, both families.
  std::vector<Route> routes();

  [[nodiscard]] FdRef fd() const noexcept { return socket_; }

 private:
  template <class Take>
  void dump(std::uint16_t type, int family, Take&& take);

  UniqueFd socket_;
  std::uint32_t sequence_ = 0;
};

}  // namespace berth::netlink

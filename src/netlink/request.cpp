#include <fmt/format.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>

#include <array>
#include <cstring>

#include "base/error.hpp"
#include "base/strings.hpp"
#include "netlink/netlink.hpp"
#include "netlink/wire.hpp"

namespace berth::netlink {
namespace {

constexpr std::size_t max_message = 4096;

void put_bytes(nlmsghdr* message, std::uint16_t type, std::span<const std::uint8_t> bytes) {
  ::mnl_attr_put(message, type, bytes.size(), bytes.data());
}

ifinfomsg link_body(const LinkSettings& link) {
  ifinfomsg body{};
  body.ifi_family = AF_UNSPEC;
  body.ifi_index = static_cast<int>(link.index);
  if (link.up) {
    body.ifi_change = IFF_UP;
    body.ifi_flags = *link.up ? static_cast<unsigned>(IFF_UP) : 0;
  }
  return body;
}

void put_link(nlmsghdr* message, const LinkSettings& link) {
  if (!link.name.empty()) ::mnl_attr_put_strz(message, IFLA_IFNAME, link.name.c_str());
  if (link.master != 0) ::mnl_attr_put_u32(message, IFLA_MASTER, link.master);
  if (link.mtu != 0) ::mnl_attr_put_u32(message, IFLA_MTU, link.mtu);
  if (link.mac) put_bytes(message, IFLA_ADDRESS, link.mac->bytes);
}

ifaddrmsg address_body(std::uint32_t link, const Cidr& cidr) {
  ifaddrmsg body{};
  body.ifa_family = static_cast<std::uint8_t>(cidr.address.family());
  body.ifa_prefixlen = static_cast<std::uint8_t>(cidr.length);
  body.ifa_scope = cidr.address.is_loopback() ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE;
  body.ifa_index = link;
  return body;
}

void put_address(nlmsghdr* message, const Cidr& cidr) {
  put_bytes(message, IFA_LOCAL, cidr.address.bytes());
  put_bytes(message, IFA_ADDRESS, cidr.address.bytes());
  if (cidr.address.is_v6()) {
    ::mnl_attr_put_u32(message, IFA_FLAGS, IFA_F_NODAD);
  } else if (cidr.length < 31) {
    put_bytes(message, IFA_BROADCAST, cidr.last().bytes());
  }
}

rtmsg route_body(const Route& route) {
  rtmsg body{};
  body.rtm_family = static_cast<std::uint8_t>(route.destination.address.family());
  body.rtm_dst_len = static_cast<std::uint8_t>(route.destination.length);
  body.rtm_table = RT_TABLE_MAIN;
  body.rtm_protocol = RTPROT_STATIC;
  body.rtm_scope = route.gateway ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
  body.rtm_type = RTN_UNICAST;
  if (route.local) {
    body.rtm_table = RT_TABLE_LOCAL;
    body.rtm_scope = RT_SCOPE_HOST;
    body.rtm_type = RTN_LOCAL;
  }
  return body;
}

void put_route(nlmsghdr* message, const Route& route) {
  if (route.destination.length > 0) put_bytes(message, RTA_DST, route.destination.first().bytes());
  if (route.gateway) put_bytes(message, RTA_GATEWAY, route.gateway->bytes());
  if (route.link != 0) ::mnl_attr_put_u32(message, RTA_OIF, route.link);
  if (route.metric != 0) ::mnl_attr_put_u32(message, RTA_PRIORITY, route.metric);
}

constexpr std::uint16_t creates = NLM_F_CREATE | NLM_F_EXCL;

}  // namespace

template <class Body, class Fill>
Request& Request::add(std::uint16_t type, std::uint16_t flags, const Body& body, std::string what, Fill&& fill) {
  alignas(nlmsghdr) std::array<std::uint8_t, max_message> buffer;
  auto* message = ::mnl_nlmsg_put_header(buffer.data());
  message->nlmsg_type = type;
  message->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
  std::memcpy(::mnl_nlmsg_put_extra_header(message, sizeof body), &body, sizeof body);
  fill(message);
  steps_.push_back({bytes_.size(), std::move(what)});
  bytes_.insert(bytes_.end(), buffer.begin(), buffer.begin() + message->nlmsg_len);
  bytes_.resize(NLMSG_ALIGN(bytes_.size()));
  return *this;
}

template <class Fill>
Request& Request::add_link(const LinkSettings& link, std::string_view kind, FdRef netns, std::uint32_t parent,
                           Fill&& fill) {
  return add(RTM_NEWLINK, creates, link_body(link), fmt::format("add {} {}", kind, link.name), [&](nlmsghdr* message) {
    put_link(message, link);
    if (parent != 0) ::mnl_attr_put_u32(message, IFLA_LINK, parent);
    if (netns) ::mnl_attr_put_u32(message, IFLA_NET_NS_FD, static_cast<std::uint32_t>(netns.get()));
    const Nest info{message, IFLA_LINKINFO};
    ::mnl_attr_put_strz(message, IFLA_INFO_KIND, std::string{kind}.c_str());
    const Nest data{message, IFLA_INFO_DATA};
    fill(message);
  });
}

Request& Request::add_bridge(const LinkSettings& link, bool vlan_filtering) {
  return add_link(link, "bridge", FdRef{-1}, 0, [&](nlmsghdr* message) {
    if (vlan_filtering) ::mnl_attr_put_u8(message, IFLA_BR_VLAN_FILTERING, 1);
  });
}

Request& Request::add_dummy(const LinkSettings& link) {
  return add_link(link, "dummy", FdRef{-1}, 0, [](nlmsghdr*) {});
}

Request& Request::add_veth(const LinkSettings& link, const LinkSettings& peer, FdRef netns) {
  return add_link(link, "veth", FdRef{-1}, 0, [&](nlmsghdr* message) {
    const Nest info{message, VETH_INFO_PEER};
    const auto body = link_body(peer);
    std::memcpy(::mnl_nlmsg_get_payload_tail(message), &body, sizeof body);
    message->nlmsg_len += NLMSG_ALIGN(sizeof body);
    put_link(message, peer);
    if (netns) ::mnl_attr_put_u32(message, IFLA_NET_NS_FD, static_cast<std::uint32_t>(netns.get()));
  });
}

Request& Request::add_macvlan(const LinkSettings& link, std::uint32_t parent, MacvlanMode mode, FdRef netns) {
  return add_link(link, "macvlan", netns, parent, [&](nlmsghdr* message) {
    ::mnl_attr_put_u32(message, IFLA_MACVLAN_MODE, static_cast<std::uint32_t>(mode));
  });
}

Request& Request::add_ipvlan(const LinkSettings& link, std::uint32_t parent, IpvlanMode mode, IpvlanFlag flag,
                             FdRef netns) {
  return add_link(link, "ipvlan", netns, parent, [&](nlmsghdr* message) {
    ::mnl_attr_put_u16(message, IFLA_IPVLAN_MODE, static_cast<std::uint16_t>(mode));
    ::mnl_attr_put_u16(message, IFLA_IPVLAN_FLAGS, static_cast<std::uint16_t>(flag));
  });
}

Request& Request::add_vlan(const LinkSettings& link, std::uint32_t parent, std::uint16_t number) {
  return add_link(link, "vlan", FdRef{-1}, parent,
                  [&](nlmsghdr* message) { ::mnl_attr_put_u16(message, IFLA_VLAN_ID, number); });
}

Request& Request::change_link(std::uint32_t index, const LinkSettings& settings) {
  auto body = link_body(settings);
  body.ifi_index = static_cast<int>(index);
  return add(RTM_NEWLINK, 0, body, fmt::format("change link {} {}", index, settings.name),
             [&](nlmsghdr* message) { put_link(message, settings); });
}

Request& Request::release_link(std::uint32_t index) {
  return add(RTM_NEWLINK, 0, link_body({.index = index}), fmt::format("take link {} out of its bridge", index),
             [](nlmsghdr* message) { ::mnl_attr_put_u32(message, IFLA_MASTER, 0); });
}

Request& Request::set_alias(std::uint32_t index, std::string_view alias) {
  return add(RTM_NEWLINK, 0, link_body({.index = index}), fmt::format("describe link {}", index),
             [&](nlmsghdr* message) { ::mnl_attr_put(message, IFLA_IFALIAS, alias.size(), alias.data()); });
}

Request& Request::set_alias(std::string_view name, std::string_view alias) {
  return add(RTM_NEWLINK, 0, link_body({}), fmt::format("describe link {}", name), [&](nlmsghdr* message) {
    put_link(message, {.name = std::string{name}});
    ::mnl_attr_put(message, IFLA_IFALIAS, alias.size(), alias.data());
  });
}

Request& Request::set_port_flag(std::uint32_t index, std::uint16_t flag, bool on, std::string_view name) {
  auto body = link_body({.index = index});
  body.ifi_family = AF_BRIDGE;
  return add(RTM_SETLINK, 0, body, fmt::format("set {} of link {}", name, index), [&](nlmsghdr* message) {
    const Nest port{message, IFLA_PROTINFO | NLA_F_NESTED};
    ::mnl_attr_put_u8(message, flag, on ? 1 : 0);
  });
}

Request& Request::set_hairpin(std::uint32_t index, bool on) {
  return set_port_flag(index, IFLA_BRPORT_MODE, on, "hairpin mode");
}

Request& Request::set_isolated(std::uint32_t index, bool on) {
  return set_port_flag(index, IFLA_BRPORT_ISOLATED, on, "isolation");
}

Request& Request::omit_link_local_address(std::string_view name) {
  return add(RTM_NEWLINK, 0, link_body({}), fmt::format("keep link {} without an address", name),
             [&](nlmsghdr* message) {
               put_link(message, {.name = std::string{name}});
               const Nest families{message, IFLA_AF_SPEC};
               const Nest v6{message, AF_INET6};
               ::mnl_attr_put_u8(message, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
             });
}

Request& Request::set_station(std::uint32_t port, const MacAddress& mac) {
  ndmsg body{};
  body.ndm_family = AF_BRIDGE;
  body.ndm_ifindex = static_cast<int>(port);
  // NOARP: also while the port does not forward yet. It moves on as soon as the station is heard elsewhere.
  body.ndm_state = NUD_NOARP;
  body.ndm_flags = NTF_MASTER;
  return add(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, body,
             fmt::format("say that {} is behind link {}", to_string(mac), port),
             [&](nlmsghdr* message) { put_bytes(message, NDA_LLADDR, mac.bytes); });
}

Request& Request::add_neighbour(std::uint32_t link, const IpAddress& address, const MacAddress& mac) {
  ndmsg body{};
  body.ndm_family = static_cast<std::uint8_t>(address.family());
  body.ndm_ifindex = static_cast<int>(link);
  body.ndm_state = NUD_PERMANENT;
  return add(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, body,
             fmt::format("add neighbour {} of link {}", to_string(address), link), [&](nlmsghdr* message) {
               put_bytes(message, NDA_DST, address.bytes());
               put_bytes(message, NDA_LLADDR, mac.bytes);
             });
}

Request& Request::remove_link(std::uint32_t index) {
  return add(RTM_DELLINK, 0, link_body({.index = index}), fmt::format("remove link {}", index), [](nlmsghdr*) {});
}

Request& Request::remove_link(std::string_view name) {
  return add(RTM_DELLINK, 0, link_body({}), fmt::format("remove link {}", name),
             [&](nlmsghdr* message) { ::mnl_attr_put_strz(message, IFLA_IFNAME, std::string{name}.c_str()); });
}

Request& Request::add_address(std::uint32_t link, const Cidr& address) {
  return add(RTM_NEWADDR, creates, address_body(link, address), fmt::format("add address {}", to_string(address)),
             [&](nlmsghdr* message) { put_address(message, address); });
}

Request& Request::remove_address(std::uint32_t link, const Cidr& address) {
  return add(RTM_DELADDR, 0, address_body(link, address), fmt::format("remove address {}", to_string(address)),
             [&](nlmsghdr* message) { put_bytes(message, IFA_LOCAL, address.address.bytes()); });
}

Request& Request::add_route(const Route& route) {
  // Several links may have a route to what is local; elsewhere the second one would never be used.
  const std::uint16_t flags = route.local ? NLM_F_CREATE | NLM_F_APPEND : creates;
  return add(RTM_NEWROUTE, flags, route_body(route), fmt::format("add route to {}", to_string(route.destination)),
             [&](nlmsghdr* message) { put_route(message, route); });
}

Request& Request::add_default_route(const IpAddress& gateway) {
  return add_route({.destination = {IpAddress::any(gateway.is_v6()), 0}, .gateway = gateway});
}

Request& Request::remove_route(const Route& route) {
  return add(RTM_DELROUTE, 0, route_body(route), fmt::format("remove route to {}", to_string(route.destination)),
             [&](nlmsghdr* message) { put_route(message, route); });
}

}  // namespace berth::netlink

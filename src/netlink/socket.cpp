#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/error.hpp"
#include "linux/own_thread.hpp"
#include "netlink/netlink.hpp"
#include "netlink/wire.hpp"

namespace berth::netlink {
namespace {

/// The kernel puts no more than this into one answer of a dump.
constexpr std::size_t max_answer = 64 << 10;

std::span<const std::uint8_t> bytes_of(const nlattr* attribute) {
  return {static_cast<const std::uint8_t*>(::mnl_attr_get_payload(attribute)), ::mnl_attr_get_payload_len(attribute)};
}

std::optional<IpAddress> address_of(const nlattr* attribute) {
  const auto bytes = bytes_of(attribute);
  return bytes.size() == 4 || bytes.size() == 16 ? std::optional{IpAddress{bytes}} : std::nullopt;
}

std::string kind_of(const nlattr* link_info) {
  std::string kind;
  each_attribute(::mnl_attr_get_payload(link_info), ::mnl_attr_get_payload_len(link_info),
                 [&](auto type, const nlattr* attribute) {
                   if (type == IFLA_INFO_KIND) kind = ::mnl_attr_get_str(attribute);
                 });
  return kind;
}

Link parse_link(const nlmsghdr* message) {
  Link link;
  const auto* body = static_cast<const ifinfomsg*>(::mnl_nlmsg_get_payload(message));
  link.index = static_cast<std::uint32_t>(body->ifi_index);
  link.up = (body->ifi_flags & IFF_UP) != 0;
  each_attribute<ifinfomsg>(message, [&](auto type, const nlattr* attribute) {
    if (type == IFLA_IFNAME) link.name = ::mnl_attr_get_str(attribute);
    if (type == IFLA_IFALIAS) link.alias = ::mnl_attr_get_str(attribute);
    if (type == IFLA_MASTER) link.master = ::mnl_attr_get_u32(attribute);
    if (type == IFLA_MTU) link.mtu = ::mnl_attr_get_u32(attribute);
    if (type == IFLA_LINKINFO) link.kind = kind_of(attribute);
    if (type == IFLA_ADDRESS && ::mnl_attr_get_payload_len(attribute) == 6) {
      std::memcpy(link.mac.emplace().bytes.data(), ::mnl_attr_get_payload(attribute), 6);
    }
  });
  return link;
}

std::optional<LinkAddress> parse_address(const nlmsghdr* message) {
  const auto* body = static_cast<const ifaddrmsg*>(::mnl_nlmsg_get_payload(message));
  std::optional<IpAddress> address;
  each_attribute<ifaddrmsg>(message, [&](auto type, const nlattr* attribute) {
    if (type == IFA_LOCAL || (type == IFA_ADDRESS && !address)) address = address_of(attribute);
  });
  if (!address) return std::nullopt;
  return LinkAddress{body->ifa_index, {*address, body->ifa_prefixlen}};
}

std::optional<Route> parse_route(const nlmsghdr* message) {
  const auto* body = static_cast<const rtmsg*>(::mnl_nlmsg_get_payload(message));
  if (body->rtm_family != AF_INET && body->rtm_family != AF_INET6) return std::nullopt;
  Route route{.destination = {IpAddress::any(body->rtm_family == AF_INET6), body->rtm_dst_len},
              .table = body->rtm_table};
  each_attribute<rtmsg>(message, [&](auto type, const nlattr* attribute) {
    if (type == RTA_DST) route.destination.address = address_of(attribute).value_or(route.destination.address);
    if (type == RTA_GATEWAY) route.gateway = address_of(attribute);
    if (type == RTA_OIF) route.link = ::mnl_attr_get_u32(attribute);
    if (type == RTA_TABLE) route.table = ::mnl_attr_get_u32(attribute);
    if (type == RTA_PRIORITY) route.metric = ::mnl_attr_get_u32(attribute);
  });
  return route;
}

}  // namespace

Socket::Socket() : socket_(open_socket(NETLINK_ROUTE)) {}

Socket Socket::in(FdRef netns) {
  UniqueFd socket;
  kernel::in_network_namespace(netns, "to change its network", [&] { socket = open_socket(NETLINK_ROUTE); });
  return Socket{std::move(socket)};
}

void Socket::apply(const Request& request) {
  if (request.empty()) return;
  auto bytes = request.bytes_;
  const auto first = sequence_ + 1;
  for (const auto& step : request.steps_) {
    // Each answer says by this number what it is to.
    reinterpret_cast<nlmsghdr*>(bytes.data() + step.offset)->nlmsg_seq = ++sequence_;
  }
  if (::send(socket_.get(), bytes.data(), bytes.size(), 0) < 0) throw Error::from_errno(errno, "send netlink messages");

  std::optional<Error> failure;
  std::array<char, 8192> buffer;
  for (std::size_t answered = 0; answered < request.steps_.size();) {
    int length = static_cast<int>(receive(socket_, buffer));
    for (auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data()); ::mnl_nlmsg_ok(message, length);
         message = ::mnl_nlmsg_next(message, &length)) {
      if (message->nlmsg_type != NLMSG_ERROR || message->nlmsg_seq - first >= request.steps_.size()) continue;
      ++answered;
      const auto* answer = static_cast<const nlmsgerr*>(::mnl_nlmsg_get_payload(message));
      if (answer->error == 0 || failure) continue;
      const auto& what = request.steps_[message->nlmsg_seq - first].what;
      const auto text = extended_text(message);
      failure = Error::from_errno(-answer->error, "{}{}{}", what, text.empty() ? "" : ": ", text);
    }
  }
  if (failure) throw *failure;
}

template <class Take>
void Socket::dump(std::uint16_t type, int family, Take&& take) {
  alignas(nlmsghdr) std::array<char, 64> question{};
  auto* header = ::mnl_nlmsg_put_header(question.data());
  header->nlmsg_type = type;
  header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  header->nlmsg_seq = ++sequence_;
  static_cast<rtgenmsg*>(::mnl_nlmsg_put_extra_header(header, sizeof(ifinfomsg)))->rtgen_family =
      static_cast<unsigned char>(family);
  if (::send(socket_.get(), header, header->nlmsg_len, 0) < 0) throw Error::from_errno(errno, "ask for a dump");
  std::vector<char> buffer(max_answer);
  for (;;) {
    int length = static_cast<int>(receive(socket_, buffer));
    for (auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data()); ::mnl_nlmsg_ok(message, length);
         message = ::mnl_nlmsg_next(message, &length)) {
      if (message->nlmsg_seq != sequence_) continue;
      if (message->nlmsg_type == NLMSG_DONE) return;
      if (message->nlmsg_type == NLMSG_ERROR) {
        throw Error::from_errno(-static_cast<const nlmsgerr*>(::mnl_nlmsg_get_payload(message))->error, "dump");
      }
      take(message);
    }
  }
}

std::vector<Link> Socket::links() {
  std::vector<Link> links;
  dump(RTM_GETLINK, AF_UNSPEC, [&](const nlmsghdr* message) { links.push_back(parse_link(message)); });
  return links;
}

std::optional<Link> Socket::find_link(std::string_view name) {
  if (name.empty() || name.size() >= IFNAMSIZ) return std::nullopt;
  alignas(nlmsghdr) std::array<char, 128> question{};
  auto* header = ::mnl_nlmsg_put_header(question.data());
  header->nlmsg_type = RTM_GETLINK;
  header->nlmsg_flags = NLM_F_REQUEST;
  header->nlmsg_seq = ++sequence_;
  ::mnl_nlmsg_put_extra_header(header, sizeof(ifinfomsg));
  ::mnl_attr_put_strz(header, IFLA_IFNAME, std::string{name}.c_str());
  if (::send(socket_.get(), header, header->nlmsg_len, 0) < 0) throw Error::from_errno(errno, "ask for a link");
  std::vector<char> buffer(16 << 10);
  for (;;) {
    int length = static_cast<int>(receive(socket_, buffer));
    for (auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data()); ::mnl_nlmsg_ok(message, length);
         message = ::mnl_nlmsg_next(message, &length)) {
      if (message->nlmsg_seq != sequence_) continue;
      if (message->nlmsg_type == RTM_NEWLINK) return parse_link(message);
      if (message->nlmsg_type != NLMSG_ERROR) continue;
      const auto error = -static_cast<const nlmsgerr*>(::mnl_nlmsg_get_payload(message))->error;
      if (error == ENODEV) return std::nullopt;
      throw Error::from_errno(error, "find link {}", name);
    }
  }
}

Link Socket::get_link(std::string_view name) {
  if (auto link = find_link(name)) return std::move(*link);
  throw Error{Kind::not_found, "there is no link {}", quote(name)};
}

std::vector<LinkAddress> Socket::addresses() {
  std::vector<LinkAddress> addresses;
  dump(RTM_GETADDR, AF_UNSPEC, [&](const nlmsghdr* message) {
    if (auto address = parse_address(message)) addresses.push_back(*address);
  });
  return addresses;
}

std::vector<Route> Socket::routes() {
  std::vector<Route> routes;
  for (const int family : {AF_INET, AF_INET6}) {
    dump(RTM_GETROUTE, family, [&](const nlmsghdr* message) {
      if (auto route = parse_route(message); route && route->table == RT_TABLE_MAIN) routes.push_back(*route);
    });
  }
  return routes;
}

}  // namespace berth::netlink

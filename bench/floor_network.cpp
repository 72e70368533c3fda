#include "floor_network.hpp"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace floor_network {
namespace {

[[noreturn]] void fail(const char* what, int error) {
  std::fprintf(stderr, "floor: %s: %s\n", what, std::strerror(error));
  _exit(125);
}

/// Messages that are sent in one call, as an engine would that counts system calls.
class Batch {
 public:
  template <class Body>
  nlmsghdr* add(unsigned type, unsigned flags, const Body& body) {
    finish();
    message_ = ::mnl_nlmsg_put_header(bytes_.data() + size_);
    message_->nlmsg_type = static_cast<std::uint16_t>(type);
    message_->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
    std::memcpy(::mnl_nlmsg_put_extra_header(message_, sizeof body), &body, sizeof body);
    ++count_;
    return message_;
  }

  /// The first error number; 0 if all was done.
  int send(int socket) {
    finish();
    if (::send(socket, bytes_.data(), size_, 0) < 0) fail("send", errno);
    int failure = 0;
    for (std::array<char, 8192> buffer; count_ > 0;) {
      int length = static_cast<int>(::recv(socket, buffer.data(), buffer.size(), 0));
      if (length < 0) fail("recv", errno);
      for (auto* answer = reinterpret_cast<const nlmsghdr*>(buffer.data()); ::mnl_nlmsg_ok(answer, length);
           answer = ::mnl_nlmsg_next(answer, &length), --count_) {
        const auto error = static_cast<const nlmsgerr*>(::mnl_nlmsg_get_payload(answer))->error;
        if (failure == 0) failure = -error;
      }
    }
    return failure;
  }

 private:
  void finish() {
    if (message_ != nullptr) size_ += NLMSG_ALIGN(message_->nlmsg_len);
    message_ = nullptr;
  }

  alignas(nlmsghdr) std::array<char, 4096> bytes_{};
  std::size_t size_ = 0;
  nlmsghdr* message_ = nullptr;
  int count_ = 0;
};

int open_socket() {
  const int socket = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (socket < 0) fail("netlink socket", errno);
  const int on = 1;
  ::setsockopt(socket, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
  return socket;
}

ifinfomsg link_body(unsigned index, bool up) {
  ifinfomsg body{};
  body.ifi_family = AF_UNSPEC;
  body.ifi_index = static_cast<int>(index);
  if (up) body.ifi_flags = body.ifi_change = IFF_UP;
  return body;
}

void add_address(Batch& batch, unsigned link, const char* text) {
  ifaddrmsg body{};
  body.ifa_family = AF_INET;
  body.ifa_prefixlen = 16;
  body.ifa_index = link;
  auto* message = batch.add(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, body);
  ::mnl_attr_put_u32(message, IFA_LOCAL, ::inet_addr(text));
  ::mnl_attr_put_u32(message, IFA_ADDRESS, ::inet_addr(text));
}

void add_default_route(Batch& batch, const char* gateway) {
  rtmsg body{};
  body.rtm_family = AF_INET;
  body.rtm_table = RT_TABLE_MAIN;
  body.rtm_protocol = RTPROT_STATIC;
  body.rtm_scope = RT_SCOPE_UNIVERSE;
  body.rtm_type = RTN_UNICAST;
  ::mnl_attr_put_u32(batch.add(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, body), RTA_GATEWAY, ::inet_addr(gateway));
}

// One socket of the host for all containers.
int host_socket = -1;
unsigned bridge = 0;

}  // namespace

void make_bridge() {
  host_socket = open_socket();
  bridge = ::if_nametoindex("floor0");
  if (bridge != 0) return;
  Batch link;
  auto* message = link.add(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, link_body(0, true));
  ::mnl_attr_put_strz(message, IFLA_IFNAME, "floor0");
  auto* kind = ::mnl_attr_nest_start(message, IFLA_LINKINFO);
  ::mnl_attr_put_strz(message, IFLA_INFO_KIND, "bridge");
  ::mnl_attr_nest_end(message, kind);
  if (const int error = link.send(host_socket)) fail("add bridge floor0", error);
  bridge = ::if_nametoindex("floor0");
  Batch address;
  add_address(address, bridge, "172.31.0.1");
  if (const int error = address.send(host_socket)) fail("add address of floor0", error);
}

void connect(pid_t process) {
  Batch batch;
  auto* message = batch.add(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, link_body(0, true));
  ::mnl_attr_put_u32(message, IFLA_MASTER, bridge);
  auto* kind = ::mnl_attr_nest_start(message, IFLA_LINKINFO);
  ::mnl_attr_put_strz(message, IFLA_INFO_KIND, "veth");
  auto* data = ::mnl_attr_nest_start(message, IFLA_INFO_DATA);
  auto* peer = ::mnl_attr_nest_start(message, VETH_INFO_PEER);
  const auto body = link_body(0, false);
  std::memcpy(::mnl_nlmsg_get_payload_tail(message), &body, sizeof body);
  message->nlmsg_len += NLMSG_ALIGN(sizeof body);
  ::mnl_attr_put_strz(message, IFLA_IFNAME, "eth0");
  ::mnl_attr_put_u32(message, IFLA_NET_NS_PID, static_cast<std::uint32_t>(process));
  for (auto* nest : {peer, data, kind}) ::mnl_attr_nest_end(message, nest);
  if (const int error = batch.send(host_socket)) fail("add veth pair", error);
}

void configure() {
  const int socket = open_socket();
  const unsigned link = ::if_nametoindex("eth0");
  if (link == 0) fail("find eth0", errno);
  Batch batch;
  batch.add(RTM_NEWLINK, 0, link_body(1, true));  // lo is always the first
  batch.add(RTM_NEWLINK, 0, link_body(link, true));
  add_address(batch, link, "172.31.0.2");
  add_default_route(batch, "172.31.0.1");
  if (const int error = batch.send(socket)) fail("configure eth0", error);
  ::close(socket);
}

}  // namespace floor_network

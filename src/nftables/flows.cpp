#include "nftables/flows.hpp"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <span>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/log.hpp"
#include "netlink/wire.hpp"

namespace berth::nftables {
namespace {

// Which parts of a tuple a filter looks at: the kernel's own numbers, which stand in none of its headers for others
// (net/netfilter/nf_internals.h, CTA_FILTER_F_...).
constexpr std::uint32_t by_destination = 1U << 1U;
constexpr std::uint32_t by_protocol = 1U << 3U;
constexpr std::uint32_t by_destination_port = 1U << 5U;

void put_tuple(nlmsghdr* message, const UdpFlows& flows) {
  const netlink::Nest tuple{message, CTA_TUPLE_ORIG};
  if (!flows.address.is_any()) {
    const netlink::Nest ip{message, CTA_TUPLE_IP};
    const auto bytes = flows.address.bytes();
    ::mnl_attr_put(message, flows.address.is_v6() ? CTA_IP_V6_DST : CTA_IP_V4_DST, bytes.size(), bytes.data());
  }
  const netlink::Nest protocol{message, CTA_TUPLE_PROTO};
  ::mnl_attr_put_u8(message, CTA_PROTO_NUM, IPPROTO_UDP);
  ::mnl_attr_put_u16(message, CTA_PROTO_DST_PORT, htons(flows.port));
}

void put_filter(nlmsghdr* message, const UdpFlows& flows) {
  const netlink::Nest filter{message, CTA_FILTER};
  ::mnl_attr_put_u32(message, CTA_FILTER_ORIG_FLAGS,
                     by_protocol | by_destination_port | (flows.address.is_any() ? 0 : by_destination));
  ::mnl_attr_put_u32(message, CTA_FILTER_REPLY_FLAGS, 0);
}

nlmsghdr* put_header(std::span<char> buffer, std::uint16_t type, std::uint16_t flags, std::uint8_t family) {
  auto* message = ::mnl_nlmsg_put_header(buffer.data());
  message->nlmsg_type = static_cast<std::uint16_t>((NFNL_SUBSYS_CTNETLINK << 8U) | type);
  message->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  auto* body = static_cast<nfgenmsg*>(::mnl_nlmsg_put_extra_header(message, sizeof(nfgenmsg)));
  body->nfgen_family = family;
  body->version = NFNETLINK_V0;
  return message;
}

/// Sends it; the kernel's answer: 0 or a number of errno.
int ask(FdRef socket, const nlmsghdr* message) {
  if (::send(socket.get(), message, message->nlmsg_len, 0) < 0) return errno;
  std::array<char, 4096> answer;
  for (;;) {
    const auto count = netlink::receive(socket, answer);
    const auto* reply = reinterpret_cast<const nlmsghdr*>(answer.data());
    if (::mnl_nlmsg_ok(reply, static_cast<int>(count)) && reply->nlmsg_type == NLMSG_ERROR) {
      return -static_cast<const nlmsgerr*>(::mnl_nlmsg_get_payload(reply))->error;
    }
  }
}

int forget_matching(FdRef socket, const UdpFlows& flows) {
  alignas(nlmsghdr) std::array<char, 512> buffer{};
  auto* message =
      put_header(buffer, IPCTNL_MSG_CT_DELETE, NLM_F_ACK, static_cast<std::uint8_t>(flows.address.family()));
  put_tuple(message, flows);
  put_filter(message, flows);
  return ask(socket, message);
}

/// What an attribute holds, to go on with its own attributes.
template <class Take>
void each_inside(const nlattr* nest, Take&& take) {
  netlink::each_attribute(::mnl_attr_get_payload(nest), ::mnl_attr_get_payload_len(nest), take);
}

/// True if the first packet of a flow went where these do.
bool is_one_of(const UdpFlows& flows, const nlattr* tuple) {
  bool udp = false;
  bool port = false;
  bool address = flows.address.is_any();
  each_inside(tuple, [&](auto outer, const nlattr* part) {
    each_inside(part, [&](auto type, const nlattr* value) {
      if (outer == CTA_TUPLE_PROTO && type == CTA_PROTO_NUM) udp = ::mnl_attr_get_u8(value) == IPPROTO_UDP;
      if (outer == CTA_TUPLE_PROTO && type == CTA_PROTO_DST_PORT) port = ntohs(::mnl_attr_get_u16(value)) == flows.port;
      if (outer == CTA_TUPLE_IP && (type == CTA_IP_V4_DST || type == CTA_IP_V6_DST)) {
        const auto bytes = flows.address.bytes();
        address = address || (::mnl_attr_get_payload_len(value) == bytes.size() &&
                              std::memcmp(::mnl_attr_get_payload(value), bytes.data(), bytes.size()) == 0);
      }
    });
  });
  return udp && port && address;
}

/// The tuples of all flows of a family that `wanted` names, as attributes.
std::vector<std::vector<char>> list_tuples(FdRef socket, int family, std::span<const UdpFlows> wanted) {
  alignas(nlmsghdr) std::array<char, 64> question{};
  const auto* message = put_header(question, IPCTNL_MSG_CT_GET, NLM_F_DUMP, static_cast<std::uint8_t>(family));
  if (::send(socket.get(), message, message->nlmsg_len, 0) < 0) throw Error::from_errno(errno, "list flows");
  std::vector<std::vector<char>> tuples;
  std::vector<char> buffer(32U << 10U);
  for (;;) {
    int length = static_cast<int>(netlink::receive(socket, buffer));
    for (const auto* entry = reinterpret_cast<const nlmsghdr*>(buffer.data()); ::mnl_nlmsg_ok(entry, length);
         entry = ::mnl_nlmsg_next(entry, &length)) {
      if (entry->nlmsg_type == NLMSG_DONE || entry->nlmsg_type == NLMSG_ERROR) return tuples;
      netlink::each_attribute<nfgenmsg>(entry, [&](auto type, const nlattr* attribute) {
        const auto matches = [&](const UdpFlows& flows) { return is_one_of(flows, attribute); };
        if (type != CTA_TUPLE_ORIG || std::ranges::none_of(wanted, matches)) return;
        const auto* begin = static_cast<const char*>(::mnl_attr_get_payload(attribute));
        tuples.emplace_back(begin, begin + ::mnl_attr_get_payload_len(attribute));
      });
    }
  }
}

}  // namespace

void forget(const std::vector<UdpFlows>& flows) {
  if (flows.empty()) return;
  const auto socket = netlink::open_socket(NETLINK_NETFILTER);
  for (const auto& each : flows) {
    const int error = forget_matching(socket, each);
    if (error != 0 && error != ENOENT) return forget_one_by_one(flows);
  }
}

void forget_one_by_one(const std::vector<UdpFlows>& flows) {
  const auto socket = netlink::open_socket(NETLINK_NETFILTER);
  for (const int family : {AF_INET, AF_INET6}) {
    std::vector<UdpFlows> wanted;
    std::ranges::copy_if(flows, std::back_inserter(wanted),
                         [&](const UdpFlows& each) { return each.address.family() == family; });
    if (wanted.empty()) continue;
    for (const auto& tuple : list_tuples(socket, family, wanted)) {
      alignas(nlmsghdr) std::array<char, 512> buffer{};
      auto* message = put_header(buffer, IPCTNL_MSG_CT_DELETE, NLM_F_ACK, static_cast<std::uint8_t>(family));
      ::mnl_attr_put(message, CTA_TUPLE_ORIG | NLA_F_NESTED, tuple.size(), tuple.data());
      const int error = ask(socket, message);
      if (error == 0 || error == ENOENT) continue;
      log::debug("a flow of UDP is remembered by the kernel",
                 {{"error", Error::from_errno(error, "forget it").message()}});
    }
  }
}

}  // namespace berth::nftables

#include "nftables/flows.hpp"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

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

/// The kernel's answer: 0 or a number of errno.
int ask(FdRef socket, const UdpFlows& flows) {
  alignas(nlmsghdr) std::array<char, 512> buffer{};
  auto* message = ::mnl_nlmsg_put_header(buffer.data());
  message->nlmsg_type = (NFNL_SUBSYS_CTNETLINK << 8U) | IPCTNL_MSG_CT_DELETE;
  message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  auto* body = static_cast<nfgenmsg*>(::mnl_nlmsg_put_extra_header(message, sizeof(nfgenmsg)));
  body->nfgen_family = static_cast<std::uint8_t>(flows.address.family());
  body->version = NFNETLINK_V0;
  put_tuple(message, flows);
  put_filter(message, flows);
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

}  // namespace

void forget(const std::vector<UdpFlows>& flows) {
  if (flows.empty()) return;
  const auto socket = netlink::open_socket(NETLINK_NETFILTER);
  for (const auto& each : flows) {
    const int error = ask(socket, each);
    if (error == 0 || error == ENOENT) continue;
    log::debug("flows to a port of UDP are remembered by the kernel",
               {{"port", each.port}, {"error", Error::from_errno(error, "forget").message()}});
    return;
  }
}

}  // namespace berth::nftables

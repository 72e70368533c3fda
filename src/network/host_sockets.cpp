#include "network/host_sockets.hpp"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/fd.hpp"

namespace berth::network {
namespace {

bool ask(FdRef socket, std::uint8_t protocol, std::uint8_t family) {
  alignas(nlmsghdr) std::array<char, 128> question{};
  auto* header = ::mnl_nlmsg_put_header(question.data());
  header->nlmsg_type = SOCK_DIAG_BY_FAMILY;
  header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  inet_diag_req_v2 request{};
  request.sdiag_family = family;
  request.sdiag_protocol = protocol;
  request.idiag_states = protocol == IPPROTO_TCP ? 1U << TCP_LISTEN : ~0U;
  std::memcpy(::mnl_nlmsg_put_extra_header(header, sizeof request), &request, sizeof request);
  return ::send(socket.get(), header, header->nlmsg_len, 0) >= 0;
}

/// False if the kernel refused.
bool take_answers(FdRef socket, PortSet& ports) {
  std::vector<char> buffer(32U << 10U);
  for (;;) {
    const auto count = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    int length = static_cast<int>(count);
    for (auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data()); ::mnl_nlmsg_ok(message, length);
         message = ::mnl_nlmsg_next(message, &length)) {
      if (message->nlmsg_type == NLMSG_DONE) return true;
      if (message->nlmsg_type != SOCK_DIAG_BY_FAMILY) return false;
      const auto* found = static_cast<const inet_diag_msg*>(::mnl_nlmsg_get_payload(message));
      ports.set(ntohs(found->id.idiag_sport));
    }
  }
}

}  // namespace

std::optional<PortSet> find_listening_ports(Protocol protocol) {
  if (protocol == Protocol::sctp) return std::nullopt;
  const UniqueFd socket{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG)};
  if (!socket) return std::nullopt;
  std::optional<PortSet> ports{std::in_place};
  for (const auto family : {AF_INET, AF_INET6}) {
    const std::uint8_t number = protocol == Protocol::tcp ? IPPROTO_TCP : IPPROTO_UDP;
    if (!ask(socket, number, static_cast<std::uint8_t>(family)) || !take_answers(socket, *ports)) return std::nullopt;
  }
  return ports;
}

}  // namespace berth::network

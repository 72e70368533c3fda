#include "netlink/wire.hpp"

#include <linux/netlink.h>
#include <sys/socket.h>

#include <cerrno>

#include "base/error.hpp"

namespace berth::netlink {

UniqueFd open_socket(int protocol) {
  UniqueFd socket{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol)};
  if (!socket) throw Error::from_errno(errno, "open netlink socket");
  const int on = 1;
  ::setsockopt(socket.get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
  ::setsockopt(socket.get(), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
  sockaddr_nl address{.nl_family = AF_NETLINK, .nl_pad = 0, .nl_pid = 0, .nl_groups = 0};
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
    throw Error::from_errno(errno, "bind netlink socket");
  }
  return socket;
}

std::size_t receive(FdRef socket, std::span<char> buffer) {
  for (;;) {
    const auto count = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR) throw Error::from_errno(errno, "receive netlink message");
  }
}

std::string extended_text(const nlmsghdr* message) {
  std::string text;
  if ((message->nlmsg_flags & NLM_F_ACK_TLVS) == 0) return text;
  each_attribute<nlmsgerr>(message, [&](auto type, const nlattr* attribute) {
    if (type == NLMSGERR_ATTR_MSG) text = ::mnl_attr_get_str(attribute);
  });
  return text;
}

}  // namespace berth::netlink

// Descriptors that travel with a message on a unix socket (SCM_RIGHTS, unix(7)).
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "base/fd.hpp"

namespace berth {

/// The most that one message carries here (the kernel's own bound is 253).
inline constexpr std::size_t max_passed_fds = 16;

/// The room beside a message in which descriptors travel; it must outlive the call of sendmsg or recvmsg.
class PassedFds {
 public:
  /// Sends copies of `fds` with the message; at most `max_passed_fds`, none is right too.
  void attach(msghdr& message, std::span<const FdRef> fds) noexcept;

  /// Lets recvmsg leave descriptors here. Give it MSG_CMSG_CLOEXEC.
  void receive_with(msghdr& message) noexcept;

  /// Takes ownership of what recvmsg left, in the order in which they were sent.
  static std::vector<UniqueFd> take(msghdr& message);

 private:
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * max_passed_fds)> control_{};
};

}  // namespace berth

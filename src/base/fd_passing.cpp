#include "base/fd_passing.hpp"

#include <cstring>

namespace berth {

void PassedFds::attach(msghdr& message, std::span<const FdRef> fds) noexcept {
  if (fds.empty()) return;
  message.msg_control = control_.data();
  message.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
  auto* rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
  for (std::size_t i = 0; i < fds.size(); ++i) {
    const int fd = fds[i].get();
    std::memcpy(CMSG_DATA(rights) + i * sizeof(int), &fd, sizeof fd);
  }
}

void PassedFds::receive_with(msghdr& message) noexcept {
  message.msg_control = control_.data();
  message.msg_controllen = control_.size();
}

std::vector<UniqueFd> PassedFds::take(msghdr& message) {
  std::vector<UniqueFd> fds;
  fds.reserve(max_passed_fds);
  for (auto* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const auto count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof fd);
      fds.emplace_back(fd);
    }
  }
  return fds;
}

}  // namespace berth

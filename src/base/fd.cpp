#include "base/fd.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/error.hpp"

namespace berth {

void UniqueFd::reset(int fd) noexcept {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

Pipe make_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) < 0) throw Error::from_errno(errno, "create pipe");
  return {UniqueFd{fds[0]}, UniqueFd{fds[1]}};
}

SocketPair make_socket_pair(int type) {
  int fds[2];
  if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds) < 0) throw Error::from_errno(errno, "create socket pair");
  return {UniqueFd{fds[0]}, UniqueFd{fds[1]}};
}

std::size_t read_some(FdRef fd, std::span<char> buffer) {
  for (;;) {
    const auto count = ::read(fd.get(), buffer.data(), buffer.size());
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno == EINTR) continue;
    throw Error::from_errno(errno, "read");
  }
}

void write_all(FdRef fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto count = ::write(fd.get(), bytes.data(), bytes.size());
    if (count >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno == EAGAIN) {
      pollfd wait{fd.get(), POLLOUT, 0};
      ::poll(&wait, 1, -1);
    } else if (errno != EINTR) {
      throw Error::from_errno(errno, "write");
    }
  }
}

std::string read_to_end(FdRef fd, std::size_t limit) {
  std::string content;
  std::size_t used = 0;
  for (;;) {
    // Grow geometrically, but never read more than one byte beyond the limit.
    const auto want = std::min(std::max<std::size_t>(4096, used), limit + 1 - used);
    content.resize(used + want);
    const auto count = read_some(fd, {content.data() + used, want});
    used += count;
    if (used > limit) throw Error{Kind::too_large, "more than {} bytes", limit};
    if (count == 0) break;
  }
  content.resize(used);
  return content;
}

void set_nonblocking(FdRef fd, bool on) {
  const int flags = ::fcntl(fd.get(), F_GETFL);
  const int wanted = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
  if (flags < 0 || ::fcntl(fd.get(), F_SETFL, wanted) < 0) throw Error::from_errno(errno, "set O_NONBLOCK");
}

void set_cloexec(FdRef fd, bool on) {
  if (::fcntl(fd.get(), F_SETFD, on ? FD_CLOEXEC : 0) < 0) throw Error::from_errno(errno, "set FD_CLOEXEC");
}

UniqueFd duplicate(FdRef fd) {
  UniqueFd copy{::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0)};
  if (!copy) throw Error::from_errno(errno, "duplicate descriptor");
  return copy;
}

UniqueFd make_eventfd() {
  UniqueFd fd{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (!fd) throw Error::from_errno(errno, "create eventfd");
  return fd;
}

bool peer_is_gone(FdRef socket) {
  pollfd wait{socket.get(), 0, 0};
  return ::poll(&wait, 1, 0) > 0 && (wait.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
}

}  // namespace berth

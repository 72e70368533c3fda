#include "shim/monitor/output.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>

namespace berth::shim {
namespace {

/// Of the pipe of a process that writes much: it and the monitor change places less often. The kernel takes memory only
/// for what is in it.
constexpr int large_pipe = 256 << 10;

}  // namespace

Output::Output(Loop& loop, UniqueFd fd, Stream stream, Sink sink)
    : loop_(loop),
      fd_(std::move(fd)),
      stream_(stream),
      sink_(std::move(sink)),
      watch_(loop, fd_, [this](std::uint32_t) { read_once(); }) {
  set_nonblocking(fd_, true);
  watch_.set(EPOLLIN);
}

void Output::set_paused(bool paused) {
  if (ended_) return;
  if (paused) {
    watch_.clear();
  } else {
    watch_.set(EPOLLIN);
  }
}

void Output::drain() {
  while (!ended_ && read_once()) continue;
}

/// False if there is nothing to read at present.
bool Output::read_once() {
  const auto buffer = loop_.scratch();
  const auto count = ::read(fd_.get(), buffer.data(), buffer.size());
  if (count > 0) {
    if (static_cast<std::size_t>(count) == buffer.size() && !std::exchange(is_large_, true)) {
      ::fcntl(fd_.get(), F_SETPIPE_SZ, large_pipe);  // a terminal, or a limit that is reached: it goes on as it is
    }
    sink_(stream_, {buffer.data(), static_cast<std::size_t>(count)});
    return true;
  }
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return errno == EINTR;
  abandon();  // the end; of a terminal it is EIO
  return false;
}

void Output::abandon() {
  if (ended_) return;
  ended_ = true;
  watch_.clear();
  sink_(stream_, {});
}

}  // namespace berth::shim

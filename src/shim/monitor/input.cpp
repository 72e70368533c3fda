#include "shim/monitor/input.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>

namespace berth::shim {

void Input::open(UniqueFd fd) {
  set_nonblocking(fd, true);
  fd_ = std::move(fd);
  watch_.emplace(loop_, fd_, [this](std::uint32_t) { flush(); });
  flush();
}

void Input::write(std::string_view bytes) {
  if (closed_ || ended_) return;
  pending_ += bytes;
  flush();
}

bool Input::client_ended() {
  if (!close_at_end_) return false;
  ended_ = true;
  flush();
  return true;
}

void Input::flush() {
  if (!fd_) return;
  while (!pending_.empty()) {
    const auto count = ::write(fd_.get(), pending_.data(), pending_.size());
    if (count >= 0) {
      pending_.erase(0, static_cast<std::size_t>(count));
    } else if (errno == EAGAIN) {
      watch_->set(EPOLLOUT);
      return;
    } else if (errno != EINTR) {
      // The container has closed its input (EPIPE) or hung up its terminal (EIO): nobody will read what follows.
      close();
      return;
    }
  }
  pending_ = {};
  watch_->clear();
  if (ended_) close();
}

void Input::close() noexcept {
  // The watch's own function may be running: it is disarmed here and destroyed with this object.
  if (watch_) watch_->clear();
  closed_ = true;
  pending_.clear();
  fd_.reset();
}

}  // namespace berth::shim

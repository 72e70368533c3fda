#include "shim/monitor/loop.hpp"

#include <sys/epoll.h>

#include <cerrno>

#include "base/error.hpp"

namespace berth::shim {

Loop::Loop() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {  // NOLINT(cppcoreguidelines-pro-type-member-init): scratch_
  if (!epoll_) throw Error::from_errno(errno, "create epoll");
}

bool Loop::run_once(std::optional<std::chrono::milliseconds> timeout) {
  epoll_event event{};
  const int count = ::epoll_wait(epoll_.get(), &event, 1, timeout ? static_cast<int>(timeout->count()) : -1);
  if (count < 0 && errno != EINTR) throw Error::from_errno(errno, "wait for events");
  if (count <= 0) return count < 0;
  static_cast<Watch*>(event.data.ptr)->ready_(event.events);
  return true;
}

Watch::Watch(Loop& loop, FdRef fd, Ready ready) : loop_(loop), fd_(fd), ready_(std::move(ready)) {}

Watch::~Watch() {
  clear();
}

void Watch::set(std::uint32_t events) {
  if (events_ == events) return;
  epoll_event event{};
  event.events = events;
  event.data.ptr = this;
  const int operation = events_ ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  if (::epoll_ctl(loop_.epoll_.get(), operation, fd_.get(), &event) < 0)
    throw Error::from_errno(errno, "watch descriptor");
  events_ = events;
}

void Watch::clear() noexcept {
  if (!events_) return;
  ::epoll_ctl(loop_.epoll_.get(), EPOLL_CTL_DEL, fd_.get(), nullptr);
  events_.reset();
}

}  // namespace berth::shim

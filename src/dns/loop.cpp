#include "dns/loop.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>

#include "base/error.hpp"

namespace berth::dns {

Loop::Loop() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_) throw Error::from_errno(errno, "create epoll");
}

void Loop::run_once() {
  constexpr std::chrono::milliseconds longest{60'000};
  if (timers_.empty()) {
    wait(-1);
  } else {
    const auto [when, timer] = *timers_.begin();
    if (const auto left = std::chrono::ceil<std::chrono::milliseconds>(when - Clock::now()); left.count() > 0) {
      wait(static_cast<int>(std::min(left, longest).count()));
    } else {
      timer->clear();
      timer->due_();
    }
  }
  buried_.clear();
}

void Loop::wait(int milliseconds) {
  // One at a time: an event in hand never belongs to a watch that the one before it has ended.
  epoll_event event{};
  const int count = ::epoll_wait(epoll_.get(), &event, 1, milliseconds);
  if (count < 0 && errno != EINTR) throw Error::from_errno(errno, "wait for events");
  if (count > 0) static_cast<Watch*>(event.data.ptr)->ready_(event.events);
}

Watch::Watch(Loop& loop, UniqueFd fd, std::uint32_t events, Ready ready)
    : loop_(loop), fd_(std::move(fd)), events_(events), ready_(std::move(ready)) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = this;
  if (::epoll_ctl(loop_.epoll_.get(), EPOLL_CTL_ADD, fd_.get(), &event) < 0)
    throw Error::from_errno(errno, "watch socket");
}

Watch::~Watch() {
  // Not left to the close: the socket stays open as long as another process has it, and the event would come.
  ::epoll_ctl(loop_.epoll_.get(), EPOLL_CTL_DEL, fd_.get(), nullptr);
}

void Watch::set(std::uint32_t events) {
  if (events_ == events) return;
  epoll_event event{};
  event.events = events;
  event.data.ptr = this;
  if (::epoll_ctl(loop_.epoll_.get(), EPOLL_CTL_MOD, fd_.get(), &event) < 0)
    throw Error::from_errno(errno, "watch socket");
  events_ = events;
}

void Timer::set(Loop::Clock::time_point when) {
  clear();
  loop_.timers_.emplace(when, this);
  when_ = when;
  is_set_ = true;
}

void Timer::clear() noexcept {
  if (is_set_) loop_.timers_.erase({when_, this});
  is_set_ = false;
}

}  // namespace berth::dns

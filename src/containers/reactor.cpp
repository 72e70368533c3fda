#include "containers/reactor.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/memory.hpp"

namespace berth::containers {
namespace {

/// So long without a job, and nobody is waiting for the processors that a quiet job takes.
constexpr std::chrono::milliseconds quiet_time{20};
/// So long after the last job the daemon counts as idle, and gives back what the work needed.
/// Not sooner: the next start would pay for getting it back.
constexpr std::chrono::seconds idle_time{30};

void call(const std::function<void()>& callback) noexcept {
  try {
    callback();
  } catch (...) {
    log::error("callback of the reactor failed", {{"error", current_error().message()}});
  }
}

std::function<void()> take_first(std::deque<std::function<void()>>& jobs) {
  auto job = std::move(jobs.front());
  jobs.pop_front();
  return job;
}

}  // namespace

Reactor::Reactor() : epoll_(::epoll_create1(EPOLL_CLOEXEC)), wake_(make_eventfd()) {
  if (!epoll_) throw Error::from_errno(errno, "create epoll");
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = wake_.get();
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event);
  thread_ = std::thread{[this] { run(); }};
}

Reactor::~Reactor() {
  stop();
}

void Reactor::stop() noexcept {
  {
    const std::lock_guard lock{mutex_};
    if (stopping_) return;
    stopping_ = true;
    ::eventfd_write(wake_.get(), 1);
  }
  thread_.join();
}

void Reactor::watch(FdRef fd, Callback callback) {
  const std::lock_guard lock{mutex_};
  callbacks_[fd.get()] = std::make_shared<Callback>(std::move(callback));
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.fd = fd.get();
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd.get(), &event) < 0) {
    const int error = errno;
    callbacks_.erase(fd.get());
    throw Error::from_errno(error, "watch descriptor");
  }
}

void Reactor::forget(FdRef fd) noexcept {
  const std::lock_guard lock{mutex_};
  if (callbacks_.erase(fd.get()) > 0) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd.get(), nullptr);
}

Reactor::TimerId Reactor::call_after(Clock::duration delay, Callback callback) {
  const std::lock_guard lock{timers_mutex_};
  const auto timer = ++last_timer_;
  const auto entered = timers_.emplace(Clock::now() + delay, Timer{timer, std::move(callback)});
  if (entered == timers_.begin()) ::eventfd_write(wake_.get(), 1);
  return timer;
}

bool Reactor::cancel(TimerId timer) noexcept {
  const std::lock_guard lock{timers_mutex_};
  return std::erase_if(timers_, [timer](const auto& entry) { return entry.second.id == timer; }) > 0;
}

void Reactor::exclude(const Callback& callback) {
  const std::lock_guard lock{mutex_};
  callback();
}

int Reactor::timeout() {
  const std::lock_guard lock{timers_mutex_};
  if (timers_.empty()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(timers_.begin()->first - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1 << 30));
}

void Reactor::call_due_timers() noexcept {
  for (;;) {
    Callback callback;
    {
      const std::lock_guard lock{timers_mutex_};
      if (timers_.empty() || timers_.begin()->first > Clock::now()) return;
      callback = std::move(timers_.begin()->second.callback);
      timers_.erase(timers_.begin());
    }
    call(callback);
  }
}

void Reactor::run() noexcept {
  for (;;) {
    epoll_event events[16];
    const int count = ::epoll_wait(epoll_.get(), events, 16, timeout());
    const std::lock_guard lock{mutex_};
    if (stopping_) return;
    for (int i = 0; i < count; ++i) {
      if (events[i].data.fd == wake_.get()) {
        eventfd_t ignored = 0;
        ::eventfd_read(wake_.get(), &ignored);
      }
      const auto found = callbacks_.find(events[i].data.fd);
      if (found == callbacks_.end()) continue;
      const auto callback = found->second;  // It may forget itself.
      call(*callback);
    }
    call_due_timers();
  }
}

Background::Background() : thread_([this] { run(); }) {}

Background::~Background() {
  stop();
}

void Background::stop() noexcept {
  {
    const std::lock_guard lock{mutex_};
    if (stopping_) return;
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void Background::post(std::function<void()> job) {
  {
    const std::lock_guard lock{mutex_};
    jobs_.push_back(std::move(job));
  }
  changed_.notify_one();
}

void Background::post_when_quiet(std::function<void()> job) {
  {
    const std::lock_guard lock{mutex_};
    quiet_jobs_.push_back(std::move(job));
  }
  changed_.notify_one();
}

std::function<void()> Background::next_job() {
  std::unique_lock lock{mutex_};
  const auto awaited = [&] { return stopping_ || !jobs_.empty(); };
  for (;;) {
    if (!jobs_.empty()) return take_first(jobs_);
    if (stopping_) return nullptr;
    if (!quiet_jobs_.empty()) {
      if (!changed_.wait_for(lock, quiet_time, awaited)) return take_first(quiet_jobs_);
    } else if (has_worked_) {
      const auto busy = [&] { return awaited() || !quiet_jobs_.empty(); };
      if (!changed_.wait_for(lock, idle_time, busy)) {
        has_worked_ = false;
        return [] { release_unused_memory(); };
      }
    } else {
      changed_.wait(lock, [&] { return awaited() || !quiet_jobs_.empty(); });
      has_worked_ = true;
    }
  }
}

void Background::run() noexcept {
  while (const auto job = next_job()) {
    try {
      job();
    } catch (...) {
      log::error("background job failed", {{"error", current_error().message()}});
    }
  }
}

}  // namespace berth::containers

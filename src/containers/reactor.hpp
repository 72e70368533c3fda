// The one thread that waits for shims and for points in time, and the one that does what nobody waits for.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "base/fd.hpp"

namespace berth::containers {

/// Calls back on its own thread whenever a descriptor is readable or a time has come. Callbacks are short: they wake
/// somebody or hand on.
class Reactor {
 public:
  using Callback = std::function<void()>;
  using Clock = std::chrono::steady_clock;
  /// Names a callback that is due later; 0 is none.
  using TimerId = std::uint64_t;

  Reactor();
  ~Reactor();
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  /// Watches until `forget`. The descriptor must stay open until then. Edge-triggered: the callback takes all that is
  /// there, or sees to it that it is called again.
  void watch(FdRef fd, Callback callback);
  /// No callback of this descriptor starts after the return, unless called from that callback itself.
  void forget(FdRef fd) noexcept;

  /// Calls once after `delay`.
  TimerId call_after(Clock::duration delay, Callback callback);
  /// Calls once, soon.
  void post(Callback callback) { call_after({}, std::move(callback)); }
  /// False if it has been called, or is being called on another thread at this moment.
  bool cancel(TimerId timer) noexcept;

  /// Calls on the caller's own thread, with no other callback running at the same time.
  void exclude(const Callback& callback);

  /// Ends the thread; no callback runs afterwards.
  void stop() noexcept;

 private:
  struct Timer {
    TimerId id = 0;
    Callback callback;
  };

  void run() noexcept;
  /// Milliseconds until the first timer is due, for epoll_wait(2); -1 without one.
  int timeout();
  void call_due_timers() noexcept;

  UniqueFd epoll_;
  UniqueFd wake_;
  std::recursive_mutex mutex_;  ///< held while a callback runs
  std::map<int, std::shared_ptr<Callback>> callbacks_;
  std::mutex timers_mutex_;  ///< taken after mutex_, never held over a callback
  std::multimap<Clock::time_point, Timer> timers_;
  TimerId last_timer_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

/// Runs jobs one after another on a thread of its own, and gives memory back once there are none. What a job throws is
/// logged.
class Background {
 public:
  Background();
  /// Finishes what was posted.
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  void post(std::function<void()> job);
  /// The same once nothing else has been posted for a moment; forgotten at the stop. For work that only prepares.
  void post_when_quiet(std::function<void()> job);
  /// Finishes what was posted and ends the thread.
  void stop() noexcept;

 private:
  void run() noexcept;
  /// Waits for one; null at the stop.
  std::function<void()> next_job();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  std::deque<std::function<void()>> quiet_jobs_;
  bool stopping_ = false;
  bool has_worked_ = false;  ///< since memory was given back
  std::thread thread_;
};

}  // namespace berth::containers

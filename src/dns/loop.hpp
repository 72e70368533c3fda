// The server's event loop: descriptors and points in time. Only for this folder.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "base/fd.hpp"

namespace berth::dns {

class Watch;
class Timer;

class Loop {
 public:
  using Clock = std::chrono::steady_clock;

  Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Waits for one event or one point in time and calls its function, which may end any watch and timer but its own.
  void run_once();

  /// Destroys a thing when the function that runs now has returned: for those that are done and run it.
  void bury(std::shared_ptr<void> thing) { buried_.push_back(std::move(thing)); }

 private:
  friend class Watch;
  friend class Timer;
  void wait(int milliseconds);

  UniqueFd epoll_;
  std::set<std::pair<Clock::time_point, Timer*>> timers_;
  std::vector<std::shared_ptr<void>> buried_;
};

/// Owns a descriptor and calls a function when it is ready. Level-triggered.
class Watch {
 public:
  using Ready = std::function<void(std::uint32_t events)>;

  Watch(Loop& loop, UniqueFd fd, std::uint32_t events, Ready ready);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  /// Waits for these events from now on; hang-ups and errors are reported too.
  void set(std::uint32_t events);
  [[nodiscard]] FdRef fd() const noexcept { return fd_; }

 private:
  friend class Loop;
  Loop& loop_;
  UniqueFd fd_;
  std::uint32_t events_;
  Ready ready_;
};

/// Calls a function once when its time has come, and again each time that it is set again.
class Timer {
 public:
  Timer(Loop& loop, std::function<void()> due) : loop_(loop), due_(std::move(due)) {}
  ~Timer() { clear(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  void set(Loop::Clock::time_point when);
  void clear() noexcept;

 private:
  friend class Loop;
  Loop& loop_;
  std::function<void()> due_;
  Loop::Clock::time_point when_{};
  bool is_set_ = false;
};

}  // namespace berth::dns

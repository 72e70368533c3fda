// The shim's event loop: epoll, one event at a time.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "base/fd.hpp"

namespace berth::shim {

class Loop {
 public:
  Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Waits until one watched descriptor is ready and calls its function; false if `timeout` passed instead. What a
  /// function throws comes out here. Only one event is taken at a time, so a function may end any watch but its own.
  bool run_once(std::optional<std::chrono::milliseconds> timeout);

  /// Memory for one read: shared by all, because nobody keeps what it read there.
  std::span<char> scratch() noexcept { return scratch_; }

 private:
  friend class Watch;
  UniqueFd epoll_;
  std::array<char, 64 << 10> scratch_;  // not initialised: pages that no read touches cost nothing
};

/// Calls a function when a descriptor is ready. Level-triggered.
class Watch {
 public:
  using Ready = std::function<void(std::uint32_t events)>;

  Watch(Loop& loop, FdRef fd, Ready ready);
  /// Must come before the close: the kernel goes on watching while another process has the same file open.
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  /// Waits for these events. Hang-ups and errors are reported with them, also when `events` is 0.
  void set(std::uint32_t events);
  /// Waits for nothing, not even a hang-up.
  void clear() noexcept;

 private:
  friend class Loop;
  Loop& loop_;
  FdRef fd_;
  Ready ready_;
  std::optional<std::uint32_t> events_;
};

}  // namespace berth::shim

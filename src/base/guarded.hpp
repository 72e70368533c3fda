// Shared data together with the mutex that guards it.
#pragma once

#include <mutex>
#include <utility>

namespace berth {

/// No mutex without its data: the value is reachable only under the lock.
template <class T>
class Guarded {
 public:
  Guarded() = default;
  explicit Guarded(T value) : value_(std::move(value)) {}

  template <class Function>
  decltype(auto) with(Function&& function) {
    const std::lock_guard lock{mutex_};
    return std::forward<Function>(function)(value_);
  }
  template <class Function>
  decltype(auto) with(Function&& function) const {
    const std::lock_guard lock{mutex_};
    return std::forward<Function>(function)(value_);
  }

 private:
  mutable std::mutex mutex_;
  T value_;
};

}  // namespace berth

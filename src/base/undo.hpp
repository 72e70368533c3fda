// Steps to take back when a later step fails.
#pragma once

#include <functional>
#include <utility>
#include <vector>

namespace berth {

/// Runs what was added backwards unless dismissed. What is added must not throw.
class Undo {
 public:
  Undo() = default;
  Undo(const Undo&) = delete;
  Undo& operator=(const Undo&) = delete;
  ~Undo() {
    for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) (*step)();
  }

  void add(std::function<void()> step) { steps_.push_back(std::move(step)); }
  void dismiss() noexcept { steps_.clear(); }

 private:
  std::vector<std::function<void()>> steps_;
};

}  // namespace berth

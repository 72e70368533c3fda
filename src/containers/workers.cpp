#include "containers/workers.hpp"

#include "base/error.hpp"
#include "base/log.hpp"

namespace berth::containers {

void Workers::post(std::function<void()> job) {
  {
    const std::lock_guard lock{mutex_};
    if (stopping_) return;
    jobs_.push_back(std::move(job));
    if (jobs_.size() > idle_ && threads_.size() < most) threads_.emplace_back([this] { run(); });
  }
  changed_.notify_one();
}

void Workers::stop() noexcept {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
    jobs_.clear();
  }
  changed_.notify_all();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

void Workers::run() noexcept {
  for (;;) {
    std::function<void()> job;
    {
      std::unique_lock lock{mutex_};
      ++idle_;
      changed_.wait(lock, [&] { return stopping_ || !jobs_.empty(); });
      --idle_;
      if (stopping_) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    try {
      job();
    } catch (...) {
      log::error("job of a worker failed", {{"error", current_error().message()}});
    }
  }
}

}  // namespace berth::containers

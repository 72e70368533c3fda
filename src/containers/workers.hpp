// A few threads for jobs that may each take long and must not wait for each other.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace berth::containers {

/// Threads are started when there is more to do than they can, and stay until the stop. What a job throws is logged.
class Workers {
 public:
  static constexpr std::size_t most = 4;

  Workers() = default;
  ~Workers() { stop(); }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  void post(std::function<void()> job);
  /// Finishes the jobs that have begun and forgets the others.
  void stop() noexcept;

 private:
  void run() noexcept;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  std::size_t idle_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace berth::containers

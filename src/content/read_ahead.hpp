// A stream produced by a thread of its own, so that reading, decompressing and hashing go on while what came is used.
#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <span>
#include <stop_token>
#include <thread>
#include <vector>

namespace berth::content {

class ReadAhead {
 public:
  /// Gives the next bytes, valid until the next call; empty at the end. Called only by the thread made here.
  using Produce = std::function<std::span<const char>()>;

  explicit ReadAhead(Produce produce);
  /// Waits for a call of `produce` that is under way.
  ~ReadAhead();
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  /// The next bytes, valid until the next call; empty at the end. Throws what `produce` threw.
  std::span<const char> next();

 private:
  struct Slot {
    std::vector<char> bytes;
    std::exception_ptr failure;
  };

  void run(const std::stop_token& stop);

  Produce produce_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::array<Slot, 4> slots_;
  std::size_t filled_ = 0;   ///< slots filled so far; guarded by mutex_
  std::size_t emptied_ = 0;  ///< slots given back so far; guarded by mutex_
  bool lent_ = false;        ///< the consumer still reads slot `emptied_`
  std::jthread thread_;
};

}  // namespace berth::content

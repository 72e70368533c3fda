#include "content/read_ahead.hpp"

namespace berth::content {

ReadAhead::ReadAhead(Produce produce)
    : produce_(std::move(produce)), thread_([this](const std::stop_token& stop) { run(stop); }) {}

ReadAhead::~ReadAhead() {
  thread_.request_stop();
  thread_.join();
}

void ReadAhead::run(const std::stop_token& stop) {
  while (true) {
    std::size_t index = 0;
    {
      std::unique_lock lock{mutex_};
      if (!changed_.wait(lock, stop, [this] { return filled_ - emptied_ < slots_.size(); })) return;
      index = filled_ % slots_.size();
    }
    auto& slot = slots_[index];  // ours until it is counted as filled
    try {
      const auto bytes = produce_();
      slot.bytes.assign(bytes.begin(), bytes.end());
    } catch (...) {  // Nothing leaves a thread: next() throws it.
      slot.failure = std::current_exception();
    }
    const bool ended = slot.failure != nullptr || slot.bytes.empty();
    {
      const std::lock_guard lock{mutex_};
      ++filled_;
    }
    changed_.notify_all();
    if (ended) return;
  }
}

std::span<const char> ReadAhead::next() {
  std::unique_lock lock{mutex_};
  if (lent_) {
    // The last slot, an end or a failure, is never given back: whoever asks again gets it again.
    auto& last = slots_[emptied_ % slots_.size()];
    if (last.failure != nullptr || last.bytes.empty()) {
      if (last.failure) std::rethrow_exception(last.failure);
      return {};
    }
    ++emptied_;
    changed_.notify_all();
  }
  changed_.wait(lock, [this] { return filled_ > emptied_; });
  lent_ = true;
  const auto& slot = slots_[emptied_ % slots_.size()];
  if (slot.failure) std::rethrow_exception(slot.failure);
  return slot.bytes;
}

}  // namespace berth::content

#include "shim/monitor/message_queue.hpp"

#include <utility>

namespace berth::shim {
namespace {

/// More than this is not kept while there are no messages.
constexpr std::size_t max_idle_memory = 4 << 10;

}  // namespace

void MessageQueue::push(std::string_view message) {
  // The room of what has been taken is used again once it is the larger part.
  if (begin_ > bytes_.size() / 2) bytes_.erase(0, std::exchange(begin_, 0));
  bytes_ += message;
  sizes_.push_back(static_cast<std::uint32_t>(message.size()));
}

void MessageQueue::pop() noexcept {
  begin_ += sizes_.front();
  sizes_.pop_front();
  if (sizes_.empty()) clear();
}

void MessageQueue::clear() noexcept {
  sizes_.clear();
  bytes_.clear();
  begin_ = 0;
  if (bytes_.capacity() > max_idle_memory) bytes_ = {};
}

}  // namespace berth::shim

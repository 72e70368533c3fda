// Messages of a log that wait for whoever takes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace berth::shim {

/// First in, first out, in one piece of memory: small messages cost no more than their bytes and a number.
class MessageQueue {
 public:
  /// `limit`: bytes at which the queue is full.
  explicit MessageQueue(std::size_t limit) : limit_(limit) {}

  /// Whether a message of this size has no room. One that is too big for an empty queue has.
  [[nodiscard]] bool is_full_for(std::size_t size) const noexcept {
    return !sizes_.empty() && bytes_.size() - begin_ + size + overhead * (sizes_.size() + 1) > limit_;
  }
  [[nodiscard]] bool is_full() const noexcept { return is_full_for(1); }
  [[nodiscard]] bool empty() const noexcept { return sizes_.empty(); }
  [[nodiscard]] std::size_t count() const noexcept { return sizes_.size(); }

  /// Adds a message, not an empty one, whether there is room or not.
  void push(std::string_view message);
  [[nodiscard]] std::string_view front() const noexcept { return all().substr(0, sizes_.front()); }
  /// All messages, one behind the other.
  [[nodiscard]] std::string_view all() const noexcept { return std::string_view{bytes_}.substr(begin_); }
  void pop() noexcept;
  void clear() noexcept;

 private:
  /// Counted for each message, so that many tiny ones do not take more memory than `limit_` says.
  static constexpr std::size_t overhead = sizeof(std::uint32_t);

  std::size_t limit_;
  std::string bytes_;
  std::size_t begin_ = 0;  ///< what is before has been taken
  std::deque<std::uint32_t> sizes_;
};

}  // namespace berth::shim

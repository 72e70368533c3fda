// Answers from upstream that are told again while they hold. Only for this folder.
#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace berth::dns {

/// Of one sandbox alone: what a program has the servers of its own namespace say is told to nobody else.
class Cache {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Cache(std::size_t limit) : limit_(limit) {}

  struct Found {
    std::string_view message;  ///< valid until the next call
    std::chrono::seconds age{};
  };
  std::optional<Found> find(const std::string& key, Clock::time_point now);
  /// Forgets the answer that nobody has asked for the longest if there are too many. Large answers are not kept.
  void keep(const std::string& key, std::string_view message, std::chrono::seconds lifetime, Clock::time_point now);
  void clear() noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

 private:
  struct Entry {
    std::string key;
    std::string message;
    Clock::time_point since;
    Clock::time_point until;
  };
  using Entries = std::list<Entry>;

  void forget(Entries::iterator entry);

  std::size_t limit_;
  Entries entries_;  ///< the one that was asked for last is the first
  std::unordered_map<std::string_view, Entries::iterator> by_key_;
};

}  // namespace berth::dns

#include "dns/cache.hpp"

namespace berth::dns {
namespace {

constexpr std::size_t largest_kept = 4096;  // bytes

}  // namespace

std::optional<Cache::Found> Cache::find(const std::string& key, Clock::time_point now) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return std::nullopt;
  const auto entry = found->second;
  if (entry->until <= now) {
    forget(entry);
    return std::nullopt;
  }
  entries_.splice(entries_.begin(), entries_, entry);
  return Found{.message = entry->message, .age = std::chrono::duration_cast<std::chrono::seconds>(now - entry->since)};
}

void Cache::keep(const std::string& key, std::string_view message, std::chrono::seconds lifetime,
                 Clock::time_point now) {
  if (limit_ == 0 || lifetime.count() <= 0 || message.size() > largest_kept) return;
  if (const auto old = by_key_.find(key); old != by_key_.end()) forget(old->second);
  if (entries_.size() >= limit_) forget(std::prev(entries_.end()));
  entries_.push_front({.key = key, .message = std::string{message}, .since = now, .until = now + lifetime});
  by_key_.emplace(entries_.front().key, entries_.begin());
}

void Cache::clear() noexcept {
  by_key_.clear();
  entries_.clear();
}

void Cache::forget(Entries::iterator entry) {
  by_key_.erase(entry->key);
  entries_.erase(entry);
}

}  // namespace berth::dns

#include "images/holds.hpp"

namespace berth::images {

void Holds::hold(const oci::Digest& digest) {
  const std::lock_guard lock{mutex_};
  ++held_[digest];
}

void Holds::release(const oci::Digest& digest) noexcept {
  const std::lock_guard lock{mutex_};
  const auto found = held_.find(digest);
  if (found != held_.end() && --found->second == 0) held_.erase(found);
}

Holds::Removal::Removal(Holds& holds, const oci::Digest& id) : holds_(holds), id_(id) {
  std::unique_lock lock{holds_.mutex_};
  holds_.changed_.wait(lock, [&] { return !holds_.removing_.contains(id_); });
  holds_.removing_.insert(id_);
  held_ = holds_.held_.contains(id_);
}

Holds::Removal::~Removal() {
  {
    const std::lock_guard lock{holds_.mutex_};
    holds_.removing_.erase(id_);
  }
  holds_.changed_.notify_all();
}

void HeldSet::add(const oci::Digest& digest) {
  digests_.reserve(digests_.size() + 1);  // what is held is never forgotten for lack of memory
  holds_.hold(digest);
  digests_.push_back(digest);
}

void HeldSet::release() noexcept {
  for (const auto& digest : digests_) holds_.release(digest);
  digests_.clear();
}

}  // namespace berth::images

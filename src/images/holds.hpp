// What must not be removed just now although no row says so: layers of a running load, images that a container is being
// made from.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "oci/digest.hpp"

namespace berth::images {

class Holds {
 public:
  void hold(const oci::Digest& digest);
  void release(const oci::Digest& digest) noexcept;

  /// Waits while somebody decides about removing the image, then holds it if `exists` says that it is still there.
  template <class Exists>
  bool hold_image(const oci::Digest& id, const Exists& exists) {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return !removing_.contains(id); });
    if (!exists()) return false;
    ++held_[id];
    return true;
  }

  /// Calls `act(is_held)` while nobody can take or release a hold. Lock order: this, then the database.
  template <class Act>
  void with(const Act& act) {
    const std::lock_guard lock{mutex_};
    act([this](const oci::Digest& digest) { return held_.contains(digest); });
  }

  /// While it lives nobody gets a hold of the image: the time in which its users are counted and it is removed.
  class Removal {
   public:
    /// Waits for another removal of the same image.
    Removal(Holds& holds, const oci::Digest& id);
    ~Removal();
    Removal(const Removal&) = delete;
    Removal& operator=(const Removal&) = delete;
    /// Somebody got a hold before.
    [[nodiscard]] bool is_held() const noexcept { return held_; }

   private:
    Holds& holds_;
    oci::Digest id_;
    bool held_;
  };

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<oci::Digest, int> held_;
  std::set<oci::Digest> removing_;
};

/// Holds of one piece of work, released together.
class HeldSet {
 public:
  explicit HeldSet(Holds& holds) : holds_(holds) {}
  ~HeldSet() { release(); }
  HeldSet(const HeldSet&) = delete;
  HeldSet& operator=(const HeldSet&) = delete;
  void add(const oci::Digest& digest);
  void release() noexcept;
  [[nodiscard]] const std::vector<oci::Digest>& digests() const noexcept { return digests_; }

 private:
  Holds& holds_;
  std::vector<oci::Digest> digests_;
};

}  // namespace berth::images

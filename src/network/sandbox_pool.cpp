#include "network/sandbox_pool.hpp"

#include "base/error.hpp"
#include "base/log.hpp"

namespace berth::network {

SandboxPool::SandboxPool(std::size_t linked, std::size_t bare, Make make)
    : make_(std::move(make)), linked_{.target = linked}, bare_{.target = bare} {
  thread_ = std::jthread{[this](const std::stop_token& stop) { run(stop); }};
}

SandboxPool::~SandboxPool() = default;

Sandbox SandboxPool::take(SandboxKind kind) {
  {
    const std::lock_guard lock{mutex_};
    auto& ready = shelf(kind).ready;
    if (!ready.empty()) {
      auto sandbox = std::move(ready.back());
      ready.pop_back();
      return sandbox;
    }
  }
  return make_(kind);
}

void SandboxPool::refill() {
  {
    const std::lock_guard lock{mutex_};
    wanted_ = true;
  }
  wake_.notify_one();
}

void SandboxPool::clear() {
  std::vector<Sandbox> old;
  const std::lock_guard lock{mutex_};
  std::swap(old, linked_.ready);
}

std::optional<SandboxKind> SandboxPool::missing() {
  if (linked_.ready.size() < linked_.target) return SandboxKind::linked;
  if (bare_.ready.size() < bare_.target) return SandboxKind::bare;
  return std::nullopt;
}

void SandboxPool::run(const std::stop_token& stop) {
  std::unique_lock lock{mutex_};
  while (wake_.wait(lock, stop, [&] { return wanted_; })) {
    const auto kind = missing();
    if (!kind || stop.stop_requested()) {
      wanted_ = false;
      if (stop.stop_requested()) return;
      continue;
    }
    lock.unlock();
    std::optional<Sandbox> made;
    try {
      made = make_(*kind);
    } catch (const Error& error) {
      log::warn("no sandbox made ahead, starts make their own", {{"error", error.message()}});
    }
    lock.lock();
    if (made) {
      shelf(*kind).ready.push_back(std::move(*made));
    } else {
      wanted_ = false;
    }
  }
}

}  // namespace berth::network

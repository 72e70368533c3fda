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
  auto found = find(kind);
  // One that is on a bridge already can be moved to another, and saves the better part of the time.
  if (!found && kind == SandboxKind::named) found = find(SandboxKind::linked);
  return found ? std::move(*found) : make_(kind);
}

std::optional<Sandbox> SandboxPool::find(SandboxKind kind) {
  const std::lock_guard lock{mutex_};
  auto& ready = shelf(kind).ready;
  if (ready.empty()) return std::nullopt;
  std::optional<Sandbox> found{std::move(ready.back())};
  ready.pop_back();
  return found;
}

SandboxPool::Shelf& SandboxPool::shelf(SandboxKind kind) {
  switch (kind) {
    case SandboxKind::linked: return linked_;
    case SandboxKind::named: return named_;
    case SandboxKind::bare: return bare_;
  }
  return bare_;
}

void SandboxPool::refill(bool named) {
  std::vector<Sandbox> unwanted;
  {
    const std::lock_guard lock{mutex_};
    named_.target = named ? linked_.target : 0;
    if (!named) std::swap(unwanted, named_.ready);
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
  if (named_.ready.size() < named_.target) return SandboxKind::named;
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

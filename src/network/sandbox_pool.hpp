// Sandboxes that are made before anybody asks for them.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "network/sandbox.hpp"

namespace berth::network {

enum class SandboxKind { linked, bare };

/// Keeps some of each kind ready. They are nobody's and vanish with the process.
class SandboxPool {
 public:
  using Make = std::function<Sandbox(SandboxKind)>;

  SandboxPool(std::size_t linked, std::size_t bare, Make make);
  ~SandboxPool();

  /// One that is ready, or a new one.
  Sandbox take(SandboxKind kind);
  /// Lets the pool's thread make what is missing. Returns at once.
  void refill();
  /// Throws all away: their links may be on a bridge that is no more.
  void clear();

 private:
  struct Shelf {
    std::size_t target = 0;
    std::vector<Sandbox> ready;
  };

  Shelf& shelf(SandboxKind kind) { return kind == SandboxKind::linked ? linked_ : bare_; }
  std::optional<SandboxKind> missing();
  void run(const std::stop_token& stop);

  const Make make_;
  std::mutex mutex_;  ///< guards all below
  std::condition_variable_any wake_;
  bool wanted_ = false;
  Shelf linked_, bare_;
  std::jthread thread_;  ///< last: it uses all above
};

}  // namespace berth::network

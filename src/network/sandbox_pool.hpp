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

/// linked: with a link on the default bridge. named: with a link that is on no bridge yet, and a resolver, for
/// networks that have names. bare: with nothing.
enum class SandboxKind { linked, named, bare };

/// Keeps some of each kind ready. They are nobody's and vanish with the process.
class SandboxPool {
 public:
  using Make = std::function<Sandbox(SandboxKind)>;

  SandboxPool(std::size_t linked, std::size_t bare, Make make);
  ~SandboxPool();

  /// One that is ready, or a new one.
  Sandbox take(SandboxKind kind);
  /// Lets the pool's thread make what is missing. `named`: as many of those as of linked ones are wanted, otherwise
  /// none. Returns at once.
  void refill(bool named);
  /// Throws all away: their links may be on a bridge that is no more.
  void clear();

 private:
  struct Shelf {
    std::size_t target = 0;
    std::vector<Sandbox> ready;
  };

  Shelf& shelf(SandboxKind kind);
  std::optional<Sandbox> find(SandboxKind kind);
  std::optional<SandboxKind> missing();
  void run(const std::stop_token& stop);

  const Make make_;
  std::mutex mutex_;  ///< guards all below
  std::condition_variable_any wake_;
  bool wanted_ = false;
  Shelf linked_, named_, bare_;
  std::jthread thread_;  ///< last: it uses all above
};

}  // namespace berth::network

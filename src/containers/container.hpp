// One container: its record, its shim, and who waits for it.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "containers/record.hpp"
#include "shim/client/shim_client.hpp"

namespace berth::containers {

/// Wakes everybody who waits for a change of one container. Each waiter polls a descriptor of its own beside its
/// client.
class Waiters {
 public:
  /// A descriptor that becomes readable at each change from now on, for as long as somebody holds it.
  std::shared_ptr<UniqueFd> join();
  void notify() noexcept;

 private:
  std::mutex mutex_;
  std::vector<std::weak_ptr<UniqueFd>> descriptors_;
};

/// Shared by the table of containers and by whoever works on it.
///
/// `operation` is held by start and remove from their first to their last step, also while they wait for the shim: they
/// exclude each other, nothing else waits for it. `mutex` guards the members below and is held for moments only.
/// Lock order: operation, then the reactor's, then mutex.
class Container {
 public:
  explicit Container(Record record) : id(record.id), record_(std::move(record)) {}

  const std::string id;
  std::mutex operation;
  Waiters waiters;  ///< of any change
  Waiters endings;  ///< of the end of this run

  /// What is guarded by the mutex besides the record.
  struct Live {
    std::shared_ptr<shim::ShimClient> shim;       ///< while running
    std::shared_ptr<shim::ShimClient> departing;  ///< has reported the exit and cleans up
    std::vector<shim::Attachment> attachments;    ///< clients that attached before the start
    int arriving = 0;                             ///< clients that are told they are attached, and not in the list yet
    std::uint64_t exits = 0;                      ///< how many times it has exited, for "next-exit"
    bool removed = false;
    bool removing = false;
    bool restarting = false;  ///< a stop that a start follows: no automatic removal
    bool stopped_by_user = false;
  };

  template <class Function>
  decltype(auto) with(Function&& function) {
    const std::lock_guard lock{mutex_};
    return std::forward<Function>(function)(record_, live_);
  }

  [[nodiscard]] Record record() {
    const std::lock_guard lock{mutex_};
    return record_;
  }
  [[nodiscard]] State state() {
    const std::lock_guard lock{mutex_};
    return record_.state;
  }
  [[nodiscard]] std::string name() {
    const std::lock_guard lock{mutex_};
    return record_.name;
  }

 private:
  std::mutex mutex_;
  Record record_;
  Live live_;
};

/// A client on its way to being attached. It reads "101" and asks for the start before we have its connection in hand:
/// a start waits for those who arrive, or a short program's output would be gone before anybody listens.
class Arrival {
 public:
  explicit Arrival(std::shared_ptr<Container> container);
  Arrival(const Arrival&) = delete;
  Arrival& operator=(const Arrival&) = delete;
  ~Arrival() { done(); }

  /// It is attached, or will never be.
  void done() noexcept;

 private:
  std::shared_ptr<Container> container_;
};

}  // namespace berth::containers

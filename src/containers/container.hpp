// One container: its record, its shim, and who waits for it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "containers/record.hpp"
#include "network/endpoint.hpp"
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
/// exclude each other, and only who ends the wait for a restart waits for it too. `freezer` is held while the container
/// is frozen, thawed or sent a signal: one that is killed must not be frozen afterwards, or it would never die.
/// `networking` is held while a container that runs is connected to a network or disconnected, and at its end: what it
/// gives up then is all that it has. `mutex` guards the members below and is held for moments only.
/// Lock order: operation, then freezer, then the reactor's, then networking, then mutex. At the end of a container that
/// removes itself `operation` is tried within the others, and not waited for.
class Container {
 public:
  explicit Container(Record record) : id(record.id), record_(std::move(record)) {}

  const std::string id;
  std::mutex operation;
  std::mutex freezer;
  std::mutex networking;
  Waiters waiters;  ///< of any change
  Waiters endings;  ///< of the end of this run

  /// The health check's next probe, or the one that is under way.
  struct Probe {
    std::uint64_t turn = 0;   ///< another one whenever a probe is planned, and when they are called off
    std::uint64_t timer = 0;  ///< of the reactor, until it is due
    std::string id;           ///< of its process, until that has ended
    Time begun = Time::min();
    bool has_acted = false;  ///< what it asks for on failure was done
  };

  /// What is guarded by the mutex besides the record.
  struct Live {
    std::shared_ptr<shim::ShimClient> shim;       ///< while running
    std::shared_ptr<shim::ShimClient> departing;  ///< has reported the exit and cleans up
    std::vector<shim::Attachment> attachments;    ///< clients that attached before the start
    int arriving = 0;                             ///< clients that are told they are attached, and not in the list yet
    std::uint64_t exits = 0;                      ///< how many times it has exited, for "next-exit"
    bool removed = false;
    bool removing = false;
    int stopping = 0;                ///< how many stops are under way
    bool restarted_by_user = false;  ///< a stop that a start follows: no automatic removal, no restart policy
    bool ends_for_good = false;      ///< a signal was meant to end it: no restart policy after this run
    int last_exit_code = 0;          ///< of the last end, for those who wait: a next run may have begun
    std::chrono::milliseconds restart_delay{0};  ///< the last one; 0 before the first
    std::uint64_t restart_timer = 0;             ///< of the reactor, while restarting
    Probe probe;
    std::shared_ptr<const network::Connections> connections;  ///< while it has a process and networks of its own
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

// The further processes that clients have asked for. Only for this folder.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/guarded.hpp"
#include "containers/container.hpp"
#include "containers/exec.hpp"

namespace berth::containers {

/// One further process, from its creation on. Threads: any.
class Exec {
 public:
  using Clock = std::chrono::steady_clock;
  enum class Phase { created, starting, running, ended };

  struct State {
    Phase phase = Phase::created;
    int pid = 0;
    int exit_code = 0;  ///< once it has ended
    Clock::time_point since = Clock::now();
  };

  Exec(std::string exec_id, std::shared_ptr<Container> of, ExecConfig asked)
      : id(std::move(exec_id)), container(std::move(of)), config(std::move(asked)) {}

  const std::string id;
  const std::shared_ptr<Container> container;
  const ExecConfig config;
  Waiters waiters;  ///< of any change

  [[nodiscard]] State state() const {
    return state_.with([](const State& state) { return state; });
  }
  /// Takes it from created to starting. Throws `conflict` in Docker's words if it has been started before.
  void claim();
  /// The shim has started it; nothing if its end was reported before.
  void set_running(int pid);
  /// False if it had ended before.
  bool end(int exit_code);

 private:
  Guarded<State> state_;
};

using ExecPtr = std::shared_ptr<Exec>;

/// All of them, by ID. Those that have ended stay for a while: clients ask for the exit code after the end of the
/// stream. Those that are never started are forgotten too, after longer. Threads: any.
class ExecTable {
 public:
  void enter(const ExecPtr& exec);
  /// Throws `not_found` with Docker's text.
  ExecPtr get(const std::string& id) const;
  /// Null if there is none.
  ExecPtr find(const std::string& id) const;
  /// Those of one container that have not ended, or all of them.
  std::vector<ExecPtr> of(const std::string& container_id, bool ended_too) const;
  /// Forgets those of a container that was removed.
  void forget_container(const std::string& container_id);
  void forget(const std::string& id);

 private:
  struct Table {
    std::map<std::string, ExecPtr, std::less<>> by_id;
    std::size_t next_sweep = 256;  ///< entries; a power of two above what the last one left
  };
  static void sweep(Table& table);

  Guarded<Table> table_;  // lock order: table_, then Exec::state_
};

}  // namespace berth::containers

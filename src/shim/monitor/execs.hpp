// The further processes of the container: each with streams of its own, reported when it has ended.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "base/json.hpp"
#include "runtime/runtime.hpp"
#include "shim/bundle.hpp"
#include "shim/monitor/loop.hpp"
#include "shim/monitor/streams.hpp"
#include "shim/protocol.hpp"

namespace berth::shim {

class Execs {
 public:
  using Run = runtime::Exec (*)(const runtime::ExecRequest& request);
  /// Tells the daemon of an event.
  using Tell = std::function<void(const json::Value& event)>;

  Execs(Loop& loop, Run run, Tell tell) : loop_(loop), run_(run), tell_(std::move(tell)) {}

  /// Starts a process beside process 1. Throws what `runtime::exec` throws; the client's connection stays open then.
  pid_t start(const runtime::Init& init, const ExecRequest& request, std::vector<UniqueFd> fds);
  /// Both throw `not_found` if there is no such process any more.
  void resize(const std::string& id, unsigned height, unsigned width);
  void signal(const std::string& id, int number);
  /// Those that run and the last that have ended, from the n-th on; `fds` gets the file of each.
  std::vector<ExecState> list(std::size_t from, std::vector<FdRef>& fds) const;

  /// A child of this process has been reaped.
  void child_ended(pid_t pid, int exit_code);
  /// Kills all that still run: process 1 has ended.
  void end_all() noexcept;

  /// What follows from the event that was just handled: ends what has run too long, reports what has ended.
  void step();
  /// Until `step` must be called though no event has come.
  [[nodiscard]] std::optional<std::chrono::milliseconds> timeout() const;

  /// True while one runs, or has ended and is not reported yet.
  [[nodiscard]] bool are_running() const;
  /// True once no client waits for output any more either.
  [[nodiscard]] bool is_idle() const;

 private:
  using Clock = std::chrono::steady_clock;
  enum class Stage { running, ended, reported };

  struct Process {
    std::string id;
    pid_t pid = -1;
    UniqueFd settings;  ///< the file of its ExecSettings
    std::unique_ptr<Streams> streams;
    Stage stage = Stage::running;
    int exit_code = 0;
    bool timed_out = false;
    bool is_remembered = true;                  ///< after its end
    std::optional<Clock::time_point> deadline;  ///< running: killed then; ended: no more output is awaited then
  };

  Process& get(const std::string& id);
  void step(Process& process);
  void report(Process& process);

  Loop& loop_;
  Run run_;
  Tell tell_;
  std::vector<std::unique_ptr<Process>> processes_;
  /// The last that were reported: a daemon that was away asks how they ended.
  std::deque<std::unique_ptr<Process>> past_;
};

}  // namespace berth::shim

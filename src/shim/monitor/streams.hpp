// All that flows in and out of one container: its output to the log and the clients, the clients' input to it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "shim/bundle.hpp"
#include "shim/monitor/client.hpp"
#include "shim/monitor/input.hpp"
#include "shim/monitor/json_log.hpp"
#include "shim/monitor/loop.hpp"
#include "shim/monitor/output.hpp"
#include "shim/protocol.hpp"

namespace berth::shim {

class Streams {
 public:
  /// What the container gets as 0, 1 and 2; all empty with a terminal.
  struct Ends {
    UniqueFd stdin_end;
    UniqueFd stdout_end;
    UniqueFd stderr_end;
  };
  /// Told of a fault that costs log lines; the container goes on.
  using Warn = std::function<void(const std::string& message)>;

  /// `settings` outlives this.
  Streams(Loop& loop, const BundleSettings& settings, Warn warn);

  /// Opens the log: before the first output is read, but not on the path of the start.
  void open_log();

  /// Makes the pipes and returns the container's ends. Close those once the container has them.
  Ends open_pipes();
  /// Takes the container's terminal instead of pipes.
  void take_console(UniqueFd console);

  void attach(UniqueFd connection, const Attach& wants);
  /// Throws `conflict` if the container has no terminal.
  void resize(unsigned height, unsigned width);

  /// After process 1 has ended: reads what is left, whatever the clients have room for.
  void drain();
  /// True once all output has ended.
  [[nodiscard]] bool has_ended() const;
  /// Stops reading streams that somebody outside the container holds open.
  void abandon();

  /// Lets the clients go as soon as they have got everything.
  void finish_clients();
  [[nodiscard]] bool has_clients() const { return !clients_.empty(); }

  /// Holds or resumes both directions by what the other side can take, and forgets clients that are done. Call after
  /// each event.
  void balance();

  void child_ended(pid_t pid) noexcept;

 private:
  void deliver(Stream stream, std::string_view bytes);
  void add_output(UniqueFd fd, Stream stream);

  Loop& loop_;
  const BundleSettings& settings_;
  Warn warn_;
  std::optional<JsonLog> log_;
  bool log_is_broken_ = false;
  Input input_;
  UniqueFd console_;
  std::vector<std::unique_ptr<Output>> outputs_;
  std::vector<std::unique_ptr<Client>> clients_;
  bool draining_ = false;
};

}  // namespace berth::shim

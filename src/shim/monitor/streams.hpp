// All that flows in and out of one process: its output to the log and the clients, the clients' input to it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "shim/bundle.hpp"
#include "shim/monitor/client.hpp"
#include "shim/monitor/container_log.hpp"
#include "shim/monitor/input.hpp"
#include "shim/monitor/loop.hpp"
#include "shim/monitor/output.hpp"
#include "shim/protocol.hpp"

namespace berth::shim {

/// How a process's standard streams are made. What is not open is /dev/null to it.
struct StreamModes {
  bool tty = false;
  bool stdin_ = false;
  bool stdout_ = true;
  bool stderr_ = true;
  bool stdin_once = false;  ///< the first client that ends its input ends the process's
};

class Streams {
 public:
  /// What the process gets as 0, 1 and 2; all empty with a terminal.
  struct Ends {
    UniqueFd stdin_end;
    UniqueFd stdout_end;
    UniqueFd stderr_end;
  };
  /// `detached` is called when a client has left by its detach keys. What is written goes to `log` too, if there is
  /// one.
  Streams(Loop& loop, StreamModes modes, std::function<void()> detached, ContainerLog* log = nullptr);

  /// Keeps the first bytes of the output in memory, for `captured`.
  void capture(std::size_t limit) { capture_limit_ = limit; }
  [[nodiscard]] const std::string& captured() const noexcept { return captured_; }

  /// Makes the pipes and returns the process's ends. Close those once it has them.
  Ends open_pipes();
  /// Takes the process's terminal instead of pipes.
  void take_console(UniqueFd console);

  void attach(UniqueFd connection, const Attach& wants);
  /// Nothing happens without a terminal, as Docker's clients expect.
  void resize(unsigned height, unsigned width);

  /// After process 1 has ended: reads what is left, whatever the clients have room for.
  void drain();
  /// True once all output has ended.
  [[nodiscard]] bool has_ended() const;
  /// Stops reading streams that somebody outside the container holds open.
  void abandon();

  /// Lets the clients go as soon as they have got everything.
  void finish_clients();
  /// The process could not be started: forgets the clients without ending their connections.
  void give_clients_back() noexcept;
  [[nodiscard]] bool has_clients() const { return !clients_.empty(); }

  /// Holds or resumes both directions by what the other side can take, and forgets clients that are done. Call after
  /// each event.
  void balance();

 private:
  void deliver(Stream stream, std::string_view bytes);
  void add_output(UniqueFd fd, Stream stream);

  Loop& loop_;
  StreamModes modes_;
  std::function<void()> detached_;
  ContainerLog* log_;
  Input input_;
  UniqueFd console_;
  std::vector<std::unique_ptr<Output>> outputs_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::size_t capture_limit_ = 0;
  std::string captured_;
  bool draining_ = false;
};

}  // namespace berth::shim

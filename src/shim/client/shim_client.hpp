// berthd's side of a shim: start one, or find one again after a restart, and talk to it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/fd.hpp"
#include "base/file.hpp"
#include "base/guarded.hpp"
#include "base/spawn.hpp"
#include "shim/bundle.hpp"
#include "shim/protocol.hpp"

namespace berth::shim {

/// A hijacked client connection on its way to the shim.
struct Attachment {
  UniqueFd connection;  ///< the client's socket; the shim owns it from now on
  std::string pending;  ///< bytes of the client that were read with the request's head
  bool stdin_ = false;
  bool stdout_ = false;
  bool stderr_ = false;
  std::string detach_keys;  ///< "ctrl-p,ctrl-q" form; empty: Docker's default
  bool multiplexed = true;  ///< 8-byte stream headers (no terminal)
};

struct Started {
  pid_t pid = -1;
  std::string started_at;
};

/// A further process of the container.
struct ExecOrder {
  std::string id;
  bool stdin_ = false;  ///< which of the streams are not /dev/null
  bool stdout_ = false;
  bool stderr_ = false;
  ExecSettings settings;
  std::chrono::milliseconds timeout{0};  ///< killed after that; 0: never
  std::size_t capture = 0;               ///< bytes of output to keep for its ExecExit
};

/// One that the shim knows, running or ended, as a daemon that comes back finds it.
struct KnownExec {
  ExecState state;
  ExecSettings settings;
};

using ShimEvent = std::variant<ExitStatus, ExecExit, DetachEvent>;

/// One shim. Calls are serialised; each blocks until the shim answers. Throws `unavailable` once the shim has gone.
class ShimClient {
 public:
  /// Connects to the shim of a container that runs already; nothing if no shim listens there.
  static std::unique_ptr<ShimClient> find(const fs::path& socket_directory);
  explicit ShimClient(UniqueFd socket, pid_t shim_pid);
  ~ShimClient();

  /// Makes and starts the container of `bundle` in the network namespace that is open as `network_namespace`; one whose
  /// configuration asks for none of its own is given none. `attachments` get all output from the first byte on;
  /// `keep`: as the call.
  /// Throws `invalid` with exit_code() 126 or 127 semantics as StartError.
  Started start(const fs::path& bundle, const fs::path& socket_directory, FdRef network_namespace,
                std::vector<Attachment> attachments, std::span<const UniqueFd> keep = {});

  void attach(Attachment attachment);
  void resize(unsigned height, unsigned width);
  /// Sends a signal to process 1.
  void signal(int number);

  /// Starts a further process; returns its number on the host. The client's connection is the shim's on success; on a
  /// failure it stays the caller's. Throws StartError if its program could not be executed.
  pid_t exec(const ExecOrder& order, const Attachment* attachment);
  /// Both throw `not_found` once it has ended.
  void resize_exec(const std::string& id, unsigned height, unsigned width);
  void signal_exec(const std::string& id, int number);
  /// Lets connections of `listener` go to these targets, in place of the listener before; empty: none are taken.
  void relay(FdRef listener, std::vector<RelayTarget> targets);
  /// The same for datagrams, a socket for each target. Throws `unsupported` if the shim is too old.
  void relay_datagrams(std::span<const FdRef> sockets, std::vector<RelayTarget> targets);
  /// Copies of the listener and the sockets of these two. Throws `unsupported` if the shim is too old.
  std::vector<UniqueFd> relayed();
  /// Lets the shim hold copies of these until the container ends, in place of those before. Throws `unsupported` if it
  /// is too old.
  void keep(std::span<const UniqueFd> fds);
  /// Copies of what it holds: of this daemon, or of the one before. None if it is too old.
  std::vector<UniqueFd> kept();
  /// The further processes that run, and the last of those that have ended.
  std::vector<KnownExec> execs();
  /// Returns when the shim has answered: all events before are in hand.
  void ping();

  /// The state that the shim reported when `find` connected.
  [[nodiscard]] std::optional<Started> state() const;

  /// The socket on which events arrive: for the reactor's epoll (edge-triggered: it must not spin while a call waits
  /// for its reply), which then calls `take_events`. `notify` is called in its place for what came in during a call.
  [[nodiscard]] FdRef socket() const;
  void on_kept_events(std::function<void()> notify);
  /// The shim's own process, not the container's.
  [[nodiscard]] pid_t shim_pid() const;

  /// What has arrived; does not block. `gone()` tells whether the shim has hung up.
  std::vector<ShimEvent> take_events();
  [[nodiscard]] bool gone() const;
  /// Blocks until the shim hangs up: its socket, directory and cgroup are no longer in the way of a next start.
  void wait_until_gone();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The program could not be executed: what Docker's client turns into exit code 126 or 127.
class StartError : public Error {
 public:
  StartError(int exit_code, Error error) : Error(std::move(error)), exit_code_(exit_code) {}
  [[nodiscard]] int exit_code() const noexcept { return exit_code_; }

 private:
  int exit_code_;
};

/// Ready shims, started in advance so that a container's start does not wait for an exec. Threads: any.
class ShimPool {
 public:
  /// `program`: path of berth-shim; `ready`: how many wait. The pool is filled by `refill`, off the path of a start.
  ShimPool(fs::path program, std::size_t ready);
  ~ShimPool();
  /// A ready shim, or a new one.
  std::unique_ptr<ShimClient> take();
  /// True if no shim waits.
  [[nodiscard]] bool is_empty();
  /// Starts shims until `ready` wait. Call after the answer to the client.
  void refill();
  /// Readable when a shim that we started has left: for the reactor's epoll, which then calls `reap`.
  [[nodiscard]] FdRef departures() const;
  /// Reaps shims that have left (they are our children unless we were restarted). Does not block.
  void reap();

 private:
  struct State {
    std::vector<std::unique_ptr<ShimClient>> ready;
    std::map<int, Spawned> children;  ///< by pidfd
  };

  std::unique_ptr<ShimClient> spawn_shim();

  fs::path program_;
  std::size_t ready_;
  UniqueFd departures_;
  Guarded<State> state_;
};

}  // namespace berth::shim

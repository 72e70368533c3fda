// The life of one shim: wait for "start", make the container, serve until it has ended, report, clean up.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "base/file.hpp"
#include "base/time.hpp"
#include "runtime/runtime.hpp"
#include "shim/bundle.hpp"
#include "shim/monitor/container_log.hpp"
#include "shim/monitor/datagram_relay.hpp"
#include "shim/monitor/execs.hpp"
#include "shim/monitor/loop.hpp"
#include "shim/monitor/port_relay.hpp"
#include "shim/monitor/server.hpp"
#include "shim/monitor/streams.hpp"

namespace berth::shim {

/// What the monitor needs of runtime/: tests put their own in its place.
struct RuntimeCalls {
  runtime::Init (*create)(const runtime::CreateRequest& request);
  runtime::Exec (*exec)(const runtime::ExecRequest& request);
  bool (*destroy_cgroup)(const std::string& cgroup) noexcept;
  bool (*oom_killed)(const std::string& cgroup) noexcept;
  void (*warm_up)();
};

/// Makes this process fit for a monitor: its own session, subreaper of the container, deaf to signals that mean the
/// daemon. Handlers instead of SIG_IGN, because an ignored signal would stay ignored in the container.
void prepare_process();

class Monitor {
 public:
  /// `control`: the connection on which "start" arrives. If it closes before, `run` returns.
  Monitor(UniqueFd control, RuntimeCalls runtime);

  /// Returns when the container has ended, everybody has been told, and nothing of it is left.
  void run();

 private:
  enum class Stage {
    waiting,  ///< for "start"
    running,
    ended,     ///< process 1 is reaped; its output is not yet all read, or not yet in the log
    reported,  ///< cleaned up; clients may still be reading
    failed,    ///< to start
  };

  Reply answer(Message& request, std::vector<FdRef>& fds);
  Reply answer_running(std::string_view op, Message& request, std::vector<FdRef>& fds);
  Reply start(Message& request);
  Reply exec(Message& request);
  void relay_datagrams(const RelayRequest& request, std::vector<UniqueFd> sockets);
  void create_container(const StartRequest& request, std::vector<UniqueFd> fds);
  void abandon_container() noexcept;
  void after_start();
  void reap();
  void on_exit(int status);
  bool log_is_complete();
  void step();
  void report();
  void write_exit_file(const std::string& text);
  void make_exit_durable() const;
  void on_idle();
  void warm_up();
  void settle();
  void warn(const std::string& message);
  [[nodiscard]] bool is_over() const;
  [[nodiscard]] std::optional<std::chrono::milliseconds> timeout() const;

  RuntimeCalls runtime_;
  Loop loop_;
  UniqueFd child_event_;
  Watch child_watch_;
  Server server_;
  BundleSettings settings_;
  std::optional<ContainerLog> log_;
  std::optional<Streams> streams_;
  Execs execs_;
  PortRelay relay_;
  DatagramRelay datagram_relay_;
  std::vector<UniqueFd> kept_;  ///< for the daemon, which may be away: only held
  runtime::Init init_;
  fs::path bundle_;
  ExitStatus exit_;
  UniqueFd exit_file_;  ///< exit.json under its temporary name
  Stage stage_ = Stage::waiting;
  bool is_warm_ = false;
  bool after_start_is_due_ = false;
  bool is_settled_ = false;
  bool has_scored_ = false;  ///< has asked the kernel to spare this process
  std::chrono::steady_clock::time_point drain_deadline_;
  std::chrono::steady_clock::time_point log_deadline_;
};

}  // namespace berth::shim

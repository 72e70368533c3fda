// A monitor as a process of its own, with a runtime that only forks: containers are shell commands on the host.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/spawn.hpp"
#include "base/strings.hpp"
#include "shim/monitor/monitor.hpp"

namespace berth::shim {

[[noreturn]] inline void run_program(const runtime::CreateRequest& request) {
  const auto use = [](FdRef fd, int number) { ::dup2(fd ? fd.get() : ::open("/dev/null", O_RDWR), number); };
  use(request.stdin_fd, 0);
  use(request.stdout_fd, 1);
  use(request.stderr_fd, 2);
  ::close_range(3, ~0U, 0);
  ::execl("/bin/sh", "sh", "-c", request.spec.process->args.at(0).c_str(), nullptr);
  ::_exit(127);
}

inline runtime::Init fake_create(const runtime::CreateRequest& request) {
  if (request.spec.process->args.at(0) == "missing") {
    throw runtime::ExecError{runtime::StartFailure::not_found, Error{Kind::invalid, "exec: \"missing\": not found"}};
  }
  if (request.network_namespace) write_file(request.bundle / "entered", "");
  runtime::Init init;
  int console = -1;
  init.pid = request.spec.process->terminal ? ::forkpty(&console, nullptr, nullptr, nullptr) : ::fork();
  if (init.pid == 0 && request.spec.process->terminal) {
    ::execl("/bin/sh", "sh", "-c", request.spec.process->args.at(0).c_str(), nullptr);
  }
  if (init.pid == 0) run_program(request);
  init.console = UniqueFd{console};
  if (init.console) set_cloexec(init.console, true);
  return init;
}

/// Only streams: the container's terminal would need a container.
inline runtime::Exec fake_exec(const runtime::ExecRequest& request) {
  if (request.process.args.at(0) == "missing") {
    throw runtime::ExecError{runtime::StartFailure::not_found, Error{Kind::invalid, "exec: \"missing\": not found"}};
  }
  runtime::Exec exec;
  exec.pid = ::fork();
  if (exec.pid == 0) {
    runtime::CreateRequest program;
    program.stdin_fd = request.stdin_fd;
    program.stdout_fd = request.stdout_fd;
    program.stderr_fd = request.stderr_fd;
    program.spec.process = request.process;
    run_program(program);
  }
  return exec;
}

inline bool fake_destroy(const std::string& /*cgroup*/) noexcept {
  return true;
}
inline bool fake_oom(const std::string& /*cgroup*/) noexcept {
  return false;
}
inline void fake_warm_up() {}

/// A monitor in a child process, and what a daemon does with it.
class MonitorTest : public testing::Test {
 protected:
  MonitorTest() {
    settings.id = "c1";
    settings.log.path = bundle / "c1-json.log";
    fs::create_directory(bundle);
    auto sockets = make_socket_pair(SOCK_SEQPACKET);
    shim = ::fork();
    if (shim == 0) {
      sockets.first.reset();
      prepare_process();
      Monitor{std::move(sockets.second), {fake_create, fake_exec, fake_destroy, fake_oom, fake_warm_up}}.run();
      ::_exit(0);
    }
    control = std::move(sockets.first);
  }
  ~MonitorTest() override {
    if (shim <= 0) return;
    ::kill(shim, SIGKILL);
    ::waitpid(shim, nullptr, 0);
  }

  void wait_for_shim() {
    EXPECT_EQ(wait_for_exit(shim), 0);
    shim = -1;
  }

  static json::Value receive(FdRef socket) {
    Message message;
    if (receive_message(socket, message, Wait::yes) != Receipt::message)
      throw Error{Kind::unavailable, "shim has gone"};
    return message.body;
  }

  [[nodiscard]] Reply request(const json::Value& body, std::span<const FdRef> fds = {}) const {
    send_message(control, body, fds);
    return json::from<Reply>(receive(control));
  }

  /// `fds`: of the attachments, `keep` to be kept, and one more for a network namespace.
  [[nodiscard]] Reply start(std::string command, std::vector<Attach> attach = {}, std::vector<FdRef> fds = {},
                            unsigned keep = 0) const {
    oci::runtime::Spec spec;
    spec.process.emplace().args = {std::move(command)};
    spec.process->terminal = settings.tty;
    write_file(bundle / config_file, json::write(spec));
    write_file(bundle / settings_file, json::write(settings));
    StartRequest order{.bundle = bundle, .socket_dir = socket_dir, .attach = std::move(attach), .keep = keep};
    order.network_namespace = fds.size() > order.attach.size() + keep;
    return request(json::to(order), fds);
  }

  [[nodiscard]] ExitStatus wait_for_exit_event() const {
    const auto event = receive(control);
    EXPECT_EQ(text_member(event, "event"), "exit");
    return json::from<ExitStatus>(event);
  }

  [[nodiscard]] std::string log() const {
    std::string text;
    for (const auto& line : split(read_file(settings.log.path), '\n')) {
      if (!line.empty()) text += text_member(json::parse(line), "log");
    }
    return text;
  }

  static std::string read_up_to(FdRef fd, std::size_t size) {
    std::string text(size, '\0');
    std::size_t used = 0;
    while (used < size) {
      const auto count = read_some(fd, {text.data() + used, size - used});
      if (count == 0) break;
      used += count;
    }
    text.resize(used);
    return text;
  }

  TempDir temporary{"/tmp", "shim"};
  fs::path bundle = temporary.path() / "bundle";
  fs::path socket_dir = temporary.path() / "run" / "c1";
  BundleSettings settings;
  UniqueFd control;
  pid_t shim = -1;
};

inline const Attach both{.stdin_ = false, .stdout_ = true, .stderr_ = true};
inline const Attach all_raw{.stdin_ = true, .stdout_ = true, .stderr_ = true, .multiplexed = false};

}  // namespace berth::shim

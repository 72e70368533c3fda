// Further processes in a running container: create, start, resize, inspect, and how they end.
#include "containers/exec.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include "base/error.hpp"
#include "base/id.hpp"
#include "base/log.hpp"
#include "base/strings.hpp"
#include "containers/exec_process.hpp"
#include "containers/internal.hpp"
#include "shim/detach_keys.hpp"

namespace berth::containers {
namespace {

/// As Docker: how long a resize waits for the start.
constexpr std::chrono::seconds resize_patience{10};
/// What Docker records when the process could not be made at all.
constexpr int setup_failed_exit_code = 126;
constexpr int not_found_exit_code = 127;
/// Of a process that was killed with its container.
constexpr int killed_exit_code = 137;

/// Throws `conflict` with Docker's texts unless further processes can be started in it.
void require_active(Container& container, const std::string& name) {
  const auto state = container.state();
  switch (state.status) {
    case Status::running: return;
    case Status::paused: throw Error{Kind::conflict, "Container {} is paused, unpause the container before exec", name};
    case Status::restarting:
      throw Error{Kind::conflict, "Container {} is restarting, wait until the container is running", name};
    default: throw Error{Kind::conflict, "container {} is not running", container.id};
  }
}

bool is_alive(Exec::Phase phase) {
  return phase == Exec::Phase::starting || phase == Exec::Phase::running;
}

std::map<std::string, std::string> event_attributes(const Exec& exec) {
  return {{"execID", exec.id}};
}

/// Docker goes by the text: a missing working directory counts as a missing program.
int failure_exit_code(const Error& error) {
  return error.message().contains("no such file or directory") ? not_found_exit_code : setup_failed_exit_code;
}

}  // namespace

std::string Containers::create_exec(const std::string& name, ExecConfig config) {
  const auto container = impl_->get(name);
  require_active(*container, name);
  try {
    shim::parse_detach_keys(config.DetachKeys);
  } catch (const Error&) {
    throw Error{Kind::invalid, "Invalid escape keys ({}) provided", config.DetachKeys};
  }
  auto exec = std::make_shared<Exec>(random_hex(32), container, std::move(config));
  impl_->execs.enter(exec);
  impl_->publish(*container, "exec_create: " + command_of(exec->config), event_attributes(*exec));
  return exec->id;
}

ExecTarget Containers::exec_target(const std::string& id, ExecStart start) {
  auto exec = impl_->execs.get(id);
  require_active(*exec->container, exec->container->id);
  if (!start.Tty) start.ConsoleSize.clear();  // a size without a terminal is left out, as Docker does
  return {std::move(exec), std::move(start)};
}

void Containers::start_exec(const ExecTarget& target, shim::Attachment* client) {
  auto& exec = *target.exec;
  // A process that joins a cgroup while that is being frozen would keep the shim waiting for it.
  const std::lock_guard lock{exec.container->freezer};
  require_active(*exec.container, exec.container->id);
  if (is_alive(exec.state().phase)) impl_->catch_up(exec.container);  // its client may have seen the end before us
  exec.claim();
  const auto& config = exec.config;
  impl_->publish(*exec.container, "exec_start: " + command_of(config), event_attributes(exec));
  shim::ExecOrder order{.id = exec.id};
  if (client != nullptr) {
    client->stdin_ = order.stdin_ = config.AttachStdin;
    client->stdout_ = order.stdout_ = config.AttachStdout;
    client->stderr_ = order.stderr_ = config.AttachStderr;
    client->detach_keys = config.DetachKeys;
    client->multiplexed = !target.start.Tty;
  }
  try {
    order.settings = exec_settings(*exec.container, config, target.start, impl_->paths(exec.container->id).directory,
                                   impl_->link_variables(*exec.container));
    order.settings.info = json::to(config);
    exec.set_running(impl_->ask_shim(exec.container, [&](shim::ShimClient& shim) { return shim.exec(order, client); }));
  } catch (const shim::StartError& error) {
    exec.end(error.exit_code());
    throw exec_failure(error);
  } catch (const Error& error) {
    exec.end(failure_exit_code(error));
    if (error.kind() == Kind::conflict) throw Error{Kind::conflict, "container {} is not running", exec.container->id};
    throw exec_failure(error);
  }
}

void Containers::resize_exec(const std::string& id, unsigned height, unsigned width) {
  const auto exec = impl_->execs.get(id);
  require_active(*exec->container, exec->container->id);
  const auto changed = exec->waiters.join();
  const auto deadline = Exec::Clock::now() + resize_patience;
  for (auto phase = exec->state().phase; phase != Exec::Phase::running; phase = exec->state().phase) {
    if (phase == Exec::Phase::ended) throw Error{Kind::not_found, "Exec command {} is not running", id};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Exec::Clock::now()).count();
    if (left <= 0) throw Error{Kind::internal, "timeout waiting for exec session ready"};
    pollfd waited{.fd = changed->get(), .events = POLLIN, .revents = 0};
    ::poll(&waited, 1, static_cast<int>(left));
    eventfd_t count = 0;
    ::eventfd_read(changed->get(), &count);
  }
  impl_->ask_shim(exec->container, [&](shim::ShimClient& shim) { shim.resize_exec(id, height, width); });
}

ExecInspect Containers::inspect_exec(const std::string& id) {
  const auto exec = impl_->execs.get(id);
  // Also one whose start is not quite over here: its client may have heard of its end already.
  if (is_alive(exec->state().phase)) impl_->catch_up(exec->container);
  const auto state = exec->state();
  const auto& config = exec->config;
  ExecInspect shown;
  shown.ID = exec->id;
  shown.Running = is_alive(state.phase);
  if (state.phase == Exec::Phase::ended) shown.ExitCode = state.exit_code;
  shown.ProcessConfig_.tty = config.Tty;
  shown.ProcessConfig_.entrypoint = config.Cmd->front();
  shown.ProcessConfig_.arguments.assign(config.Cmd->begin() + 1, config.Cmd->end());
  shown.ProcessConfig_.privileged = config.Privileged;
  shown.ProcessConfig_.user = config.User;
  shown.OpenStdin = config.AttachStdin;
  shown.OpenStdout = config.AttachStdout;
  shown.OpenStderr = config.AttachStderr;
  shown.CanRemove = state.phase == Exec::Phase::ended;
  shown.ContainerID = exec->container->id;
  if (!config.DetachKeys.empty()) shown.DetachKeys = to_base64(shim::parse_detach_keys(config.DetachKeys));
  shown.Pid = state.pid;
  return shown;
}

void Containers::Impl::on_exec_exit(Container& container, const shim::ExecExit& ended) {
  const auto exec = execs.find(ended.id);
  if (!exec || !exec->end(ended.exit_code)) return;
  auto attributes = event_attributes(*exec);
  attributes["exitCode"] = std::to_string(ended.exit_code);
  publish(container, "exec_die", std::move(attributes));
}

void Containers::Impl::end_execs(Container& container) {
  for (const auto& exec : execs.of(container.id, false)) {
    if (exec->state().phase == Exec::Phase::created) {
      execs.forget(exec->id);
    } else {
      on_exec_exit(container, {.id = exec->id, .exit_code = killed_exit_code});
    }
  }
}

void Containers::Impl::recover_execs(const ContainerPtr& container, const std::vector<shim::KnownExec>& known) {
  for (const auto& one : known) {
    if (adopt_probe(*container, one)) continue;
    const auto& [state, made_of] = one;
    auto exec = std::make_shared<Exec>(state.id, container, json::from<ExecConfig>(made_of.info));
    exec->claim();
    exec->set_running(state.pid);
    if (!state.running) exec->end(state.exit_code);
    execs.enter(exec);
  }
}

}  // namespace berth::containers

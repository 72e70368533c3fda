#include "runtime/hooks.hpp"

#include <poll.h>
#include <sys/wait.h>

#include <csignal>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/spawn.hpp"

namespace berth::runtime {
namespace {

void run_hook(const oci::runtime::Hook& hook, const std::string& state) {
  if (!hook.path.starts_with('/')) throw Error{Kind::invalid, "hook {} is not an absolute path", quote(hook.path)};
  auto input = make_pipe();
  SpawnOptions options;
  options.program = hook.path;
  options.arguments = hook.args;
  if (options.arguments.empty()) options.arguments = {hook.path};
  options.environment = hook.env;
  options.fds = {{input.read_end.get(), 0}, {1, 1}, {2, 2}};
  const auto child = spawn(options);
  input.read_end.reset();
  try {
    write_all(input.write_end, state);
  } catch (const Error&) {
    // A hook that does not read its state is none the worse for it.
  }
  input.write_end.reset();
  pollfd exited{.fd = child.pidfd.get(), .events = POLLIN, .revents = 0};
  const int timeout = hook.timeout ? *hook.timeout * 1000 : -1;
  const bool in_time = ::poll(&exited, 1, timeout) != 0;
  if (!in_time) ::kill(child.pid, SIGKILL);
  const int code = wait_for_exit(child.pid);
  if (!in_time) throw Error{Kind::internal, "hook {} took longer than {} s", quote(hook.path), *hook.timeout};
  if (code != 0) throw Error{Kind::internal, "hook {} failed with exit code {}", quote(hook.path), code};
}

}  // namespace

std::string hook_state(const Plan& plan, std::string_view status, pid_t pid) {
  json::Object annotations;
  for (const auto& [key, value] : plan.annotations) annotations[key] = value;
  const json::Object state = {{"ociVersion", "1.2.0"},
                              {"id", plan.id},
                              {"status", json::to(std::string{status})},
                              {"pid", static_cast<std::int64_t>(pid)},
                              {"bundle", plan.bundle.native()},
                              {"annotations", annotations}};
  return json::write(json::Value(state));
}

void run_hooks(const std::vector<oci::runtime::Hook>& hooks, const std::string& state) {
  for (const auto& hook : hooks) run_hook(hook, state);
}

}  // namespace berth::runtime

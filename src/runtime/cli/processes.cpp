// exec, ps, pause, resume.
#include <unistd.h>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/spawn.hpp"
#include "base/strings.hpp"
#include "runtime/cli/command_line.hpp"
#include "runtime/cli/console.hpp"
#include "runtime/cli/state.hpp"
#include "runtime/runtime.hpp"

namespace berth::runtime::cli {
namespace {

constexpr Option exec_options[] = {{"process", 'p', true}, {"console-socket", 0, true},
                                   {"pid-file", 0, true},  {"cwd", 0, true},
                                   {"env", 'e', true},     {"tty", 't'},
                                   {"user", 'u', true},    {"additional-gids", 'g', true},
                                   {"detach", 'd'},        {"cap", 'c', true},
                                   {"no-new-privs"},       {"preserve-fds", 0, true}};
constexpr Option ps_options[] = {{"format", 'f', true}};

/// "uid[:gid]" in numbers: names are the engine's to resolve.
oci::runtime::User parse_user(const std::string& text) {
  const auto pair = split_once(text, ':');
  const auto uid = parse_number<std::uint32_t>(pair ? pair->first : std::string_view{text});
  const auto gid = pair ? parse_number<std::uint32_t>(pair->second) : std::optional<std::uint32_t>{0};
  if (!uid || !gid || *uid > 0x7FFFFFFF || *gid > 0x7FFFFFFF)
    throw Error{Kind::invalid, "user {} is not uid[:gid]", quote(text)};
  oci::runtime::User user;
  user.uid = *uid;
  user.gid = *gid;
  return user;
}

/// The container's own process with another command, and what the options change.
oci::runtime::Process read_process(const State& state, const Arguments& arguments) {
  if (const auto file = arguments.find("process")) return json::parse<oci::runtime::Process>(read_file(*file));
  auto process =
      oci::runtime::read_spec(fs::path{state.bundle} / "config.json").process.value_or(oci::runtime::Process{});
  process.args = {arguments.rest().begin() + 1, arguments.rest().end()};
  process.terminal = arguments.has("tty");
  process.cwd = arguments.find("cwd").value_or(process.cwd);
  if (const auto user = arguments.find("user")) process.user = parse_user(*user);
  for (const auto& gid : arguments.all("additional-gids")) {
    const auto number = parse_number<std::uint32_t>(gid);
    if (!number) throw Error{Kind::invalid, "group {} is no number", quote(gid)};
    process.user.additionalGids.push_back(*number);
  }
  for (const auto& entry : arguments.all("env")) process.env.push_back(entry);
  if (arguments.has("no-new-privs")) process.noNewPrivileges = true;
  if (!process.capabilities) return process;
  for (const auto& name : arguments.all("cap")) {
    for (auto* set :
         {&process.capabilities->bounding, &process.capabilities->effective, &process.capabilities->permitted}) {
      set->push_back(name);
    }
  }
  return process;
}

State read_running(const Settings& settings, const std::string& id) {
  auto state = read_state(settings, id);
  const auto status = status_of(settings, state);
  if (status != Status::running && status != Status::created) {
    throw Error{Kind::conflict, "container {} is {}", quote(id), to_string(status)};
  }
  return state;
}

int exec_command(const Settings& settings, const Arguments& arguments) {
  const auto state = read_running(settings, arguments.id());
  ExecRequest request;
  request.init = state.pid;
  request.cgroup = state.cgroup;
  request.process = read_process(state, arguments);
  request.seccomp_filter = state.seccomp_filter;
  request.seccomp_flags = state.seccomp_flags;
  request.stdin_fd = FdRef{STDIN_FILENO};
  request.stdout_fd = FdRef{STDOUT_FILENO};
  request.stderr_fd = FdRef{STDERR_FILENO};
  const int preserved = parse_number<int>(arguments.find("preserve-fds").value_or("0")).value_or(0);
  for (int fd = 3; fd < 3 + preserved; ++fd) request.extra_fds.emplace_back(fd, fd);
  auto started = exec(request);
  if (const auto socket = arguments.find("console-socket"); socket && started.console) {
    send_console(*socket, started.console);
    started.console.reset();
  }
  if (const auto file = arguments.find("pid-file")) replace_file(*file, std::to_string(started.pid), 0644, false);
  if (arguments.has("detach")) return 0;
  return attend(started.pid, started.pidfd, started.console);
}

int ps_command(const Settings& settings, const Arguments& arguments) {
  const auto state = read_state(settings, arguments.id());
  const auto pids = processes_of(state.cgroup);
  if (arguments.find("format").value_or("table") == "json") {
    write_all(FdRef{STDOUT_FILENO}, json::write(pids) + "\n");
    return 0;
  }
  std::string text = "PID\n";
  for (const auto pid : pids) text += std::to_string(pid) + "\n";
  write_all(FdRef{STDOUT_FILENO}, text);
  return 0;
}

int pause_command(const Settings& settings, const Arguments& arguments) {
  set_paused(read_running(settings, arguments.id()).cgroup, true);
  return 0;
}

int resume_command(const Settings& settings, const Arguments& arguments) {
  const auto state = read_state(settings, arguments.id());
  if (status_of(settings, state) != Status::paused)
    throw Error{Kind::conflict, "container {} is not paused", quote(state.id)};
  set_paused(state.cgroup, false);
  return 0;
}

constexpr Command commands[] = {
    {"exec", "[--tty] [--cwd DIR] [--env K=V] [--user UID[:GID]] [--process FILE] [--detach] ID [COMMAND...]",
     exec_options, 1, exec_command},
    {"ps", "[--format table|json] ID", ps_options, 1, ps_command},
    {"pause", "ID", {}, SIZE_MAX, pause_command},
    {"resume", "ID", {}, SIZE_MAX, resume_command},
};

}  // namespace

std::span<const Command> process_commands() {
  return commands;
}

}  // namespace berth::runtime::cli

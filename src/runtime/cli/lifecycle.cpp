// create, start, run, kill, delete.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>

#include "base/error.hpp"
#include "base/strings.hpp"
#include "base/time.hpp"
#include "base/undo.hpp"
#include "linux/process.hpp"
#include "runtime/cli/command_line.hpp"
#include "runtime/cli/console.hpp"
#include "runtime/cli/state.hpp"
#include "runtime/hooks.hpp"
#include "runtime/runtime.hpp"
#include "seccomp/compile.hpp"

namespace berth::runtime::cli {
namespace {

constexpr Option create_options[] = {
    {"bundle", 'b', true}, {"console-socket", 0, true}, {"pid-file", 0, true}, {"no-pivot"},
    {"no-new-keyring"},    {"preserve-fds", 0, true},   {"detach", 'd'},       {"keep"},
    {"no-subreaper"}};
constexpr Option kill_options[] = {{"all", 'a'}};
constexpr Option delete_options[] = {{"force", 'f'}};

/// The address of the start socket through a descriptor of its directory: a path may be longer than an address holds.
sockaddr_un start_address(FdRef directory) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto path = fmt::format("{}/{}", fd_path(directory), start_socket);
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

UniqueFd listen_for_start(const fs::path& directory) {
  UniqueFd socket{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
  const auto place = open_directory(directory);
  const auto address = start_address(place);
  if (!socket || ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0 ||
      ::listen(socket.get(), 1) < 0) {
    throw Error::from_errno(errno, "listen for the start");
  }
  return socket;
}

UniqueFd connect_to_start(const fs::path& directory) {
  UniqueFd socket{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
  const auto place = open_directory(directory);
  const auto address = start_address(place);
  if (!socket || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
    throw Error::from_errno(errno, "reach the container's process");
  }
  return socket;
}

unsigned seccomp_flags(const std::vector<std::string>& names) {
  unsigned flags = 0;
  for (const auto& name : names) {
    if (name == "SECCOMP_FILTER_FLAG_TSYNC") continue;  // there is one thread
    if (name == "SECCOMP_FILTER_FLAG_LOG")
      flags |= 2U;
    else if (name == "SECCOMP_FILTER_FLAG_SPEC_ALLOW")
      flags |= 4U;
    else
      throw Error{Kind::unsupported, "seccomp flag {}", quote(name)};
  }
  return flags;
}

/// Compiles linux.seccomp into a file of the state directory, where exec finds it again.
void compile_seccomp(CreateRequest& request, const fs::path& directory) {
  if (!request.spec.linux || !request.spec.linux->seccomp) return;
  const auto& config = *request.spec.linux->seccomp;
  const auto program = seccomp::compile(seccomp::from_oci(config, seccomp::current_host()));
  request.seccomp_filter = (directory / "seccomp.bpf").native();
  request.seccomp_flags = seccomp_flags(config.flags);
  write_file(request.seccomp_filter,
             {reinterpret_cast<const char*>(program.data()), program.size() * sizeof(sock_filter)}, 0600);
}

/// LISTEN_FDS of socket activation and --preserve-fds: 3 and on keep their numbers.
void preserve_descriptors(CreateRequest& request, const Arguments& arguments) {
  int count = parse_number<int>(arguments.find("preserve-fds").value_or("0")).value_or(-1);
  if (count < 0 || count > 1024) throw Error{Kind::invalid, "--preserve-fds needs a number"};
  if (const char* listen_fds = std::getenv("LISTEN_FDS")) {
    const int sockets = parse_number<int>(std::string_view{listen_fds}).value_or(0);
    count += std::clamp(sockets, 0, 1024);
    if (sockets > 0 && request.spec.process) {
      request.spec.process->env.push_back("LISTEN_FDS=" + std::to_string(sockets));
      request.spec.process->env.emplace_back("LISTEN_PID=1");
    }
  }
  for (int fd = 3; fd < 3 + count; ++fd) {
    if (::fcntl(fd, F_GETFD) < 0) throw Error{Kind::invalid, "--preserve-fds: descriptor {} is not open", fd};
    request.extra_fds.emplace_back(fd, fd);
  }
}

CreateRequest read_request(const Arguments& arguments) {
  if (arguments.has("no-pivot"))
    throw Error{Kind::unsupported, "--no-pivot is not there: a container without pivot_root can be left"};
  CreateRequest request;
  request.id = arguments.id();
  request.bundle = fs::absolute(arguments.find("bundle").value_or("."));
  request.spec = oci::runtime::read_spec(request.bundle / "config.json");
  request.stdin_fd = FdRef{STDIN_FILENO};
  request.stdout_fd = FdRef{STDOUT_FILENO};
  request.stderr_fd = FdRef{STDERR_FILENO};
  preserve_descriptors(request, arguments);
  return request;
}

State make_state(const CreateRequest& request, const Init& init) {
  State state;
  state.id = request.id;
  state.pid = init.pid;
  state.start_time = start_time_of(init.pid);
  state.bundle = request.bundle.native();
  state.rootfs = request.spec.root ? (request.bundle / request.spec.root->path).lexically_normal().native() : "";
  state.cgroup = init.cgroup;
  state.created = to_rfc3339(now());
  state.seccomp_filter = request.seccomp_filter;
  state.seccomp_flags = request.seccomp_flags;
  state.annotations = request.spec.annotations;
  return state;
}

void run_state_hooks(const State& state, Status status, const std::vector<oci::runtime::Hook>& hooks) {
  run_hooks(hooks, json::write(json::Value(public_state(state, status))));
}

oci::runtime::Hooks hooks_of(const State& state) {
  return oci::runtime::read_spec(fs::path{state.bundle} / "config.json").hooks.value_or(oci::runtime::Hooks{});
}

/// A process that waits in its state directory for the start.
struct Created {
  State state;
  Init init;
};

Created create_container(const Settings& settings, const Arguments& arguments, bool attended) {
  auto request = read_request(arguments);
  const auto socket_path = arguments.find("console-socket");
  const bool terminal = request.spec.process && request.spec.process->terminal;
  if (socket_path && !terminal)
    throw Error{Kind::invalid, "a console socket was given, but the process has no terminal"};
  if (!socket_path && terminal && !attended)
    throw Error{Kind::invalid, "a process with a terminal needs --console-socket"};
  const auto directory = make_state_directory(settings, request.id);
  Undo undo;
  undo.add([&] { remove_tree(directory); });
  compile_seccomp(request, directory);
  const auto listener = listen_for_start(directory);
  request.start_listener = listener;
  request.wait_for_start = true;
  auto init = create(request);
  undo.add([&] {
    ::kill(init.pid, SIGKILL);
    destroy_cgroup(init.cgroup);
  });
  if (socket_path) send_console(*socket_path, init.console);
  auto state = make_state(request, init);
  write_state(directory, state);
  if (const auto file = arguments.find("pid-file")) replace_file(*file, std::to_string(init.pid), 0644, false);
  undo.dismiss();
  return {.state = std::move(state), .init = std::move(init)};
}

void start_container(const Settings& settings, const State& state) {
  const auto directory = state_directory(settings, state.id);
  start_at(connect_to_start(directory));
  ::unlink((directory / start_socket).c_str());
  run_state_hooks(state, Status::running, hooks_of(state).poststart);
}

void delete_container(const Settings& settings, const State& state) {
  destroy_cgroup(state.cgroup);
  remove_tree(state_directory(settings, state.id));
  oci::runtime::Hooks hooks;
  try {
    hooks = hooks_of(state);
  } catch (const Error&) {
    return;  // the bundle has gone before the container: then its hooks have too
  }
  run_state_hooks(state, Status::stopped, hooks.poststop);
}

int create_command(const Settings& settings, const Arguments& arguments) {
  create_container(settings, arguments, false);
  return 0;
}

int start_command(const Settings& settings, const Arguments& arguments) {
  const auto state = read_state(settings, arguments.id());
  const auto status = status_of(settings, state);
  if (status != Status::created) throw Error{Kind::conflict, "cannot start a container that is {}", to_string(status)};
  start_container(settings, state);
  return 0;
}

int run_command(const Settings& settings, const Arguments& arguments) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  auto created = create_container(settings, arguments, !arguments.has("detach"));
  Undo undo;
  undo.add([&] {
    ::kill(created.init.pid, SIGKILL);
    try {
      delete_container(settings, created.state);
    } catch (const Error&) {
      return;  // the error that brought us here is the one to be told
    }
  });
  start_container(settings, created.state);
  if (arguments.has("detach")) {
    undo.dismiss();
    return 0;
  }
  const int code = attend(created.init.pid, created.init.pidfd, created.init.console);
  undo.dismiss();
  created.init.mounts.reset();
  if (!arguments.has("keep")) delete_container(settings, created.state);
  return code;
}

int parse_signal(const std::string& text) {
  if (const auto number = parse_number<int>(text); number && *number > 0 && *number < SIGRTMAX) return *number;
  auto name = to_upper(text);
  if (name.starts_with("SIG")) name = name.substr(3);
  for (int number = 1; number < NSIG; ++number) {
    const char* known = ::sigabbrev_np(number);
    if (known != nullptr && name == known) return number;
  }
  throw Error{Kind::invalid, "unknown signal {}", quote(text)};
}

int kill_command(const Settings& settings, const Arguments& arguments) {
  const auto state = read_state(settings, arguments.id());
  const int signal = parse_signal(arguments.rest().size() > 1 ? arguments.rest()[1] : "TERM");
  if (arguments.has("all")) {
    for (const pid_t pid : processes_of(state.cgroup)) ::kill(pid, signal);
    return 0;
  }
  if (!is_alive(state)) throw Error{Kind::conflict, "container not running"};
  kernel::send_signal(kernel::open_pidfd(state.pid), signal);
  return 0;
}

int delete_command(const Settings& settings, const Arguments& arguments) {
  const bool force = arguments.has("force");
  const auto id = arguments.id();
  State state;
  try {
    state = read_state(settings, id);
  } catch (const Error& error) {
    if (!force || error.kind() != Kind::not_found) throw;
    remove_tree(fs::path{settings.root} / id);
    return 0;
  }
  const auto status = status_of(settings, state);
  if (status != Status::stopped) {
    if (!force && status != Status::created) {
      throw Error{Kind::conflict, "cannot delete container {} that is not stopped: {}", quote(id), to_string(status)};
    }
    ::kill(state.pid, SIGKILL);
  }
  delete_container(settings, state);
  return 0;
}

constexpr Command commands[] = {
    {"create", "[--bundle DIR] [--pid-file FILE] [--console-socket PATH] ID", create_options, SIZE_MAX, create_command},
    {"start", "ID", {}, SIZE_MAX, start_command},
    {"run", "[--detach] [--keep] [--bundle DIR] [--pid-file FILE] [--console-socket PATH] ID", create_options, SIZE_MAX,
     run_command},
    {"kill", "[--all] ID [SIGNAL]", kill_options, SIZE_MAX, kill_command},
    {"delete", "[--force] ID", delete_options, SIZE_MAX, delete_command},
};

}  // namespace

std::span<const Command> lifecycle_commands() {
  return commands;
}

}  // namespace berth::runtime::cli

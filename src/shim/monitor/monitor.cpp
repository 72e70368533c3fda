#include "shim/monitor/monitor.hpp"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace berth::shim {
namespace {

using std::chrono::milliseconds;

/// How long output is awaited that somebody outside the container holds open after its end. Docker waits as long.
constexpr milliseconds drain_patience{2000};
/// After a start, or after work: how long until memory is given back.
constexpr milliseconds settle_delay{100};

/// Written by the handler of SIGCHLD. The program has one monitor.
int child_event_fd = -1;

extern "C" void note_child(int /*signal*/) {
  const int saved = errno;
  const std::uint64_t one = 1;
  const auto ignored = ::write(child_event_fd, &one, sizeof one);
  static_cast<void>(ignored);
  errno = saved;
}

extern "C" void ignore_signal(int /*signal*/) {}

void handle(int signal, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  ::sigaction(signal, &action, nullptr);
}

int exit_code_of(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/// What Docker's client makes its own exit code of.
int start_exit_code(runtime::StartFailure failure) {
  switch (failure) {
    case runtime::StartFailure::not_found: return 127;
    case runtime::StartFailure::not_executable: return 126;
    case runtime::StartFailure::setup: break;
  }
  return 0;
}

runtime::CreateRequest create_request(const fs::path& bundle, const BundleSettings& settings,
                                      const Streams::Ends& ends) {
  runtime::CreateRequest create;
  create.id = settings.id;
  create.bundle = bundle;
  create.spec = json::parse<oci::runtime::Spec>(read_file(bundle / config_file));
  if (!settings.rootfs.lower.empty()) {
    create.overlay = runtime::Overlay{settings.rootfs.lower, settings.rootfs.upper, settings.rootfs.work};
  }
  create.user = settings.user;
  create.additional_groups = settings.group_add;
  create.seccomp_filter = settings.seccomp_filter;
  create.stdin_fd = ends.stdin_end;
  create.stdout_fd = ends.stdout_end;
  create.stderr_fd = ends.stderr_end;
  return create;
}

}  // namespace

void prepare_process() {
  ::setsid();  // EPERM if we lead a session already
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGALRM, SIGUSR1, SIGUSR2}) {
    handle(signal, ignore_signal);
  }
  if (::chdir("/") < 0) throw Error::from_errno(errno, "change to the root directory");
  ::umask(022);
  ::mallopt(M_TOP_PAD, 0);
  ::mallopt(M_TRIM_THRESHOLD, 16 << 10);
  ::mallopt(M_MMAP_THRESHOLD, 64 << 10);
}

Monitor::Monitor(UniqueFd control, RuntimeCalls runtime)
    : runtime_(runtime),
      child_event_(make_eventfd()),
      child_watch_(loop_, child_event_, [this](std::uint32_t) { reap(); }),
      server_(loop_, std::move(control), [this](Message& request) { return answer(request); }) {
  child_watch_.set(EPOLLIN);
  child_event_fd = child_event_.get();
  handle(SIGCHLD, note_child);
}

void Monitor::run() {
  while (!is_over()) {
    try {
      if (!loop_.run_once(timeout())) settle();
      step();
    } catch (const Error& error) {
      warn(error.message());
    }
  }
}

bool Monitor::is_over() const {
  switch (stage_) {
    case Stage::waiting: return !server_.has_connections();
    case Stage::failed: return true;
    case Stage::reported: return !streams_->has_clients();
    default: return false;
  }
}

std::optional<milliseconds> Monitor::timeout() const {
  if (stage_ == Stage::ended) {
    const auto left = std::chrono::ceil<milliseconds>(drain_deadline_ - std::chrono::steady_clock::now());
    return std::max(left, milliseconds{0});
  }
  if (stage_ == Stage::running && !settled_) return settle_delay;
  return std::nullopt;
}

Reply Monitor::answer(Message& request) {
  const auto op = text_member(request.body, "op");
  if (op == "start") return start(request);
  if (op == "ping") return {};
  if (stage_ != Stage::running) throw Error{Kind::conflict, "container is not running"};
  if (op == "attach") {
    if (request.fds.size() != 1) throw Error{Kind::invalid, "attach with {} descriptors", request.fds.size()};
    streams_->attach(std::move(request.fds.front()), json::from<Attach>(request.body));
  } else if (op == "resize") {
    const auto size = json::from<ResizeRequest>(request.body);
    streams_->resize(size.height, size.width);
  } else if (op == "signal") {
    const int number = json::from<SignalRequest>(request.body).signal;
    // Not yet reaped, so the number is still ours.
    if (::kill(init_.pid, number) < 0)
      throw Error::from_errno(errno, "send signal {} to process {}", number, init_.pid);
  } else {
    throw Error{Kind::unsupported, "shim has no operation {}", quote(op)};
  }
  return {};
}

Reply Monitor::start(Message& request) {
  if (stage_ != Stage::waiting) throw Error{Kind::conflict, "shim has a container already"};
  Reply reply;
  try {
    create_container(json::from<StartRequest>(request.body), std::move(request.fds));
    reply.pid = init_.pid;
    reply.started_at = exit_.started_at;
    return reply;
  } catch (const runtime::ExecError& error) {
    reply = failure_reply(error);
    reply.exit_code = start_exit_code(error.failure());
  } catch (...) {
    reply = failure_reply(current_error());
  }
  stage_ = Stage::failed;
  server_.stop_listening();
  return reply;
}

void Monitor::create_container(const StartRequest& request, std::vector<UniqueFd> connections) {
  if (connections.size() != request.attach.size()) {
    throw Error{Kind::invalid, "start with {} attachments and {} descriptors", request.attach.size(),
                connections.size()};
  }
  bundle_ = request.bundle;
  settings_ = json::parse<BundleSettings>(read_file(bundle_ / settings_file));
  server_.listen(request.socket_dir);
  streams_.emplace(loop_, settings_, [this](const std::string& message) { warn(message); });
  for (std::size_t i = 0; i < connections.size(); ++i) {
    streams_->attach(std::move(connections[i]), request.attach[i]);
  }
  {
    const auto ends = settings_.tty ? Streams::Ends{} : streams_->open_pipes();
    init_ = runtime_.create(create_request(bundle_, settings_, ends));
  }
  if (settings_.tty) streams_->take_console(std::move(init_.console));
  exit_.started_at = to_rfc3339(now());
  StateEvent state;
  state.pid = init_.pid;
  state.started_at = exit_.started_at;
  server_.set_greeting(json::to(state));
  stage_ = Stage::running;
}

void Monitor::reap() {
  std::uint64_t count = 0;
  const auto ignored = ::read(child_event_.get(), &count, sizeof count);
  static_cast<void>(ignored);
  int status = 0;
  pid_t pid = 0;
  while ((pid = ::waitpid(-1, &status, WNOHANG)) > 0) {
    if (pid == init_.pid && stage_ == Stage::running) {
      on_exit(status);
    } else if (streams_) {
      streams_->child_ended(pid);
    }
  }
}

void Monitor::on_exit(int status) {
  exit_.exit_code = exit_code_of(status);
  exit_.finished_at = to_rfc3339(now());
  stage_ = Stage::ended;
  drain_deadline_ = std::chrono::steady_clock::now() + drain_patience;
  // The processes of the container's PID namespace died before its process 1 could be reaped, so what they wrote is in
  // the pipes and the pipes are closed.
  streams_->drain();
  // Without a namespace of its own some may live on: they end with the container.
  if (!streams_->has_ended()) runtime_.destroy_cgroup(init_.cgroup);
}

/// What follows from the event that was just handled.
void Monitor::step() {
  server_.sweep();
  if (!streams_) return;
  streams_->balance();
  if (stage_ != Stage::ended) return;
  if (std::chrono::steady_clock::now() >= drain_deadline_) streams_->abandon();
  if (streams_->has_ended()) report();
}

/// The order matters. Whoever hears of the exit finds all output in the log and exit.json in the bundle; the daemon
/// waits for the event, so what takes time comes after it; and the closed connection says that nothing is in the way of
/// a restart.
void Monitor::report() {
  exit_.oom_killed = runtime_.oom_killed(init_.cgroup);
  stage_ = Stage::reported;
  auto event = json::to(exit_);
  const auto text = json::write(event);
  try {
    replace_file(bundle_ / exit_file, text, 0600, false);
  } catch (const Error& error) {
    warn(error.message());
  }
  streams_->finish_clients();
  event.as_object()["event"] = "exit";
  server_.broadcast(event);

  server_.stop_listening();
  runtime_.destroy_cgroup(init_.cgroup);
  make_exit_durable();
  server_.close_connections();
}

/// After this a power loss does not take the exit status away. A removed container needs none.
void Monitor::make_exit_durable() const {
  try {
    sync_path(bundle_ / exit_file);
    sync_path(bundle_);
  } catch (const Error&) {
    return;  // The bundle has been removed: the daemon has what it wants.
  }
}

/// Quiet time after a start: gives back the memory that it took, and asks the kernel to spare this process.
void Monitor::settle() {
  if (settled_ || stage_ != Stage::running) return;
  settled_ = true;
  // After the container's start, so that it does not inherit the score. EPERM without CAP_SYS_RESOURCE: then not.
  if (const UniqueFd score{::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC)}) {
    const auto ignored = ::write(score.get(), "-999", 4);
    static_cast<void>(ignored);
  }
  ::malloc_trim(0);
}

void Monitor::warn(const std::string& message) {
  server_.broadcast({{"event", "warning"}, {"message", message}});
}

}  // namespace berth::shim

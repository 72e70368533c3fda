#include "shim/monitor/monitor.hpp"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
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
/// How long a log driver has, after the container's end, to take what waits for it. Docker waits 10 s, which is also
/// how long a client's kill waits for the end.
constexpr milliseconds log_patience{5000};
/// How long a new shim waits for work before it prepares itself for it: one that is not from the pool has it at once.
constexpr milliseconds warm_up_delay{3};
/// After a start: how long until memory is given back.
constexpr milliseconds settle_delay{100};
constexpr const char* new_exit_file = "exit.json.new";

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

/// Gives back the part of the stack that a start needed and the loop does not: what lies below the caller's frame.
void release_stack() {
  constexpr std::uintptr_t page = 4096;
  constexpr std::uintptr_t span = 64U << 10U;
  const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  const auto top = (here & ~(page - 1)) - page;                         // a page for what is called from here
  ::madvise(reinterpret_cast<void*>(top - span), span, MADV_DONTNEED);  // ENOMEM where the stack has not grown
}

/// From the kernel when memory runs out. After the container's start, so that it does not inherit the score. EPERM
/// without CAP_SYS_RESOURCE: then not.
void ask_to_be_spared() {
  if (const UniqueFd score{::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC)}) {
    const auto ignored = ::write(score.get(), "-999", 4);
    static_cast<void>(ignored);
  }
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
}

Monitor::Monitor(UniqueFd control, RuntimeCalls runtime)
    : runtime_(runtime),
      child_event_(make_eventfd()),
      child_watch_(loop_, child_event_, [this](std::uint32_t) { reap(); }),
      server_(loop_, std::move(control),
              [this](Message& request, std::vector<FdRef>& fds) { return answer(request, fds); }),
      execs_(loop_, runtime.exec, [this](const json::Value& event) { server_.broadcast(event); }),
      relay_(loop_),
      datagram_relay_(loop_) {
  child_watch_.set(EPOLLIN);
  child_event_fd = child_event_.get();
  handle(SIGCHLD, note_child);
}

void Monitor::run() {
  while (!is_over()) {
    try {
      if (!loop_.run_once(timeout())) on_idle();
      step();
    } catch (...) {
      warn(current_error().message());  // the container goes on, whatever one event brought
    }
  }
}

bool Monitor::is_over() const {
  switch (stage_) {
    case Stage::waiting: return !server_.has_connections();
    case Stage::failed: return true;
    case Stage::reported: return !streams_->has_clients() && execs_.is_idle();
    default: return false;
  }
}

std::optional<milliseconds> Monitor::timeout() const {
  auto first = execs_.timeout();
  const auto consider = [&first](milliseconds other) { first = std::min(first.value_or(other), other); };
  if (const auto log = log_ ? log_->timeout() : std::nullopt) consider(*log);
  if (stage_ == Stage::ended) {
    const auto present = std::chrono::steady_clock::now();
    const bool waits_for_log = present >= drain_deadline_ || (streams_->has_ended() && !execs_.are_running());
    const auto left = std::chrono::ceil<milliseconds>((waits_for_log ? log_deadline_ : drain_deadline_) - present);
    consider(std::max(left, milliseconds{0}));
  }
  if (stage_ == Stage::waiting && !is_warm_) consider(warm_up_delay);
  if (stage_ == Stage::running && !is_settled_) consider(settle_delay);
  return first;
}

Reply Monitor::answer(Message& request, std::vector<FdRef>& fds) {
  const auto op = text_member(request.body, "op");
  if (op == "start") return start(request);
  if (op == "ping") return {};
  if (stage_ != Stage::running) throw Error{Kind::conflict, "container is not running"};
  return answer_running(op, request, fds);
}

Reply Monitor::answer_running(std::string_view op, Message& request, std::vector<FdRef>& fds) {
  Reply reply;
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
  } else if (op == "exec") {
    return exec(request);
  } else if (op == "exec_resize") {
    const auto control = json::from<ExecControl>(request.body);
    execs_.resize(control.id, control.height, control.width);
  } else if (op == "exec_signal") {
    const auto control = json::from<ExecControl>(request.body);
    execs_.signal(control.id, control.signal);
  } else if (op == "execs") {
    reply.execs = execs_.list(json::from<ExecsRequest>(request.body).from, fds);
  } else if (op == "relay") {
    if (request.fds.size() > 1) throw Error{Kind::invalid, "relay with {} descriptors", request.fds.size()};
    auto listener = request.fds.empty() ? UniqueFd{} : std::move(request.fds.front());
    relay_.listen(std::move(listener), json::from<RelayRequest>(request.body).targets);
  } else if (op == "relay_datagrams") {
    relay_datagrams(json::from<RelayRequest>(request.body), std::move(request.fds));
  } else if (op == "relayed") {
    fds = datagram_relay_.sockets();
    if (relay_.listener()) fds.push_back(relay_.listener());
  } else if (op == "keep") {
    kept_ = std::move(request.fds);
  } else if (op == "kept") {
    fds.assign(kept_.begin(), kept_.end());
  } else {
    throw Error{Kind::unsupported, "shim has no operation {}", quote(op)};
  }
  return reply;
}

void Monitor::relay_datagrams(const RelayRequest& request, std::vector<UniqueFd> sockets) {
  if (sockets.size() != request.targets.size()) {
    throw Error{Kind::invalid, "relay of {} ports with {} descriptors", request.targets.size(), sockets.size()};
  }
  std::vector<DatagramRelay::Port> ports;
  for (std::size_t index = 0; index < sockets.size(); ++index) {
    const auto& target = request.targets[index];
    ports.push_back({std::move(sockets[index]), make_socket_address(parse_ip(target.address), target.container_first)});
  }
  datagram_relay_.listen(std::move(ports));
}

Reply Monitor::exec(Message& request) {
  is_settled_ = false;  // it takes memory, which is given back in a quiet moment
  try {
    Reply reply;
    reply.pid = execs_.start(init_, json::from<ExecRequest>(request.body), std::move(request.fds));
    return reply;
  } catch (const runtime::ExecError& error) {
    auto reply = failure_reply(error);
    reply.exit_code = start_exit_code(error.failure());
    return reply;
  }
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
  abandon_container();
  stage_ = Stage::failed;
  server_.stop_listening();
  return reply;
}

void Monitor::create_container(const StartRequest& request, std::vector<UniqueFd> fds) {
  const auto attachments = request.attach.size();
  if (fds.size() != attachments + request.keep + (request.network_namespace ? 1 : 0)) {
    throw Error{Kind::invalid, "start with {} attachments and {} descriptors", attachments, fds.size()};
  }
  const auto network_namespace = request.network_namespace ? std::move(fds.back()) : UniqueFd{};
  for (std::size_t i = 0; i < request.keep; ++i) kept_.push_back(std::move(fds[attachments + i]));
  bundle_ = request.bundle;
  settings_ = json::parse<BundleSettings>(read_file(bundle_ / settings_file));
  ::unlink((bundle_ / exit_file).c_str());  // of the run before
  log_.emplace(loop_, settings_.log, [this](const std::string& message) { warn(message); });
  streams_.emplace(
      loop_, StreamModes{.tty = settings_.tty, .stdin_ = settings_.open_stdin, .stdin_once = settings_.stdin_once},
      [this] { server_.broadcast(json::to(DetachEvent{})); }, &*log_);
  for (std::size_t i = 0; i < attachments; ++i) {
    streams_->attach(std::move(fds[i]), request.attach[i]);
  }
  log_->connect();
  {
    const auto ends = settings_.tty ? Streams::Ends{} : streams_->open_pipes();
    auto create = create_request(bundle_, settings_, ends);
    create.network_namespace = network_namespace;
    init_ = runtime_.create(create);
  }
  exit_.started_at = to_rfc3339(now());
  // The container runs by now: what is done from here on does not delay it.
  if (settings_.tty) streams_->take_console(std::move(init_.console));
  StateEvent state;
  state.pid = init_.pid;
  state.started_at = exit_.started_at;
  server_.set_greeting(json::to(state));
  server_.listen(request.socket_dir);
  stage_ = Stage::running;
  after_start_is_due_ = true;
}

/// Undoes a start of which a later step failed. Nothing to do if there is no process 1.
void Monitor::abandon_container() noexcept {
  if (init_.pid < 0) return;
  ::kill(init_.pid, SIGKILL);
  ::waitpid(init_.pid, nullptr, 0);
  init_.mounts.reset();
  runtime_.destroy_cgroup(init_.cgroup);
}

/// What a start needs, but whoever waits for it does not. No output has been read yet.
void Monitor::after_start() {
  const auto path = bundle_ / new_exit_file;
  exit_file_ = UniqueFd{::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
  if (!exit_file_) warn(Error::from_errno(errno, "create {}", quote(path.native())).message());
  log_->open_file();
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
      execs_.child_ended(pid, exit_code_of(status));
      log_->child_ended(pid);
    }
  }
}

void Monitor::on_exit(int status) {
  exit_.exit_code = exit_code_of(status);
  exit_.finished_at = to_rfc3339(now());
  stage_ = Stage::ended;
  drain_deadline_ = std::chrono::steady_clock::now() + drain_patience;
  log_deadline_ = std::chrono::steady_clock::now() + log_patience;
  // The processes of the container's PID namespace died before its process 1 could be reaped, so what they wrote is in
  // the pipes and the pipes are closed.
  streams_->drain();
  execs_.end_all();
  relay_.stop();
  datagram_relay_.stop();
  kept_.clear();
  // Without a namespace of its own some may live on: they end with the container.
  if (!streams_->has_ended()) runtime_.destroy_cgroup(init_.cgroup);
}

/// What follows from the event that was just handled.
void Monitor::step() {
  server_.sweep();
  if (!streams_) return;
  if (std::exchange(after_start_is_due_, false)) after_start();
  if (stage_ != Stage::reported) log_->step();
  streams_->balance();
  execs_.step();
  relay_.step();
  if (stage_ != Stage::ended) return;
  const bool late = std::chrono::steady_clock::now() >= drain_deadline_;
  if (late) streams_->abandon();
  if (streams_->has_ended() && (late || !execs_.are_running()) && log_is_complete()) report();
}

/// All output has ended: true once it is where the log's settings want it, or there is no more hope.
bool Monitor::log_is_complete() {
  log_->finish();
  if (log_->is_done()) return true;
  if (std::chrono::steady_clock::now() < log_deadline_) return false;
  warn("the end of the log is lost: its driver takes nothing");
  return true;
}

/// The order matters. Whoever hears of the exit finds all output in the log and exit.json in the bundle; the daemon
/// waits for the event, so what takes time comes after it; and the closed connection says that nothing is in the way of
/// a restart or a removal.
void Monitor::report() {
  stage_ = Stage::reported;
  log_->close();
  exit_.oom_killed = runtime_.oom_killed(init_.cgroup);
  auto event = json::to(exit_);
  write_exit_file(json::write(event));
  streams_->finish_clients();
  event.as_object()["event"] = "exit";
  server_.broadcast(event);

  init_.mounts.reset();
  runtime_.destroy_cgroup(init_.cgroup);
  // Not sooner: a daemon that comes back finds us by this directory, and starts the container again once it is gone.
  server_.stop_listening();
  server_.close_connections();
  make_exit_durable();
}

void Monitor::write_exit_file(const std::string& text) {
  try {
    if (!exit_file_) return;  // which was reported
    write_all(exit_file_, text);
    if (::rename((bundle_ / new_exit_file).c_str(), (bundle_ / exit_file).c_str()) < 0) {
      throw Error::from_errno(errno, "rename {}", new_exit_file);
    }
  } catch (Error& error) {
    warn(error.in("keep the exit status").message());
  }
}

/// After this a power loss does not take the exit status away. A container that has been removed meanwhile needs none:
/// the daemon has what it wants, and no exception is thrown, the first of which takes this program a millisecond.
void Monitor::make_exit_durable() const {
  for (const auto& path : {bundle_ / exit_file, bundle_}) {
    const UniqueFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!file || ::fsync(file.get()) < 0) return;
  }
}

void Monitor::on_idle() {
  if (stage_ == Stage::waiting && !is_warm_) warm_up();
  if (stage_ == Stage::running && !is_settled_) settle();
}

/// While no container waits for it: what every start needs.
void Monitor::warm_up() {
  is_warm_ = true;
  static_cast<void>(to_rfc3339(now()));  // the C library reads its time zone file once
  runtime_.warm_up();
}

/// Quiet time after a start: gives back the memory that it took, and asks the kernel to spare this process.
void Monitor::settle() {
  is_settled_ = true;
  if (!std::exchange(has_scored_, true)) ask_to_be_spared();
  ::malloc_trim(0);
  release_stack();
}

void Monitor::warn(const std::string& message) {
  server_.broadcast({{"event", "warning"}, {"message", message}});
}

}  // namespace berth::shim

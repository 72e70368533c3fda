#include "shim/monitor/execs.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/fd_passing.hpp"
#include "base/file.hpp"
#include "base/strings.hpp"
#include "shim/monitor/network_probe.hpp"

namespace berth::shim {
namespace {

using std::chrono::milliseconds;

/// How long output is awaited that a child of an ended process holds open. Docker waits as long.
constexpr milliseconds drain_patience{2000};
/// How many ended processes are remembered for a daemon that was away.
constexpr std::size_t max_past = 16;

StreamModes modes_of(const ExecRequest& request, bool tty) {
  return {.tty = tty,
          .stdin_ = request.stdin_,
          .stdout_ = request.stdout_ || request.capture > 0,
          .stderr_ = request.stderr_ || request.capture > 0,
          .stdin_once = true};
}

/// With the children of a shell, which would stay behind: each process leads a session of its own. Not yet reaped, so
/// the numbers are still ours.
void kill_group(pid_t pid) noexcept {
  ::kill(-pid, SIGKILL);
  ::kill(pid, SIGKILL);
}

}  // namespace

pid_t Execs::start(const runtime::Init& init, const ExecRequest& request, std::vector<UniqueFd> fds) {
  if (fds.size() != 1 + request.attach.size() || request.attach.size() > 1) {
    throw Error{Kind::invalid, "exec with {} attachments and {} descriptors", request.attach.size(), fds.size()};
  }
  auto process = std::make_unique<Process>();
  process->id = request.id;
  process->settings = std::move(fds.front());
  const auto settings = json::parse<ExecSettings>(read_file(fd_path(process->settings)));
  process->streams = std::make_unique<Streams>(loop_, modes_of(request, settings.process.terminal),
                                               [this, id = request.id] { tell_(json::to(DetachEvent{.exec = id})); });
  if (!request.attach.empty()) process->streams->attach(std::move(fds.back()), request.attach.front());
  process->streams->capture(request.capture);
  process->is_remembered = request.capture == 0;
  try {
    const auto ends = settings.process.terminal ? Streams::Ends{} : process->streams->open_pipes();
    runtime::ExecRequest exec;
    exec.init = init.pid;
    exec.cgroup = init.cgroup;
    exec.process = settings.process;
    exec.user = settings.user;
    exec.additional_groups = settings.group_add;
    exec.seccomp_filter = settings.seccomp_filter;
    exec.stdin_fd = ends.stdin_end;
    exec.stdout_fd = ends.stdout_end;
    exec.stderr_fd = ends.stderr_end;
    auto started =
        settings.network_probe ? start_network_probe(init.pid, *settings.network_probe, ends.stdout_end) : run_(exec);
    process->pid = started.pid;
    if (settings.process.terminal) process->streams->take_console(std::move(started.console));
  } catch (...) {
    process->streams->give_clients_back();
    throw;
  }
  if (request.timeout_ms > 0) process->deadline = Clock::now() + milliseconds{request.timeout_ms};
  processes_.push_back(std::move(process));
  return processes_.back()->pid;
}

Execs::Process& Execs::get(const std::string& id) {
  const auto found = std::find_if(processes_.begin(), processes_.end(), [&](const auto& process) {
    return process->id == id && process->stage == Stage::running;
  });
  if (found == processes_.end()) throw Error{Kind::not_found, "no such process: {}", id};
  return **found;
}

void Execs::resize(const std::string& id, unsigned height, unsigned width) {
  get(id).streams->resize(height, width);
}

void Execs::signal(const std::string& id, int number) {
  const auto pid = get(id).pid;
  if (number == SIGKILL) return kill_group(pid);
  // Not yet reaped, so the number is still ours.
  if (::kill(pid, number) < 0) throw Error::from_errno(errno, "send signal {} to process {}", number, pid);
}

std::vector<ExecState> Execs::list(std::size_t from, std::vector<FdRef>& fds) const {
  std::vector<ExecState> states;
  std::size_t index = 0;
  const auto add = [&](const Process& process) {
    if (index++ < from || states.size() == max_passed_fds) return;
    states.push_back({.id = process.id,
                      .pid = process.pid,
                      .running = process.stage == Stage::running,
                      .exit_code = process.exit_code});
    fds.emplace_back(process.settings);
  };
  for (const auto& process : past_) add(*process);
  for (const auto& process : processes_) add(*process);
  return states;
}

void Execs::child_ended(pid_t pid, int exit_code) {
  for (const auto& process : processes_) {
    if (process->pid != pid || process->stage != Stage::running) continue;
    process->stage = Stage::ended;
    process->exit_code = exit_code;
    process->deadline = Clock::now() + drain_patience;
    process->streams->drain();
    return;
  }
}

void Execs::end_all() noexcept {
  for (const auto& process : processes_) {
    if (process->stage == Stage::running) kill_group(process->pid);
  }
}

void Execs::step() {
  for (const auto& process : processes_) step(*process);
  for (auto& process : processes_) {
    if (process->stage != Stage::reported || process->streams->has_clients()) continue;
    process->streams.reset();
    if (!process->is_remembered) {
      process.reset();
      continue;
    }
    past_.push_back(std::move(process));
    if (past_.size() > max_past) past_.pop_front();
  }
  std::erase(processes_, nullptr);
}

void Execs::step(Process& process) {
  process.streams->balance();
  const bool late = process.deadline && Clock::now() >= *process.deadline;
  if (process.stage == Stage::running && late) {
    process.timed_out = true;
    process.deadline.reset();
    kill_group(process.pid);
  } else if (process.stage == Stage::ended) {
    if (late) process.streams->abandon();
    if (process.streams->has_ended()) report(process);
  }
}

/// The event comes before the end of the client's stream: whoever asks after that finds the exit code.
void Execs::report(Process& process) {
  process.stage = Stage::reported;
  process.deadline.reset();
  tell_(json::to(ExecExit{.id = process.id,
                          .exit_code = process.exit_code,
                          .timed_out = process.timed_out,
                          .output = to_base64(process.streams->captured())}));
  process.streams->finish_clients();
}

std::optional<milliseconds> Execs::timeout() const {
  std::optional<Clock::time_point> first;
  for (const auto& process : processes_) {
    if (process->deadline && (!first || *process->deadline < *first)) first = process->deadline;
  }
  if (!first) return std::nullopt;
  return std::max(std::chrono::ceil<milliseconds>(*first - Clock::now()), milliseconds{0});
}

bool Execs::are_running() const {
  return std::any_of(processes_.begin(), processes_.end(),
                     [](const auto& process) { return process->stage != Stage::reported; });
}

bool Execs::is_idle() const {
  return processes_.empty();
}

}  // namespace berth::shim

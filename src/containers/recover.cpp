// What a daemon that comes back finds: containers that went on, ended, or were cut off in the middle of a step.
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <set>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/id.hpp"
#include "base/log.hpp"
#include "base/strings.hpp"
#include "containers/internal.hpp"
#include "linux/cgroup.hpp"
#include "network/network.hpp"
#include "runtime/runtime.hpp"

namespace berth::containers {
namespace {

/// A container that ended together with the host: nobody was there to see its exit code.
constexpr int unknown_exit_code = 255;

std::vector<std::string> names_in(const fs::path& directory) {
  std::vector<std::string> names;
  std::error_code absent;
  for (const auto& entry : fs::directory_iterator{directory, absent}) names.push_back(entry.path().filename());
  return names;
}

/// The shim that was given this container, if it is alive. A number from an old boot may be another program's by now.
UniqueFd open_shim_process(const fs::path& socket_directory) {
  const auto text = find_file(socket_directory / shim_pid_file);
  const auto pid = text ? parse_number<pid_t>(trim(*text)) : std::nullopt;
  if (!pid) return {};
  UniqueFd process{static_cast<int>(::syscall(SYS_pidfd_open, *pid, 0))};
  const auto name = process ? find_file(fmt::format("/proc/{}/comm", *pid)) : std::nullopt;
  if (!name || trim(*name) != "berth-shim") return {};
  return process;
}

/// Connects to the shim. One that is alive and does not listen yet was caught in the middle of a start: it is waited
/// for.
std::unique_ptr<shim::ShimClient> find_shim(const fs::path& socket_directory) {
  if (auto shim = shim::ShimClient::find(socket_directory)) return shim;
  const auto process = open_shim_process(socket_directory);
  for (int attempt = 0; process && attempt < 500; ++attempt) {
    pollfd wait{process.get(), POLLIN, 0};
    const bool left = ::poll(&wait, 1, 10) > 0;  // the socket's appearance has no descriptor to wait for
    if (auto shim = shim::ShimClient::find(socket_directory)) return shim;
    if (left) return nullptr;
  }
  if (process) ::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0);
  return nullptr;
}

/// The end of a run that is not in the record yet.
std::optional<shim::ExitStatus> find_unknown_exit(const Paths& where, const State& state) {
  const auto text = find_file(where.directory / shim::exit_file);
  if (!text) return std::nullopt;
  auto status = json::parse<shim::ExitStatus>(*text);
  if (!state.has_process() && parse_rfc3339(status.finished_at) == state.finished_at) return std::nullopt;
  return status;
}

/// Of a container that was removed from the database when the daemon was killed.
void delete_unknown(const Paths& where) {
  if (const auto shim = find_shim(where.socket_directory)) {
    try {
      shim->signal(SIGKILL);
    } catch (const Error& error) {
      log::debug("unknown shim has no process to kill", {{"error", error.message()}});
    }
    shim->wait_until_gone();
  }
  remove_tree(where.socket_directory);
  remove_tree(where.directory);
}

}  // namespace

bool Containers::Impl::take_back(const ContainerPtr& container) {
  const std::shared_ptr<shim::ShimClient> shim = find_shim(paths(container->id).socket_directory);
  if (!shim || !shim->state()) return false;
  std::vector<shim::KnownExec> known_execs;
  try {
    known_execs = shim->execs();
  } catch (const Error& error) {
    if (error.kind() == Kind::unavailable) return false;  // it has ended just now, and exit.json tells how
    if (error.kind() != Kind::conflict) throw;            // else process 1 has ended: the event is on its way
  }
  // The cgroup knows: the daemon may have ended between freezing and recording it.
  const bool frozen = kernel::is_frozen(kernel::cgroup_layout(), cgroup_of(*container));
  resume_network(*container, *shim);
  take_over(container, shim, *shim->state(), frozen ? Status::paused : Status::running);
  finish_disconnects(*container);
  recover_execs(container, known_execs);
  watch(container, *shim);
  plan_probe(container);
  log::info("container found running", {{"id", container->id}, {"pid", shim->state()->pid}});
  return true;
}

void Containers::Impl::recover(const ContainerPtr& container) {
  if (take_back(container)) return;
  leave_network(container->id);
  const auto where = paths(container->id);
  const auto state = container->state();
  if (!state.has_process() && !fs::exists(where.socket_directory)) return;
  // What a stop was meant to end stays ended, though nobody saw it; `always` comes back all the same (`resume`).
  container->with([&](Record&, Container::Live& live) { live.ends_for_good = state.manually_stopped; });
  if (const auto unknown = find_unknown_exit(where, state)) {
    on_exit(container, *unknown);
  } else if (state.has_process()) {
    runtime::destroy_cgroup(cgroup_of(*container));
    shim::ExitStatus status;
    status.exit_code = unknown_exit_code;
    status.finished_at = to_rfc3339(now());
    on_exit(container, status);
  }
  remove_tree(where.socket_directory);
}

void Containers::Impl::destroy_idle_cgroups() {
  for (const auto& container : all()) {
    const std::lock_guard lock{container->operation};  // nobody starts it
    if (!container->state().has_process()) runtime::destroy_cgroup(cgroup_of(*container));
  }
}

void Containers::Impl::delete_unknown_containers() {
  std::set<std::string, std::less<>> known;  // starts of IDs: what socket directories are named by
  for (const auto& container : all()) known.insert(container->id.substr(0, socket_name_size));
  std::set<std::string, std::less<>> unknown;
  for (const auto& name : names_in(settings.exec_root / "c")) {
    if (!known.contains(name)) unknown.insert(name);
  }
  for (const auto& id : names_in(settings.data_root / "containers")) {
    if (!is_full_id(id) || known.contains(id.substr(0, socket_name_size))) continue;
    unknown.erase(id.substr(0, socket_name_size));
    log::info("files of an unfinished create or remove are deleted", {{"id", id}});
    background.post([where = paths(id)] { delete_unknown(where); });
  }
  for (const auto& name : unknown) {
    background.post([this, name] { delete_unknown({{}, settings.exec_root / "c" / name}); });
  }
}

void Containers::recover() {
  auto& impl = *impl_;
  make_directories(impl.settings.data_root / "containers", 0710);
  make_directories(impl.settings.exec_root / "c", 0700);
  for (auto& record : impl.records.all()) impl.enter(std::make_shared<Container>(std::move(record)));
  impl.delete_unknown_containers();
  for (const auto& container : impl.all()) {
    try {
      impl.recover(container);
    } catch (const Error& error) {
      log::error("container could not be taken back, going on without it",
                 {{"id", container->id}, {"error", error.message()}});
    }
  }
  for (const auto& id : impl.collaborators.networks.members()) {
    if (!impl.find(id)) impl.leave_network(id);
  }
  impl.background.post([&impl] { impl.pool.refill(); });
  impl.background.post([&impl] { impl.destroy_idle_cgroups(); });
}

}  // namespace berth::containers

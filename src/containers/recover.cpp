// What a daemon that comes back finds: containers that went on, ended, or were cut off in the middle of a step.
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/id.hpp"
#include "base/log.hpp"
#include "base/strings.hpp"
#include "containers/internal.hpp"
#include "linux/cgroup.hpp"
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

}  // namespace

void Containers::recover() {
  auto& impl = *impl_;
  make_directories(impl.settings.data_root / "containers", 0710);
  make_directories(impl.settings.exec_root / "c", 0700);
  std::map<std::string, std::string> ids;  // by the start of the ID that names a socket directory
  std::vector<ContainerPtr> exited;
  for (auto& record : impl.records.all()) {
    ids[record.id.substr(0, 32)] = record.id;
    impl.enter(std::make_shared<Container>(std::move(record)));
  }
  for (const auto& name : names_in(impl.settings.data_root / "containers")) {
    if (is_full_id(name) && !ids.contains(name.substr(0, 32))) {
      remove_tree(impl.settings.data_root / "containers" / name);
      log::info("files of an unfinished create or remove deleted", {{"id", name}});
    }
  }
  for (const auto& name : names_in(impl.settings.exec_root / "c")) {
    const auto known = ids.find(name);
    if (known == ids.end()) {
      // Removed from the database, but the daemon was killed before the shim had gone: end it.
      const auto directory = impl.settings.exec_root / "c" / name;
      if (const auto shim = find_shim(directory)) {
        shim->signal(SIGKILL);
        shim->wait_until_gone();
      }
      remove_tree(directory);
    }
  }
  for (const auto& container : impl.all()) {
    const auto where = impl.paths(container->id);
    const auto state = container->state();
    std::shared_ptr<shim::ShimClient> shim = find_shim(where.socket_directory);
    if (shim && shim->state()) {
      // The cgroup knows: the daemon may have ended between freezing and recording it.
      const bool frozen = kernel::is_frozen(kernel::cgroup_layout(), cgroup_of(*container));
      impl.take_over(container, shim, *shim->state(), frozen ? Status::paused : Status::running);
      impl.recover_execs(container, *shim);
      impl.watch(container, *shim);
      log::info("container found running", {{"id", container->id}, {"pid", shim->state()->pid}});
      continue;
    }
    if (!state.has_process() && !fs::exists(where.socket_directory)) continue;
    // What a stop was meant to end stays ended, though nobody saw it; `always` comes back all the same (`resume`).
    container->with([&](Record&, Container::Live& live) { live.ends_for_good = state.manually_stopped; });
    if (const auto unknown = find_unknown_exit(where, state)) {
      impl.on_exit(container, *unknown);
    } else if (state.has_process()) {
      runtime::destroy_cgroup(cgroup_of(*container));
      shim::ExitStatus status;
      status.exit_code = unknown_exit_code;
      status.finished_at = to_rfc3339(now());
      impl.on_exit(container, status);
    }
    remove_tree(where.socket_directory);
  }
  impl.background.post([&impl] { impl.pool.refill(); });
}

}  // namespace berth::containers

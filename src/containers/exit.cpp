// What happens when a container's process 1 has ended.
#include <sys/stat.h>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "containers/internal.hpp"
#include "containers/restart_policy.hpp"
#include "runtime/runtime.hpp"

namespace berth::containers {
namespace {

/// A shim that vanished without a word was killed; so is its container.
constexpr int lost_exit_code = 137;

/// A full disk must not keep those waiting who wait for the end; after a restart exit.json tells the same.
void record_exit(RecordStore& records, const Record& record) noexcept {
  try {
    records.update_state(record.id, record.state);
  } catch (...) {
    log::error("exit could not be recorded, going on with it in memory",
               {{"id", record.id}, {"error", current_error().message()}});
  }
}

template <class Duration>
Duration duration_between(Time from, Time to) {
  return from == Time::min() ? Duration{0} : std::chrono::duration_cast<Duration>(to - from);
}

}  // namespace

void Containers::Impl::on_shim_readable(const ContainerPtr& container) {
  const auto shim = container->with([](Record&, Container::Live& live) { return live.shim; });
  if (!shim) return;
  for (const auto& event : shim->take_events()) {
    if (const auto* status = std::get_if<shim::ExitStatus>(&event)) {
      reactor.forget(shim->socket());
      on_exit(container, *status);
      return;
    }
    if (const auto* ended = std::get_if<shim::ExecExit>(&event)) {
      if (!on_probe_exit(container, *ended)) on_exec_exit(*container, *ended);
    }
    if (const auto* detached = std::get_if<shim::DetachEvent>(&event)) {
      detached->exec.empty() ? publish(*container, "detach")
                             : publish(*container, "exec_detach", {{"execID", detached->exec}});
    }
  }
  if (shim->gone()) {
    reactor.forget(shim->socket());
    on_shim_lost(container);
  }
}

void Containers::Impl::catch_up(const ContainerPtr& container) {
  const auto shim = container->with([](Record&, Container::Live& live) { return live.shim; });
  if (!shim) return;
  try {
    shim->ping();
  } catch (const Error& error) {
    log::debug("shim has gone", {{"id", container->id}, {"error", error.message()}});  // what it said last is there
  }
  reactor.exclude([&] { on_shim_readable(container); });
}

void Containers::Impl::on_exit(const ContainerPtr& container, const shim::ExitStatus& status) {
  const Time finished = parse_rfc3339(status.finished_at).value_or(now());
  std::int64_t duration = 0;
  bool remove_now = false;
  bool restart = false;
  std::chrono::milliseconds delay{0};
  end_execs(*container);
  std::unique_lock whole_network{container->networking};
  std::unique_lock<std::mutex> operation;
  // Recorded and told first, and only then does anybody wake up: "die" comes before the "stop" of whoever waits for it.
  // What removes itself is not recorded: its row goes below, and if that does not come about, recovery ends it again.
  container->with([&](Record& record, Container::Live& live) {
    auto& state = record.state;
    if (const auto started = parse_rfc3339(status.started_at)) state.started_at = *started;
    duration = duration_between<std::chrono::seconds>(state.started_at, finished).count();
    const auto lasted = duration_between<std::chrono::milliseconds>(state.started_at, finished);
    restart = !live.restarted_by_user && !live.removing && !live.removed &&
              is_restarted(record.definition.host_config.RestartPolicy_, state,
                           {status.exit_code, lasted, live.ends_for_good});
    if (restart) {
      delay = live.restart_delay = restart_delay(live.restart_delay, lasted);
      state.restart_count += 1;
    }
    state.status = restart ? Status::restarting : Status::exited;
    state.pid = 0;
    state.exit_code = status.exit_code;
    state.oom_killed = status.oom_killed;
    state.finished_at = finished;
    drop_probe(state, live);
    live.departing = std::move(live.shim);
    live.exits += 1;
    live.last_exit_code = status.exit_code;
    remove_now = !live.restarted_by_user && record.definition.host_config.AutoRemove;
    if (remove_now) operation = std::unique_lock{container->operation, std::try_to_lock};
    if (!live.removed && !operation.owns_lock()) record_exit(records, record);
    if (status.oom_killed) publish_of(record, "oom");
    publish_of(record, "die",
               {{"exitCode", std::to_string(status.exit_code)}, {"execDuration", std::to_string(duration)}});
    // Before anybody can see the end: they may want its ports.
    live.connections.reset();
    leave_network(record.id);
  });
  whole_network.unlock();
  container->waiters.notify();
  container->endings.notify();
  log::info("container exited", {{"id", container->id}, {"exit_code", status.exit_code}});
  if (restart) schedule_restart(container, delay);
  if (remove_now) {
    if (operation.owns_lock()) {
      erase_or_record(container);
    } else {
      // Somebody starts or removes it at this moment; this thread must not wait for them.
      background.post([this, container] {
        const std::lock_guard lock_later{container->operation};
        if (!container->state().running()) erase(container);
      });
    }
  }
  background.post([this, container] { await_departure(*container); });
}

void Containers::Impl::erase_or_record(const ContainerPtr& container) noexcept {
  try {
    erase(container);
  } catch (...) {
    log::error("container could not be removed at its end, it stays as exited",
               {{"id", container->id}, {"error", current_error().message()}});
    container->with([&](Record& record, Container::Live&) { record_exit(records, record); });
  }
}

void Containers::Impl::on_shim_lost(const ContainerPtr& container) {
  log::error("shim is gone, its container is killed", {{"id", container->id}});
  const auto where = paths(container->id);
  if (const auto text = find_file(where.directory / shim::exit_file)) {
    on_exit(container, json::parse<shim::ExitStatus>(*text));
  } else {
    runtime::destroy_cgroup(cgroup_of(*container));
    shim::ExitStatus status;
    status.exit_code = lost_exit_code;
    status.finished_at = to_rfc3339(now());
    on_exit(container, status);
  }
  background.post([where] { remove_tree(where.socket_directory); });
}

}  // namespace berth::containers

// From a created container to a running one.
#include <poll.h>
#include <sys/eventfd.h>

#include <chrono>
#include <csignal>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "base/undo.hpp"
#include "containers/bundle.hpp"
#include "containers/internal.hpp"
#include "network/network.hpp"

namespace berth::containers {
namespace {

/// What Docker records when the container could not be made at all.
constexpr int setup_failed_exit_code = 128;

/// How long a start waits for clients that are being attached; normally it is over within microseconds.
constexpr std::chrono::milliseconds arrival_limit{1000};

/// Ends a container that has just been started.
void abandon(Container& container, shim::ShimClient& shim) noexcept {
  try {
    container.with([](Record& record, Container::Live& live) {
      record.state.status = record.state.started_at == Time::min() ? Status::created : Status::exited;
      record.state.pid = 0;
      live.shim.reset();
      live.connections.reset();
    });
    shim.signal(SIGKILL);
    shim.wait_until_gone();
  } catch (const Error& error) {
    log::error("container that could not be recorded may still run",
               {{"id", container.id}, {"error", error.message()}});
  }
}

/// The text around the runtime's own message, which docker's command line and scripts look into for the exit code.
std::string start_failure_text(std::string_view cause) {
  if (cause.starts_with("failed to initialize logging driver")) {
    return fmt::format("failed to create task for container: {}", cause);
  }
  return fmt::format(
      "failed to create task for container: failed to create shim task: OCI runtime create failed: berth-runtime: "
      "unable "
      "to start container process: {}",
      cause);
}

}  // namespace

void Containers::Impl::await_departure(Container& container) {
  const auto shim = container.with([](Record&, Container::Live& live) { return live.departing; });
  if (!shim) return;
  shim->wait_until_gone();
  container.with([&](Record&, Container::Live& live) {
    if (live.departing == shim) live.departing.reset();
  });
}

void Containers::Impl::await_arrivals(Container& container) {
  const auto arriving = [&] { return container.with([](Record&, Container::Live& live) { return live.arriving; }); };
  if (arriving() == 0) return;
  const auto changed = container.waiters.join();
  const auto deadline = std::chrono::steady_clock::now() + arrival_limit;
  while (arriving() > 0) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) {
      log::warn("client is slow to attach, starting without it", {{"id", container.id}});
      return;
    }
    pollfd waited{.fd = changed->get(), .events = POLLIN, .revents = 0};
    ::poll(&waited, 1, static_cast<int>(left.count()));
    eventfd_t count = 0;
    ::eventfd_read(changed->get(), &count);
  }
}

bool Containers::Impl::start(const ContainerPtr& container) {
  const std::lock_guard lock{container->operation};
  await_arrivals(*container);
  const bool runs = container->with([&](Record& record, Container::Live& live) {
    if (live.removing || live.removed) {
      throw Error{Kind::conflict, "container is marked for removal and cannot be started"};
    }
    auto& state = record.state;
    if (state.status == Status::paused) {
      throw Error{Kind::conflict, "cannot start a paused container, try unpause instead"};
    }
    if (state.running()) return true;  // or will soon, by its restart policy
    state.restart_count = 0;
    state.manually_stopped = false;
    live.restart_delay = {};
    return false;
  });
  if (runs) return false;
  try {
    run(container);
  } catch (const Error& error) {
    const auto* start_error = dynamic_cast<const shim::StartError*>(&error);
    note_failed_start(container, start_error != nullptr ? start_error->exit_code() : setup_failed_exit_code, error);
    throw;
  }
  return true;
}

void Containers::Impl::run(const ContainerPtr& container) {
  Record record;
  std::vector<shim::Attachment> attachments;
  container->with([&](Record& current, Container::Live& live) {
    record = current;
    attachments.swap(live.attachments);
    live.ends_for_good = false;
  });
  await_departure(*container);
  launch(container, record, std::move(attachments));
  refill_pool();
}

void Containers::Impl::refill_pool() {
  // Not while the container that was just started needs the processors, unless the next start would find no shim ready.
  const auto refill = [this] {
    pool.refill();
    collaborators.networks.refill();
  };
  pool.is_empty() ? background.post(refill) : background.post_when_quiet(refill);
}

void Containers::Impl::launch(const ContainerPtr& container, Record& record,
                              std::vector<shim::Attachment> attachments) {
  const auto where = paths(record.id);
  Undo undo;
  auto place = enter_network(container, record);
  undo.add([&] { leave_network(record.id); });
  undo.add([&] { remove_tree(where.socket_directory); });
  write_bundle(record, where, place, settings, collaborators.images, filters);
  make_directories(where.socket_directory, 0700);
  std::shared_ptr<shim::ShimClient> shim = pool.take();
  write_file(where.socket_directory / shim_pid_file, std::to_string(shim->shim_pid()), 0600);
  shim::Started started;
  try {
    const auto keep = place.sandbox ? std::exchange(place.sandbox->resolver_sockets, {}) : std::vector<UniqueFd>{};
    started = shim->start(where.directory, where.socket_directory, place.netns(), std::move(attachments), keep);
  } catch (const shim::StartError& error) {
    throw shim::StartError{error.exit_code(), Error{Kind::invalid, "{}", start_failure_text(error.message())}};
  } catch (const Error& error) {
    if (error.kind() != Kind::internal) throw;
    throw Error{Kind::internal, "{}", start_failure_text(error.message())};
  }
  undo.dismiss();
  try {
    if (place.owns_files) {
      auto connections = std::make_shared<const network::Connections>(place.connections);
      container->with([&](Record&, Container::Live& live) { live.connections = std::move(connections); });
    }
    take_over(container, shim, started);
    if (place.sandbox) hand_over_relay(*container, *place.sandbox);
    tell_addresses(container);
  } catch (...) {
    // What cannot be recorded (full disk) must not run either: nobody would find it again.
    abandon(*container, *shim);
    leave_network(record.id);
    throw;
  }
  publish(*container, "start");
  log::info("container started", {{"id", record.id}, {"name", record.name}, {"image", record.definition.config.Image}});
  // Only now: the event of the exit must not come before the one of the start.
  watch(container, *shim);
  plan_probe(container);
}

void Containers::Impl::watch(const ContainerPtr& container, shim::ShimClient& shim) {
  reactor.watch(shim.socket(), [this, container] { on_shim_readable(container); });
  shim.on_kept_events([this, container] { reactor.post([this, container] { on_shim_readable(container); }); });
}

void Containers::Impl::note_failed_start(const ContainerPtr& container, int exit_code, const Error& error) {
  change_state(*container, [&](State& state, Container::Live&) {
    state.exit_code = exit_code;
    state.error = error.message();
  });
  publish(*container, "die", {{"exitCode", std::to_string(exit_code)}, {"execDuration", "0"}});
  log::warn("container could not be started", {{"id", container->id}, {"error", error.message()}});
  const bool auto_remove =
      container->with([](Record& record, Container::Live&) { return record.definition.host_config.AutoRemove; });
  if (auto_remove) erase(container);
  refill_pool();
}

void Containers::Impl::take_over(const ContainerPtr& container, const std::shared_ptr<shim::ShimClient>& shim,
                                 const shim::Started& started, Status status) {
  std::vector<shim::Attachment> late;  // of clients that came while the start was under way
  const auto started_at = parse_rfc3339(started.started_at).value_or(now());
  const bool has_check = container->with([](Record& record, Container::Live&) {
    return plan_health(record.definition.config).probe != HealthPlan::Probe::none;
  });
  change_state(*container, [&](State& state, Container::Live& live) {
    state.status = status;
    state.pid = started.pid;
    state.exit_code = 0;
    state.oom_killed = false;
    state.error.clear();
    if (has_check && state.started_at != started_at) {
      begin_health(state.health);
      live.probe.has_acted = false;
    }
    state.started_at = started_at;
    live.shim = shim;
    late.swap(live.attachments);
  });
  for (auto& attachment : late) {
    try {
      shim->attach(std::move(attachment));
    } catch (const Error& error) {
      // A short program has ended already; closing the connection says so.
      log::debug("attach to a container that has gone", {{"id", container->id}, {"error", error.message()}});
    }
  }
}

bool Containers::start(const std::string& name) {
  return impl_->start(impl_->get(name));
}

}  // namespace berth::containers

// What restart policies do: a container that has ended waits, and runs again.
#include "base/error.hpp"
#include "base/log.hpp"
#include "containers/internal.hpp"
#include "containers/restart_policy.hpp"

namespace berth::containers {
namespace {

constexpr int max_links_in_a_row = 16;

}  // namespace

void Containers::Impl::schedule_restart(const ContainerPtr& container, std::chrono::milliseconds delay) {
  container->with([&](Record&, Container::Live& live) {
    // The reactor's thread only hands on: a start takes milliseconds, or much longer on a bad day.
    live.restart_timer = reactor.call_after(delay, [this, container, ends = live.exits] {
      restarts.post([this, container, ends] { start_again(container, ends); });
    });
  });
}

void Containers::Impl::start_again(const ContainerPtr& container, std::uint64_t ends) {
  const std::lock_guard lock{container->operation};
  const bool is_due = container->with([&](Record& record, Container::Live& live) {
    return record.state.status == Status::restarting && live.exits == ends && !live.removed;
  });
  if (!is_due) return;
  try {
    run(container);
  } catch (const Error& error) {
    // Docker gives up as well: it stays what the last run left, with the reason.
    change_state(*container, [&](State& state, Container::Live& live) {
      state.status = Status::exited;
      state.error = error.message();
      live.exits += 1;
    });
    log::warn("container could not be started again", {{"id", container->id}, {"error", error.message()}});
    refill_pool();
  }
}

bool Containers::Impl::cancel_restart(Container& container) {
  std::uint64_t timer = 0;
  bool waited = false;
  change_state(container, [&](State& state, Container::Live& live) {
    waited = state.status == Status::restarting;
    if (!waited) return;
    state.status = Status::exited;
    live.last_exit_code = state.exit_code;
    live.exits += 1;
    timer = std::exchange(live.restart_timer, 0);
  });
  if (waited) reactor.cancel(timer);
  return waited;
}

void Containers::Impl::start_with_daemon(const ContainerPtr& container, int depth) {
  const auto record = container->record();
  if (!starts_with_daemon(record.definition.host_config.RestartPolicy_, record.state)) return;
  for (const auto& link : links_of(record.definition.host_config)) {
    const auto linked = find(link.name);
    // Names may lead in a circle.
    if (linked && linked != container && depth < max_links_in_a_row) start_with_daemon(linked, depth + 1);
  }
  try {
    start(container);
  } catch (const Error& error) {
    // It has its own record of that.
    log::debug("container that starts with the daemon did not", {{"id", container->id}, {"error", error.message()}});
  }
}

void Containers::resume() {
  for (const auto& container : impl_->all()) {
    const auto record = container->record();
    if (record.state.status == Status::restarting) {
      const auto planned = container->with([](Record&, Container::Live& live) { return live.restart_timer != 0; });
      if (!planned) impl_->schedule_restart(container, {});
    } else if (starts_with_daemon(record.definition.host_config.RestartPolicy_, record.state)) {
      impl_->restarts.post([this, container] { impl_->start_with_daemon(container); });
    }
  }
}

}  // namespace berth::containers

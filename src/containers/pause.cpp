// Stopping all processes of a container for a while.
#include <cerrno>

#include "base/error.hpp"
#include "base/log.hpp"
#include "containers/internal.hpp"
#include "runtime/runtime.hpp"

namespace berth::containers {
namespace {

void check_can_pause(const std::string& id, const State& state) {
  if (!state.running()) throw Error{Kind::conflict, "Container {} is not running", id};
  if (state.status == Status::paused) throw Error{Kind::conflict, "Container {} is already paused", id};
  if (state.status == Status::restarting) {
    throw Error{Kind::conflict, "Container {} is restarting, wait until the container is running", id};
  }
}

/// Lets the processes go on. Nothing is left to do once they have ended, and the cgroup with them.
void unfreeze(const std::string& cgroup) {
  try {
    runtime::set_paused(cgroup, false);
  } catch (const Error& error) {
    if (error.errno_value() != ENOENT && error.errno_value() != ENODEV) throw;
  }
}

}  // namespace

void Containers::Impl::thaw(const ContainerPtr& container) {
  if (container->state().status != Status::paused) return;
  unfreeze(cgroup_of(*container));
  bool thawed = false;
  change_state(*container, [&](State& state, Container::Live&) {
    thawed = state.status == Status::paused;  // else it has ended meanwhile
    if (thawed) state.status = Status::running;
  });
  if (!thawed) return;
  publish(*container, "unpause");
  plan_probe(container);
}

void Containers::pause(const std::string& name) {
  const auto container = impl_->get(name);
  const std::lock_guard lock{container->freezer};
  check_can_pause(container->id, container->state());
  const auto cgroup = cgroup_of(*container);
  try {
    runtime::set_paused(cgroup, true);
  } catch (Error& error) {
    impl_->catch_up(container);
    check_can_pause(container->id, container->state());  // it has ended, and its cgroup with it
    throw error.in("cannot pause container {}", container->id);
  }
  bool paused = false;
  std::string probe;
  impl_->change_state(*container, [&](State& state, Container::Live& live) {
    paused = state.status == Status::running;
    if (!paused) return;
    state.status = Status::paused;
    probe = live.probe.id;
    impl_->drop_probe(state, live);
  });
  if (!paused) {
    // Process 1 had ended before the freezing: what is left of it must be able to go.
    unfreeze(cgroup);
    throw Error{Kind::conflict, "Container {} is not running", container->id};
  }
  impl_->publish(*container, "pause");
  Impl::end_probe(*container, probe);
}

void Containers::unpause(const std::string& name) {
  const auto container = impl_->get(name);
  const std::lock_guard lock{container->freezer};
  // Docker's status for this is 500, and its clients know the text.
  if (container->state().status != Status::paused) {
    throw Error{Kind::internal, "Container {} is not paused", container->id};
  }
  impl_->thaw(container);
}

}  // namespace berth::containers

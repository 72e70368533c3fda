#include "containers/containers.hpp"

#include "containers/internal.hpp"

namespace berth::containers {

Containers::Impl::Impl(const Settings& given_settings, Collaborators given_collaborators)
    : settings(given_settings),
      collaborators(std::move(given_collaborators)),
      records(collaborators.database),
      filters(settings.data_root / "seccomp"),
      pool(settings.shim_program, settings.ready_shims) {
  reactor.watch(pool.departures(), [this] { pool.reap(); });
}

Containers::Containers(const Settings& settings, Collaborators collaborators)
    : impl_(std::make_unique<Impl>(settings, std::move(collaborators))) {}

Containers::~Containers() {
  // First nothing new comes in, then what was posted is finished.
  impl_->reactor.stop();
  impl_->restarts.stop();
  impl_->probes.stop();
  impl_->background.stop();
}

}  // namespace berth::containers

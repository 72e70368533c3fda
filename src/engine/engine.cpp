#include "engine/engine.hpp"

#include <fcntl.h>

#include "base/error.hpp"
#include "base/id.hpp"
#include "base/log.hpp"
#include "base/memory.hpp"
#include "content/content.hpp"
#include "engine/system_info.hpp"
#include "hello/hello.hpp"
#include "metadata/database.hpp"
#include "snapshots/snapshots.hpp"

namespace berth::engine {
namespace {

/// Two daemons on one data root would remove each other's containers: the second one is refused.
UniqueFd lock_data_root(const fs::path& data_root) {
  make_directories(data_root, 0710);
  auto lock = open_file(data_root / "lock", O_RDWR | O_CREAT, 0600);
  // A lock of the process, not of the open file (flock): a child between fork and exec would keep that one for a moment
  // after a kill -9, and the next daemon would be refused.
  struct flock whole {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  if (::fcntl(lock.get(), F_SETLK, &whole) < 0) {
    throw Error{Kind::conflict, "another daemon uses the data root {}; stop it or choose another with --data-root",
                quote(data_root.native())};
  }
  return lock;
}

/// The daemon's own ID, made once.
std::string daemon_id(const fs::path& data_root) {
  const auto path = data_root / "engine-id";
  if (const auto known = find_file(path); known && is_full_id(*known)) return *known;
  const auto id = make_id();
  replace_file(path, id, 0600, true);
  return id;
}

containers::Settings container_settings(const Settings& settings) {
  containers::Settings mine;
  mine.data_root = settings.data_root;
  mine.exec_root = settings.exec_root;
  mine.shim_program = settings.shim_program;
  mine.init_program = settings.init_program;
  mine.log = settings.log;
  mine.dns = settings.network.dns;
  mine.host_gateways = settings.network.host_gateways;
  mine.has_default_bridge = settings.network.bridge != network::no_bridge;
  return mine;
}

}  // namespace

struct Engine::Impl {
  explicit Impl(engine::Settings given)
      : settings(std::move(given)),
        lock(lock_data_root(settings.data_root)),
        id(daemon_id(settings.data_root)),
        database(settings.data_root / "meta.db"),
        content(settings.data_root / "content"),
        snapshots(settings.data_root / "snapshots"),
        images(content, snapshots, database),
        networks(settings.network, {database, network_events()}),
        containers(container_settings(settings), {database, images, networks, container_events()}) {
    images.on_event([this](const images::ImageEvent& event) {
      events.publish("image", event.action, event.id, event.attributes);
      if (event.action == "load" || event.action == "import") release_unused_memory();
    });
    images.on_uses([this] { return image_uses(); });
  }

  std::vector<images::ContainerUse> image_uses() {
    std::vector<images::ContainerUse> uses;
    for (auto& use : containers.image_uses()) uses.push_back({use.container_id, use.image_id, use.running});
    return uses;
  }

  std::function<void(const containers::ContainerEvent&)> container_events() {
    return [this](const containers::ContainerEvent& event) {
      events.publish("container", event.action, event.id, event.attributes);
    };
  }

  std::function<void(const network::NetworkEvent&)> network_events() {
    return [this](const network::NetworkEvent& event) {
      events.publish("network", event.action, event.id, event.attributes);
    };
  }

  const engine::Settings settings;
  const UniqueFd lock;
  const std::string id;
  EventBus events;
  metadata::Database database;
  content::ContentStore content;
  snapshots::SnapshotStore snapshots;
  images::ImageStore images;
  network::Networks networks;
  containers::Containers containers;
};

Engine::Engine(engine::Settings settings) {
  make_directories(settings.exec_root, 0711);
  impl_ = std::make_unique<Impl>(std::move(settings));
  impl_->networks.recover();    // before containers: those that run are on them
  impl_->containers.recover();  // first: layers of images that were removed by force are kept for the containers known
  impl_->images.recover();
  images::ensure_loaded(impl_->images, "hello:latest", hello_archive());
  release_unused_memory();
}

Engine::~Engine() = default;

const Settings& Engine::settings() const {
  return impl_->settings;
}
containers::Containers& Engine::containers() {
  return impl_->containers;
}
images::ImageStore& Engine::images() {
  return impl_->images;
}
network::Networks& Engine::networks() {
  return impl_->networks;
}
EventBus& Engine::events() {
  return impl_->events;
}

json::Object Engine::info() {
  const auto counts = impl_->containers.counts();
  SystemInfo info = host_info(impl_->settings.data_root);
  info.ID = impl_->id;
  info.Containers = counts.total;
  info.ContainersRunning = counts.running;
  info.ContainersPaused = counts.paused;
  info.ContainersStopped = counts.stopped;
  info.Images = impl_->images.totals().images;
  info.DockerRootDir = impl_->settings.data_root;
  info.Labels = impl_->settings.labels;
  info.NEventsListener = static_cast<std::int64_t>(impl_->events.subscriptions());
  info.LoggingDriver = impl_->settings.log.Type;
  info.Debug = impl_->settings.log_level == "debug";
  return json::to(info).as_object();
}

json::Object Engine::version() {
  return version_info();
}

}  // namespace berth::engine

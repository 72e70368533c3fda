#include <csignal>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "base/undo.hpp"
#include "containers/internal.hpp"
#include "images/images.hpp"
#include "runtime/runtime.hpp"

namespace berth::containers {

void Containers::Impl::remove(const ContainerPtr& container, const RemoveRequest& request) {
  container->with([&](Record& record, Container::Live& live) {
    if (live.removing || live.removed) {
      throw Error{Kind::conflict, "removal of container {} is already in progress", record.name};
    }
    if (record.state.running() && !request.force) {
      const bool paused = record.state.status == Status::paused;
      throw Error{Kind::conflict, "cannot remove container \"/{}\": container is {}{}", record.name,
                  to_string(record.state.status),
                  paused ? " and must be unpaused first" : ": stop the container before removing or force remove"};
    }
    live.removing = true;
  });
  Undo undo;
  undo.add([&] { container->with([](Record&, Container::Live& live) { live.removing = false; }); });
  const std::lock_guard lock{container->operation};
  if (container->with([](Record&, Container::Live& live) { return live.removed; })) {
    undo.dismiss();
    return;  // --rm was faster
  }
  cancel_restart(*container);
  if (container->state().running()) {
    const auto ends = container->with([](Record&, Container::Live& live) { return live.exits; });
    try {
      signal(container, SIGKILL);
    } catch (const Error&) {
      if (container->state().running()) throw;
    }
    if (!await_end(*container, ends, 30)) {
      throw Error{Kind::internal, "cannot remove container \"/{}\": could not kill: it did not exit within 30 seconds",
                  container->name()};
    }
  }
  undo.dismiss();
  // Whoever removes a container wants its space back: the files are gone when the answer comes. Only --rm need not
  // wait.
  if (forget(container)) delete_files(*container);
}

bool Containers::Impl::forget(const ContainerPtr& container) {
  std::vector<shim::Attachment> hung;
  const bool first = container->with([&](Record& record, Container::Live& live) {
    if (live.removed) return false;
    records.remove(record.id);
    live.removed = true;
    live.removing = true;
    hung.swap(live.attachments);
    return true;
  });
  if (!first) return false;
  keep_links_by_name(*container);
  leave(container);
  leave_network(container->id);
  execs.forget_container(container->id);
  publish(*container, "destroy");
  container->waiters.notify();
  return true;
}

void Containers::Impl::delete_files(Container& container) {
  await_departure(container);
  runtime::destroy_cgroup(cgroup_of(container));  // a shim that was killed has left it
  const auto where = paths(container.id);
  remove_tree(where.socket_directory);
  remove_tree(where.directory);
  collaborators.images.collect();
}

void Containers::Impl::erase(const ContainerPtr& container) {
  if (forget(container)) background.post([this, container] { delete_files(*container); });
}

void Containers::remove(const std::string& name, const RemoveRequest& request) {
  if (request.link) return impl_->remove_link(name);
  const auto container = impl_->get(name);
  impl_->remove(container, request);
}

}  // namespace berth::containers

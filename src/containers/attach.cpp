// Attaching clients, and what they see of the past.
#include <sys/eventfd.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "containers/internal.hpp"
#include "containers/replay.hpp"
#include "shim/detach_keys.hpp"

namespace berth::containers {

AttachTarget Containers::attach_target(const std::string& name, AttachRequest request) {
  try {
    shim::parse_detach_keys(request.detach_keys);
  } catch (const Error&) {
    throw Error{Kind::invalid, "Invalid detach keys ({}) provided", request.detach_keys};
  }
  const auto container = impl_->get(name);
  const auto record = container->record();
  if (record.state.status == Status::paused) {
    throw Error{Kind::conflict, "container {} is paused, unpause the container before attach", name};
  }
  if (record.state.status == Status::restarting) {
    throw Error{Kind::conflict, "container {} is restarting, wait until the container is running", name};
  }
  return {container, std::move(request), record.definition.config.Tty, std::make_shared<Arrival>(container)};
}

void Containers::attach(const AttachTarget& target, shim::Attachment attachment,
                        const std::function<void()>& accepted) {
  const auto& request = target.request;
  const auto& container = target.container;
  attachment.stdin_ = request.stdin_ && container->with([](Record& record, Container::Live&) {
    return record.definition.config.OpenStdin;
  });
  attachment.stdout_ = request.stdout_;
  attachment.stderr_ = request.stderr_;
  attachment.detach_keys = request.detach_keys;
  attachment.multiplexed = !target.tty;
  impl_->publish(*container, "attach");
  if (request.logs || !request.stream) accepted();
  if (request.logs) replay_log(log_source(container->id), attachment);
  if (!request.stream) return;
  const auto shim = container->with([&](Record&, Container::Live& live) -> std::shared_ptr<shim::ShimClient> {
    if (!request.logs) accepted();  // under the lock: a start takes the attachments only after this one is among them
    if (live.shim) return live.shim;
    if (!live.removed) live.attachments.push_back(std::move(attachment));
    return nullptr;
  });
  target.arrival->done();
  if (!shim) return;
  try {
    shim->attach(std::move(attachment));
  } catch (const Error& error) {
    // It exited at this moment; closing the connection says so.
    log::debug("attach to a container that has gone", {{"id", container->id}, {"error", error.message()}});
  }
}

LogSource Containers::log_source(const std::string& name) {
  const auto container = impl_->get(name);
  const auto record = container->record();
  LogSource source;
  source.id = record.id;
  source.path = log_path(impl_->paths(record.id).directory, record.definition.host_config.LogConfig_);
  source.tty = record.definition.config.Tty;
  source.finished = container->endings.join();
  if (!container->state().has_process()) ::eventfd_write(source.finished->get(), 1);
  return source;
}

}  // namespace berth::containers

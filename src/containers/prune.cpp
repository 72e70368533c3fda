// `docker container prune`: removes what does not run.
#include <algorithm>

#include "base/error.hpp"
#include "base/log.hpp"
#include "containers/internal.hpp"
#include "containers/show.hpp"

namespace berth::containers {
namespace {

bool fits(const Record& record, const Filters& filters, std::optional<Time> until) {
  const auto status = record.state.status;
  if (status != Status::created && status != Status::exited && status != Status::dead) return false;
  if (until && record.created > *until) return false;
  return labels_fit(record.definition.config.Labels, filters);
}

}  // namespace

PruneReport Containers::prune(const Filters& filters) {
  const std::unique_lock only{impl_->pruning, std::try_to_lock};
  if (!only) throw Error{Kind::conflict, "a prune operation is already running"};
  check_filters(filters, {"label", "label!", "until"});
  const auto until = until_of(filters);
  PruneReport report;
  for (const auto& container : impl_->all()) {
    if (!fits(container->record(), filters, until)) continue;
    const auto size = directory_size(impl_->paths(container->id).directory / "upper");
    try {
      impl_->remove(container, {});
    } catch (const Error& error) {
      // Somebody started it, or removes it himself.
      log::warn("container not pruned, going on", {{"id", container->id}, {"error", error.message()}});
      continue;
    }
    report.SpaceReclaimed += static_cast<std::uint64_t>(size);
    if (!report.ContainersDeleted) report.ContainersDeleted.emplace();
    report.ContainersDeleted->push_back(container->id);
  }
  impl_->collaborators.publish({"prune", "", {{"reclaimed", std::to_string(report.SpaceReclaimed)}}});
  return report;
}

}  // namespace berth::containers

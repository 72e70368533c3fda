// `docker container prune`: removes what does not run.
#include <algorithm>

#include "base/error.hpp"
#include "base/log.hpp"
#include "containers/internal.hpp"
#include "containers/show.hpp"
#include "images/filters.hpp"

namespace berth::containers {
namespace {

std::optional<Time> until_of(const Filters& filters) {
  const auto& values = images::values_of(filters, "until");
  if (values.empty()) return std::nullopt;
  if (values.size() > 1) throw Error{Kind::invalid, "more than one until filter specified"};
  return parse_timestamp(values.front());
}

bool fits(const Record& record, const Filters& filters, std::optional<Time> until) {
  const auto status = record.state.status;
  if (status != Status::created && status != Status::exited && status != Status::dead) return false;
  if (until && record.created > *until) return false;
  const auto& labels = record.definition.config.Labels;
  if (!images::has_labels(labels, images::values_of(filters, "label"))) return false;
  const auto& unwanted = images::values_of(filters, "label!");
  return unwanted.empty() || !images::has_labels(labels, unwanted);
}

}  // namespace

PruneReport Containers::prune(const Filters& filters) {
  const std::unique_lock only{impl_->pruning, std::try_to_lock};
  if (!only) throw Error{Kind::conflict, "a prune operation is already running"};
  images::check_filters(filters, {"label", "label!", "until"});
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

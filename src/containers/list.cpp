// GET /containers/json: which containers, and what is shown of each.
#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "base/strings.hpp"
#include "containers/internal.hpp"
#include "containers/show.hpp"
#include "containers/text.hpp"
#include "images/images.hpp"

namespace berth::containers {
namespace {

using Values = std::vector<std::string>;

const std::set<std::string, std::less<>> known_filters = {"ancestor", "before",  "exited",    "expose", "health",
                                                          "id",       "is-task", "isolation", "label",  "name",
                                                          "network",  "publish", "since",     "status", "volume"};

void check_filters(const Filters& filters) {
  for (const auto& [name, values] : filters) {
    if (!known_filters.contains(name)) throw Error{Kind::invalid, "invalid filter '{}'", name};
    for (const auto& value : values) {
      if (name == "status" && !parse_status(value)) {
        throw Error{Kind::invalid, "invalid filter 'status={}'", value};
      }
      if (name == "exited" && !parse_number<int>(value)) {
        throw Error{Kind::invalid, "invalid filter 'exited={}'", value};
      }
      if (name == "health" && value != "none" && value != "starting" && value != "healthy" && value != "unhealthy") {
        throw Error{Kind::invalid, "invalid filter 'health={}'", value};
      }
    }
  }
}

bool has_label(const std::map<std::string, std::string>& labels, const std::string& wanted) {
  const auto parts = split_once(wanted, '=');
  const auto found = labels.find(std::string{parts ? parts->first : wanted});
  return found != labels.end() && (!parts || found->second == parts->second);
}

bool any(const Values& values, const auto& matches) {
  return std::any_of(values.begin(), values.end(), matches);
}

bool exposes(const Record& record, const std::string& port) {
  const std::string wanted = port.contains('/') ? port : port + "/tcp";
  return record.definition.config.ExposedPorts.contains(wanted);
}

/// Filters about other objects are resolved once: the IDs and times that they stand for.
struct Resolved {
  std::optional<Time> before, since;
  std::vector<images::Image> ancestors;
};

bool matches(const Record& record, const std::string& filter, const Values& values, const Resolved& resolved) {
  const auto& definition = record.definition;
  if (filter == "id") return any(values, [&](auto& v) { return record.id.starts_with(v); });
  if (filter == "name") return any(values, [&](auto& v) { return name_matches(record.name, v); });
  if (filter == "label") {
    return std::all_of(values.begin(), values.end(), [&](auto& v) { return has_label(definition.config.Labels, v); });
  }
  if (filter == "status") return any(values, [&](auto& v) { return to_string(record.state.status) == v; });
  if (filter == "exited") {
    return record.state.status == Status::exited &&
           any(values, [&](auto& v) { return parse_number<int>(v) == record.state.exit_code; });
  }
  if (filter == "health") return any(values, [](auto& v) { return v == "none"; });
  if (filter == "network") {
    const auto mode = shown_network(definition.host_config.NetworkMode);
    return any(values, [&](auto& v) { return v == mode || network_id(mode).starts_with(v); });
  }
  if (filter == "volume") {
    return any(values, [&](auto& v) {
      const auto mounts = mount_points(definition.host_config);
      return std::any_of(mounts.begin(), mounts.end(),
                         [&](const MountPoint& mount) { return mount.Destination == v || mount.Source == v; });
    });
  }
  if (filter == "expose") return any(values, [&](auto& v) { return exposes(record, v); });
  if (filter == "publish" || filter == "is-task") return any(values, [](auto& v) { return v == "false"; });
  if (filter == "isolation") return any(values, [](auto& v) { return v.empty() || v == "default"; });
  if (filter == "before") return !resolved.before || record.created < *resolved.before;
  if (filter == "since") return !resolved.since || record.created > *resolved.since;
  return false;
}

bool shown_by_default(const ListRequest& request) {
  // Asking for stopped ones by name means all of them.
  return request.all || request.limit > 0 || request.filters.contains("status") || request.filters.contains("exited") ||
         request.filters.contains("before") || request.filters.contains("since");
}

/// True if the image is one of the ancestors or was built on one: its layers begin with the ancestor's.
bool descends(images::ImageStore& images, const oci::Digest& id, const std::vector<images::Image>& ancestors) {
  return std::any_of(ancestors.begin(), ancestors.end(), [&](const images::Image& ancestor) {
    if (ancestor.id == id) return true;
    const auto image = images.find(id.to_string());
    if (!image) return false;
    const auto& base = ancestor.config.rootfs.diff_ids;
    const auto& layers = image->config.rootfs.diff_ids;
    return !base.empty() && base.size() <= layers.size() && std::equal(base.begin(), base.end(), layers.begin());
  });
}

Summary summary_of(const Record& record, Time at) {
  const auto& definition = record.definition;
  Summary summary;
  summary.Id = record.id;
  summary.Names = {"/" + record.name};
  summary.Image = definition.config.Image;
  summary.ImageID = definition.image_id.to_string();
  summary.Command = command_text(definition.path, definition.args);
  summary.Created = std::chrono::duration_cast<std::chrono::seconds>(record.created.time_since_epoch()).count();
  summary.Labels = definition.config.Labels;
  summary.State = to_string(record.state.status);
  summary.Status = status_text(record.state, at);
  summary.HostConfig.NetworkMode = definition.host_config.NetworkMode;
  summary.HostConfig.Annotations = definition.host_config.Annotations;
  const auto network = shown_network(definition.host_config.NetworkMode);
  summary.NetworkSettings.Networks[network] = endpoint(network);
  summary.Mounts = mount_points(definition.host_config);
  return summary;
}

}  // namespace

std::vector<Summary> Containers::list(const ListRequest& request) {
  check_filters(request.filters);
  const auto values_of = [&](const char* name) {
    const auto found = request.filters.find(name);
    return found == request.filters.end() ? Values{} : found->second;
  };
  Resolved resolved;
  for (const auto& name : values_of("before")) resolved.before = impl_->get(name)->record().created;
  for (const auto& name : values_of("since")) resolved.since = impl_->get(name)->record().created;
  for (const auto& name : values_of("ancestor")) {
    // An ancestor that does not exist has no containers.
    if (const auto image = impl_->collaborators.images.find(name)) resolved.ancestors.push_back(*image);
  }

  std::vector<Record> records;
  for (const auto& container : impl_->all()) {
    auto record = container->record();
    if (!shown_by_default(request) && !record.state.running()) continue;
    const bool wanted = std::all_of(request.filters.begin(), request.filters.end(), [&](const auto& filter) {
      if (filter.first == "ancestor") {
        return descends(impl_->collaborators.images, record.definition.image_id, resolved.ancestors);
      }
      return filter.second.empty() || matches(record, filter.first, filter.second, resolved);
    });
    if (wanted) records.push_back(std::move(record));
  }
  std::sort(records.begin(), records.end(), [](const auto& a, const auto& b) { return a.created > b.created; });
  if (request.limit > 0 && records.size() > static_cast<std::size_t>(request.limit)) {
    records.resize(static_cast<std::size_t>(request.limit));
  }

  const auto at = now();
  std::vector<Summary> summaries;
  for (const auto& record : records) {
    summaries.push_back(summary_of(record, at));
    // An image that lost its name, or gave it to another, is shown by its ID.
    const auto image = impl_->collaborators.images.find(record.definition.config.Image);
    if (!image || image->id != record.definition.image_id) summaries.back().Image = summaries.back().ImageID;
    if (request.size) {
      summaries.back().SizeRw = directory_size(impl_->paths(record.id).directory / "upper");
      summaries.back().SizeRootFs =
          *summaries.back().SizeRw + image_size(impl_->collaborators.images, record.definition.image_id);
    }
  }
  return summaries;
}

}  // namespace berth::containers

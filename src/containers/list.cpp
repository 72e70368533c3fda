// GET /containers/json: which containers, and what is shown of each.
#include <algorithm>
#include <map>
#include <optional>

#include "containers/internal.hpp"
#include "containers/list_filters.hpp"
#include "containers/show.hpp"
#include "containers/text.hpp"
#include "images/images.hpp"

namespace berth::containers {
namespace {

/// Stopped containers are shown to those who ask for all, for a number or for a state.
bool shows_stopped(const ListRequest& request) {
  return request.all || request.limit > 0 || request.filters.contains("status");
}

/// Filters about other objects are resolved once: the images and times that they stand for.
struct Resolved {
  std::optional<Time> before, since;
  bool has_ancestors = false;
  std::vector<images::Image> ancestors;
};

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

/// Which image a name stands for at the moment, asked once for all containers of a list.
class ImageNames {
 public:
  explicit ImageNames(images::ImageStore& images) : images_(images) {}

  bool is_name_of(const std::string& name, const oci::Digest& id) {
    const auto [entry, is_new] = known_.try_emplace(name);
    if (is_new) {
      if (const auto image = images_.find(name)) entry->second = image->id;
    }
    return entry->second == id;
  }

 private:
  images::ImageStore& images_;
  std::map<std::string, std::optional<oci::Digest>> known_;
};

/// What is shown of a container, and what it takes to put it in its place. Records are large and not copied for it.
struct Listed {
  Time created;
  oci::Digest image_id;
  Summary summary;
};

Summary summary_of(const Record& record, const network::Connections* connections, const NetworkIds& ids, Time at) {
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
  summary.Ports = listed_ports(record, connections);
  summary.NetworkSettings.Networks = shown_networks(record, connections, ids);
  summary.Mounts = mount_points(definition.host_config);
  return summary;
}

}  // namespace

std::vector<Summary> Containers::list(const ListRequest& request) {
  const ListFilter filter{request.filters};
  Resolved resolved;
  for (const auto& name : filter.values("before")) resolved.before = impl_->get(name)->record().created;
  for (const auto& name : filter.values("since")) resolved.since = impl_->get(name)->record().created;
  for (const auto& name : filter.values("ancestor")) {
    resolved.has_ancestors = true;
    // An ancestor that does not exist has no containers.
    if (const auto image = impl_->collaborators.images.find(name)) resolved.ancestors.push_back(*image);
  }

  const auto at = now();
  const auto ids = impl_->network_ids();
  const auto link_names = impl_->link_names();
  std::vector<Listed> listed;
  for (const auto& container : impl_->all()) {
    container->with([&](const Record& record, const Container::Live& live) {
      if (!shows_stopped(request) && !record.state.running()) return;
      if (resolved.before && record.created >= *resolved.before) return;
      if (resolved.since && record.created <= *resolved.since) return;
      if (!filter.matches(record)) return;
      auto summary = summary_of(record, live.connections.get(), ids, at);
      if (filter.matches_ports(summary.Ports) && filter.matches_networks(summary.NetworkSettings.Networks)) {
        listed.push_back({record.created, record.definition.image_id, std::move(summary)});
      }
    });
  }
  if (resolved.has_ancestors) {
    std::erase_if(listed, [&](const Listed& entry) {
      return !descends(impl_->collaborators.images, entry.image_id, resolved.ancestors);
    });
  }
  std::sort(listed.begin(), listed.end(), [](const auto& a, const auto& b) { return a.created > b.created; });
  if (request.limit > 0 && listed.size() > static_cast<std::size_t>(request.limit)) {
    listed.erase(listed.begin() + request.limit, listed.end());
  }

  ImageNames names{impl_->collaborators.images};
  std::vector<Summary> summaries;
  summaries.reserve(listed.size());
  for (auto& [created, image_id, summary] : listed) {
    // An image that lost its name, or gave it to another, is shown by its ID.
    if (!names.is_name_of(summary.Image, image_id)) summary.Image = summary.ImageID;
    if (request.size) {
      summary.SizeRw = directory_size(impl_->paths(summary.Id).directory / "upper");
      summary.SizeRootFs = *summary.SizeRw + image_size(impl_->collaborators.images, image_id);
    }
    const auto [first, last] = link_names.equal_range(summary.Id);
    for (auto name = first; name != last; ++name) summary.Names.push_back(name->second);
    summaries.push_back(std::move(summary));
  }
  return summaries;
}

}  // namespace berth::containers

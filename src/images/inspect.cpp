// `docker inspect` and `docker history` of an image, and its new names.
#include <algorithm>

#include "base/error.hpp"
#include "base/strings.hpp"
#include "images/store.hpp"

namespace berth::images {
namespace {

GraphDriver graph_driver(const Store& store, const std::vector<LayerRecord>& layers) {
  GraphDriver driver{.Name = "overlay2"};
  std::vector<std::string> lower;
  for (const auto& layer : layers) lower.insert(lower.begin(), store.snapshots.directory(layer.diff_id).native());
  if (lower.empty()) return driver;
  driver.Data["UpperDir"] = lower.front();
  lower.erase(lower.begin());
  if (!lower.empty()) driver.Data["LowerDir"] = join(lower, ":");
  return driver;
}

std::int64_t created_seconds(const std::string& created) {
  const auto time = created.empty() ? std::nullopt : parse_rfc3339(created);
  if (!time) return 0;
  return std::chrono::floor<std::chrono::seconds>(*time).time_since_epoch().count();
}

}  // namespace

Inspect inspect_image(Store& store, std::string_view name) {
  const auto id = store.get(name);
  const auto record = store.records.find(id);
  if (!record) throw Error{Kind::not_found, "No such image: {}", name};
  const auto config = store.config(id);
  Inspect inspect{.Id = id.to_string(),
                  .Parent = record->parent.to_string(),
                  .Comment = config->comment,
                  .Created = config->created,
                  .DockerVersion = config->docker_version,
                  .Author = config->author,
                  .Config = config->config,
                  .Architecture = config->architecture,
                  .Variant = config->variant,
                  .Os = config->os.empty() ? std::string{"linux"} : std::string{config->os},
                  .Size = record->size};
  for (const auto& reference : store.records.names(id)) {
    (reference.digest() ? inspect.RepoDigests : inspect.RepoTags).push_back(reference.familiar());
  }
  if (inspect.Comment.empty() && !config->history.empty()) inspect.Comment = config->history.back().comment;
  inspect.GraphDriver_ = graph_driver(store, store.records.layers(id));
  inspect.RootFS.Type = config->rootfs.type;
  for (const auto& diff_id : config->rootfs.diff_ids) inspect.RootFS.Layers.push_back(diff_id.to_string());
  inspect.Metadata.LastTagTime = record->tagged_at.empty() ? std::string{zero_time_text} : record->tagged_at;
  return inspect;
}

std::vector<HistoryItem> image_history(Store& store, std::string_view name) {
  auto id = store.get(name);
  const auto config = store.config(id);
  std::vector<HistoryItem> items;
  std::size_t layer = 0;
  for (const auto& entry : config->history) {
    HistoryItem item{.Comment = entry.comment,
                     .Created = created_seconds(entry.created),
                     .CreatedBy = entry.created_by,
                     .Id = "<missing>"};
    if (!entry.empty_layer.value_or(false)) {
      if (layer >= config->rootfs.diff_ids.size()) {
        throw Error{Kind::corrupt, "too many non-empty layers in History section"};
      }
      item.Size = store.snapshots.size(config->rootfs.diff_ids[layer++]);
    }
    items.insert(items.begin(), std::move(item));
  }
  for (auto& item : items) {
    item.Id = id.to_string();
    std::vector<std::string> tags;
    for (const auto& reference : store.records.names(id)) {
      if (reference.tag()) tags.push_back(reference.familiar());
    }
    if (!tags.empty()) item.Tags = std::move(tags);
    const auto record = store.records.find(id);
    if (!record || record->parent.empty()) break;
    id = record->parent;
  }
  return items;
}

void tag_image(Store& store, const oci::Digest& id, const oci::Reference& name) {
  metadata::Transaction transaction{store.records.database()};
  if (!store.records.find(id)) throw Error{Kind::not_found, "No such image: {}", id};
  store.records.set_name(name, id);
  store.records.set_tagged(id, to_rfc3339(now()));
  transaction.commit();
  store.announce("tag", id, name.familiar());
}

}  // namespace berth::images

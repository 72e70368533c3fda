// What the operations of this folder share: rows, blobs, layers, and who must be told.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/guarded.hpp"
#include "base/undo.hpp"
#include "content/content.hpp"
#include "images/holds.hpp"
#include "images/images.hpp"
#include "images/records.hpp"
#include "snapshots/snapshots.hpp"

namespace berth::images {

using ConfigPtr = std::shared_ptr<const oci::ImageConfig>;

/// An image that is verified, with its layers in place, and has no row yet.
struct NewImage {
  oci::Digest id;
  std::string config_text;
  oci::ImageConfig config;
  std::vector<oci::Reference> names;
  oci::Digest parent;
};

class Store {
 public:
  Store(content::ContentStore& content_store, snapshots::SnapshotStore& snapshot_store, metadata::Database& database)
      : content(content_store), snapshots(snapshot_store), records(database) {}

  content::ContentStore& content;
  snapshots::SnapshotStore& snapshots;
  Records records;
  Holds holds;
  std::function<void(const ImageEvent&)> publish = [](const ImageEvent&) {};
  std::function<std::vector<ContainerUse>()> uses = [] { return std::vector<ContainerUse>{}; };

  /// The image that a name, an ID or the beginning of an ID means. Throws `invalid` on what can be neither.
  std::optional<oci::Digest> find(std::string_view name);
  /// Throws `not_found` in Docker's words.
  oci::Digest get(std::string_view name);
  ConfigPtr config(const oci::Digest& id);

  void announce(std::string action, const oci::Digest& id, std::string name);

  /// Makes blobs and rows of images, all in one transaction; `held` covers their layers. Returns for each name that
  /// another image had the old owner. On failure nothing of it stays.
  std::vector<std::pair<oci::Reference, oci::Digest>> add(const std::vector<NewImage>& images);

  /// Removes those of these layers and configurations that no image has and nobody holds.
  void sweep(const std::vector<oci::Digest>& layers, const std::vector<oci::Digest>& configs);

  /// Unless the work succeeds, what it has unpacked is swept when `undo` runs.
  void sweep_on_failure(Undo& undo, HeldSet& held);

 private:
  Guarded<std::map<oci::Digest, ConfigPtr>> configs_;  ///< a few, parsed
};

/// The names of a stack of layers: the first is the lowest diff ID, each next the digest of the one below and its diff
/// ID.
std::vector<LayerRecord> stack_of(const std::vector<oci::Digest>& diff_ids);

/// Parses an image's configuration and checks what everything else relies on. Throws `invalid`.
oci::ImageConfig parse_config(std::string_view text);

/// The operations, each in its file.
void load_archive(Store& store, const Source& source, const LoadRequest& request, const Messages& messages);
oci::Digest import_layer(Store& store, const Source& source, const ImportRequest& request, const Messages& messages);
std::vector<Summary> list_images(Store& store, const ListRequest& request);
std::vector<HistoryItem> image_history(Store& store, std::string_view name);
Inspect inspect_image(Store& store, std::string_view name);
void tag_image(Store& store, const oci::Digest& id, const oci::Reference& name);
std::vector<DeleteItem> remove_image(Store& store, std::string_view name, const RemoveRequest& request);
PruneReport prune_images(Store& store, const Filters& filters);

}  // namespace berth::images

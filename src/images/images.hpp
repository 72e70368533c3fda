// images: names -> configurations -> layers.
//
// Keeps one row per image and per name in the database, the image's configuration as a blob in content/ (its digest is
// the image's ID), and its layers unpacked in snapshots/. An image appears whole or not at all: until load or import
// has verified every digest and everything is durable, no row refers to it, and what a crash leaves is removed by
// recover(). Operations are shaped like the Engine API; errors carry Docker's texts where scripts match them.
//
// Uses: base, oci, metadata, content, snapshots.   Used by: containers, engine, api.   Threads: any.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "base/filters.hpp"
#include "base/json.hpp"
#include "images/inspect.hpp"
#include "oci/digest.hpp"
#include "oci/image_config.hpp"
#include "oci/platform.hpp"
#include "oci/reference.hpp"

namespace berth::content {
class ContentStore;
}
namespace berth::snapshots {
class SnapshotStore;
}
namespace berth::metadata {
class Database;
}

namespace berth::images {

/// Gives the next bytes of a stream; 0 at its end. Throws when the stream breaks.
using Source = std::function<std::size_t(std::span<char>)>;

/// Takes the messages of a running load or import, as the client gets them: {"stream": "Loaded image:
/// busybox:latest\n"},
/// {"status": "Loading layer", "id": ..., "progressDetail": {...}, "progress": "[=> ] ..."}.
using Messages = std::function<void(const json::Object&)>;

struct Image {
  oci::Digest id;
  oci::ImageConfig config;
};

/// An image event in Docker's words: "load", "import", "tag", "untag", "delete", "prune".
struct ImageEvent {
  std::string action;
  std::string id;                                 ///< "sha256:..."; empty for prune
  std::map<std::string, std::string> attributes;  ///< the image's labels, and "name"
};

/// A container that was made from an image.
struct ContainerUse {
  std::string container_id;
  std::string image_id;  ///< "sha256:..."
  bool running = false;
};

struct LoadRequest {
  bool quiet = false;                     ///< no progress, only results
  std::optional<oci::Platform> platform;  ///< which image of a multi-platform index; default: this machine's
};

struct ImportRequest {
  std::string repo;  ///< may include a tag; empty: no name
  std::string tag;
  std::string message;               ///< empty: "Imported from -"
  std::vector<std::string> changes;  ///< Dockerfile instructions
  std::optional<oci::Platform> platform;
};

struct ListRequest {
  bool all = false;
  bool shared_size = false;
  Filters filters;
};

struct RemoveRequest {
  bool force = false;
  bool noprune = false;
};

class ImageStore {
 public:
  /// Creates the tables if they are not there. The collaborators outlive the store.
  ImageStore(content::ContentStore& content, snapshots::SnapshotStore& snapshots, metadata::Database& database);
  ~ImageStore();
  ImageStore(const ImageStore&) = delete;
  ImageStore& operator=(const ImageStore&) = delete;

  /// Both are called without any lock of the store held. Set once, before the first request.
  void on_event(std::function<void(const ImageEvent&)> publish);
  void on_uses(std::function<std::vector<ContainerUse>()> uses);

  /// Removes blobs, layers and half-done work that no image refers to. Call once at start-up, after on_uses and before
  /// the first request.
  void recover();

  /// Loads a docker-archive or an OCI layout, plain or compressed. One pass: nothing is kept of the stream but the
  /// result. All images of the archive or, on any error, none. Throws `invalid` or `corrupt` for bad input.
  void load(const Source& source, const LoadRequest& request, const Messages& messages);

  /// Makes an image of one layer from a tar stream; returns its ID.
  oci::Digest import(const Source& source, const ImportRequest& request, const Messages& messages);

  /// By ID (with or without "sha256:", shortened if unique), name, name:tag or name@digest.
  /// Throws `not_found` ("No such image: x:latest"), `invalid` if it cannot be a reference.
  Image get(std::string_view name);
  std::optional<Image> find(std::string_view name);
  /// The same, and it must be for this platform (`not_found` otherwise).
  Image get(std::string_view name, const oci::Platform& platform);

  /// Keeps an image from being removed while the object lives: for the time between finding it and recording its use.
  class Hold {
   public:
    Hold(Hold&& other) noexcept = default;
    Hold& operator=(Hold&&) = delete;
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    ~Hold();

   private:
    friend class ImageStore;
    struct State;
    explicit Hold(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
  };
  /// Throws `not_found` if it has just gone.
  Hold hold(const oci::Digest& id);

  /// The unpacked layers for an overlay mount: absolute paths, topmost first. At least one, each only once.
  /// Works also for an image that was removed by force while a container still uses it.
  std::vector<fs::path> lower_directories(const oci::Digest& id);

  /// The first name of an image ("busybox:latest"), or nothing. For `docker ps` and events.
  std::optional<std::string> find_name(const oci::Digest& id);

  std::vector<Summary> list(const ListRequest& request);
  Inspect inspect(std::string_view name);
  std::vector<HistoryItem> history(std::string_view name);

  /// Names an image `repo[:tag]`, taking the name from whichever image had it.
  void tag(std::string_view name, std::string_view repo, std::string_view tag);

  /// Untags or deletes as `docker rmi` does; the answer is in Docker's order. Throws `conflict` with Docker's reasons.
  std::vector<DeleteItem> remove(std::string_view name, const RemoveRequest& request);
  /// Filters: dangling (default true), until, label, label!.
  PruneReport prune(const Filters& filters);

  /// Lets go of the layers of images that were removed by force once no container uses them. Cheap if there are none;
  /// call it after a container was removed.
  void collect();

  struct Totals {
    std::int64_t images = 0;
    std::int64_t bytes = 0;  ///< of all layers, each counted once
  };
  Totals totals();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Loads an archive from memory unless its image is here already: for the image that berthd carries in itself.
/// `name` as in the archive ("hello:latest"). Returns true if it was loaded.
bool ensure_loaded(ImageStore& store, std::string_view name, std::span<const std::byte> docker_archive);

}  // namespace berth::images

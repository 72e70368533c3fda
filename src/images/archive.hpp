// A docker-archive or OCI layout, read in one pass: layers are unpacked as they come by, documents are kept.
//
// Nothing tells in advance which entries are layers or what order they have: `docker save` writes them before the
// manifest. So whatever looks like a tar, compressed or not, is unpacked aside; the manifest at the end says which of
// them count.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "images/holds.hpp"
#include "images/images.hpp"
#include "snapshots/snapshots.hpp"

namespace berth::images {

/// A layer of the archive: unpacked aside, or here already and only verified.
struct ArchiveLayer {
  snapshots::LayerDigests digests;
  std::optional<snapshots::Unpacked> unpacked;
};

class Archive {
 public:
  /// Reads the stream to its end. Layers that are here already are held in `held`.
  /// Every entry below blobs/sha256/ must have the digest that its name says: `corrupt` otherwise.
  Archive(const Source& source, const snapshots::SnapshotStore& snapshots, HeldSet& held, const Messages& progress);

  /// The document at a path, links followed; null if there is none.
  [[nodiscard]] const std::string* find_document(std::string_view path) const;
  /// Throws `invalid`, naming the path.
  [[nodiscard]] const std::string& document(std::string_view path) const;
  [[nodiscard]] ArchiveLayer& layer(std::string_view path);

 private:
  class Reader;

  [[nodiscard]] std::string resolve(std::string_view path) const;

  std::map<std::string, std::string, std::less<>> documents_;
  std::map<std::string, ArchiveLayer, std::less<>> layers_;
  std::map<std::string, std::string, std::less<>> links_;
};

}  // namespace berth::images

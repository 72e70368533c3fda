// snapshots: layers on disk, unpacked, ready to be lower directories of an overlay mount.
//
// A layer is unpacked once, under its diff ID, whatever images it is part of: what it contains depends on its own tar
// alone (chain IDs name stacks of layers and stay in images/). It appears whole, verified and durable, or not at all.
// Which layers are needed is known to images/, which removes the others.
//
//   auto layer = store.unpack(source);          // aside, hashed on the way
//   if (layer.digests().diff_id != wanted) ...  // dropped with all that is in it
//   store.commit(layers);                       // one sync for all, then the renames
//
// Uses: base, oci, content.   Used by: images.   Threads: any.
#pragma once

#include <cstdint>
#include <vector>

#include "base/file.hpp"
#include "content/decoder.hpp"
#include "oci/digest.hpp"
#include "snapshots/unpack.hpp"

namespace berth::snapshots {

/// A layer that is unpacked and has no name yet; removed unless it is committed.
class Unpacked {
 public:
  [[nodiscard]] const LayerDigests& digests() const noexcept { return digests_; }

 private:
  friend class SnapshotStore;
  Unpacked(TempDir directory, LayerDigests digests) : directory_(std::move(directory)), digests_(std::move(digests)) {}

  TempDir directory_;
  LayerDigests digests_;
};

class SnapshotStore {
 public:
  /// `root` is <data-root>/snapshots; it is made if missing.
  explicit SnapshotStore(const fs::path& root);

  /// See unpack_layer. Nothing is left behind if it throws.
  [[nodiscard]] Unpacked unpack(const content::Source& source) const;

  /// Makes layers durable and gives them their names; those that exist already are dropped. Either all or, if it
  /// throws, none that was not there before.
  void commit(std::vector<Unpacked> layers) const;

  [[nodiscard]] bool contains(const oci::Digest& diff_id) const;
  /// The layer's root, absolute.
  [[nodiscard]] fs::path directory(const oci::Digest& diff_id) const;
  /// Bytes of the layer's files; 0 if it is not there.
  [[nodiscard]] std::int64_t size(const oci::Digest& diff_id) const;
  /// A lower directory for an image without layers.
  [[nodiscard]] const fs::path& empty_directory() const noexcept { return empty_; }
  [[nodiscard]] std::vector<oci::Digest> list() const;

  /// Takes a layer's name away at once; `purge` removes the files. Absence is fine.
  void discard(const oci::Digest& diff_id) const;
  /// Removes what was discarded. May take long: hold no lock.
  void purge() const;

  /// Removes what unpacking and discarding of an earlier run left. Only while nothing is being unpacked.
  void recover() const;

 private:
  [[nodiscard]] fs::path entry(const oci::Digest& diff_id) const;

  fs::path layers_;    ///< <root>/overlay/<hex of the diff ID>/{fs,size}
  fs::path ingests_;   ///< <root>/ingest
  fs::path discards_;  ///< <root>/discard
  fs::path empty_;     ///< <root>/empty
};

}  // namespace berth::snapshots

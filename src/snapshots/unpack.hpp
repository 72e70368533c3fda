// A layer's tar stream onto disk, hashed on the way.
#pragma once

#include <cstdint>

#include "base/fd.hpp"
#include "content/decoder.hpp"
#include "oci/digest.hpp"

namespace berth::snapshots {

/// What a layer's stream turned out to be.
struct LayerDigests {
  oci::Digest blob;       ///< of the stream as it came
  oci::Digest diff_id;    ///< of the uncompressed tar
  std::int64_t size = 0;  ///< bytes of its files, hard links once, as `docker images` counts
};

/// Unpacks a layer, plain, gzip or zstd, into the empty directory `root` in the form that overlayfs takes as a lower
/// layer: whiteouts as 0:0 devices, opaque directories by attribute. Modes, owners, times, links, devices, attributes
/// and holes become exactly what the archive says. Not durable yet. Throws `invalid` or `corrupt`, naming the entry.
LayerDigests unpack_layer(const content::Source& source, UniqueFd root);

/// Only reads and hashes, for a layer that is here already; `size` is 0.
LayerDigests digest_layer(const content::Source& source);

}  // namespace berth::snapshots

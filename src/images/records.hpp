// The rows of images and names. Only images/ reads and writes them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "metadata/database.hpp"
#include "oci/digest.hpp"
#include "oci/reference.hpp"

namespace berth::images {

struct ImageRecord {
  oci::Digest id;
  Time created;           ///< Time::min(): not given
  std::int64_t size = 0;  ///< of its layers, uncompressed
  oci::Digest parent;     ///< empty: none
  std::string tagged_at;  ///< RFC 3339; empty: never tagged here
};

/// One layer of an image, at its place in the stack.
struct LayerRecord {
  oci::Digest diff_id;
  oci::Digest chain_id;
};

class Records {
 public:
  explicit Records(metadata::Database& database);

  [[nodiscard]] metadata::Database& database() { return database_; }

  std::optional<ImageRecord> find(const oci::Digest& id);
  std::vector<ImageRecord> all();
  /// IDs that start with these hexadecimal digits, at most two: enough to know whether the prefix is unique.
  std::vector<oci::Digest> with_prefix(std::string_view hex);
  /// Also of an image that was removed while in use.
  std::vector<LayerRecord> layers(const oci::Digest& id);
  std::vector<oci::Digest> children(const oci::Digest& id);

  /// Adds the image, or brings back a removed one; false if it was there.
  bool add(const ImageRecord& image, const std::vector<LayerRecord>& layers);
  void set_parent(const oci::Digest& id, const oci::Digest& parent);
  void set_tagged(const oci::Digest& id, const std::string& when);
  void remove(const oci::Digest& id);
  /// Hides the image but keeps its layers, for containers that still use it.
  void retire(const oci::Digest& id);
  std::vector<oci::Digest> retired();

  std::optional<oci::Digest> find_name(const oci::Reference& name);
  /// All names of an image, tags and digests, sorted.
  std::vector<oci::Reference> names(const oci::Digest& id);
  void set_name(const oci::Reference& name, const oci::Digest& id);
  void remove_name(const oci::Reference& name);

  /// True if an image, retired ones included, has this layer.
  bool uses_layer(const oci::Digest& diff_id);
  /// True if an image that is not retired has this stack of layers.
  bool uses_chain(const oci::Digest& chain_id);
  bool uses_blob(const oci::Digest& id);
  /// Every layer that an image has, each once.
  std::vector<oci::Digest> all_layers();

 private:
  metadata::Database& database_;
};

}  // namespace berth::images

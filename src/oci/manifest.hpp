// Descriptors, manifests and indexes (image-spec 1.1; Docker's schema 2 has the same shape under other media types).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "oci/digest.hpp"
#include "oci/platform.hpp"

namespace berth::oci {

namespace media_type {
inline constexpr std::string_view oci_manifest = "application/vnd.oci.image.manifest.v1+json";
inline constexpr std::string_view oci_index = "application/vnd.oci.image.index.v1+json";
inline constexpr std::string_view oci_config = "application/vnd.oci.image.config.v1+json";
inline constexpr std::string_view docker_manifest = "application/vnd.docker.distribution.manifest.v2+json";
inline constexpr std::string_view docker_index = "application/vnd.docker.distribution.manifest.list.v2+json";
inline constexpr std::string_view docker_config = "application/vnd.docker.container.image.v1+json";
}  // namespace media_type

struct Descriptor {
  std::string mediaType;
  Digest digest;
  std::int64_t size = 0;
  json::OmitEmpty<std::map<std::string, std::string>> annotations;
  std::optional<Platform> platform;
};
BOOST_DESCRIBE_STRUCT(Descriptor, (), (mediaType, digest, size, annotations, platform))

struct Manifest {
  int schemaVersion = 0;
  json::OmitEmpty<std::string> mediaType;
  Descriptor config;
  std::vector<Descriptor> layers;  ///< lowest first
  json::OmitEmpty<std::map<std::string, std::string>> annotations;
};
BOOST_DESCRIBE_STRUCT(Manifest, (), (schemaVersion, mediaType, config, layers, annotations))

struct Index {
  int schemaVersion = 0;
  json::OmitEmpty<std::string> mediaType;
  std::vector<Descriptor> manifests;
  json::OmitEmpty<std::map<std::string, std::string>> annotations;
};
BOOST_DESCRIBE_STRUCT(Index, (), (schemaVersion, mediaType, manifests, annotations))

bool is_manifest_type(std::string_view media_type);
bool is_index_type(std::string_view media_type);

/// Parses the blob that `descriptor` names. A document that says it is something else than the descriptor claims, or
/// that could be read as both a manifest and an index, is refused as `invalid` (CVE-2021-41190).
Manifest parse_manifest(std::string_view text, const Descriptor& descriptor);
Index parse_index(std::string_view text, const Descriptor& descriptor);

}  // namespace berth::oci

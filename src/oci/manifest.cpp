#include "oci/manifest.hpp"

#include "base/error.hpp"

namespace berth::oci {
namespace {

/// The media type inside, where there is one, must be the one of the descriptor that led here.
void check_media_type(const std::string& inside, const Descriptor& descriptor) {
  if (!inside.empty() && inside != descriptor.mediaType) {
    throw Error{Kind::invalid, "{}: media type {} where the descriptor says {}", descriptor.digest, quote(inside),
                quote(descriptor.mediaType)};
  }
}

void check_schema_version(int version, const Descriptor& descriptor) {
  if (version != 2) throw Error{Kind::invalid, "{}: unsupported schema version {}", descriptor.digest, version};
}

json::Value parse_document(std::string_view text, const Descriptor& descriptor, std::string_view foreign_member) {
  try {
    auto document = json::parse(text);
    if (json::find(document, foreign_member) != nullptr) {
      throw Error{Kind::invalid, "has a member {} that does not belong to its media type", quote(foreign_member)};
    }
    return document;
  } catch (Error& error) {
    throw error.in("{}", descriptor.digest);
  }
}

}  // namespace

bool is_manifest_type(std::string_view type) {
  return type == media_type::oci_manifest || type == media_type::docker_manifest;
}

bool is_index_type(std::string_view type) {
  return type == media_type::oci_index || type == media_type::docker_index;
}

Manifest parse_manifest(std::string_view text, const Descriptor& descriptor) {
  auto manifest = json::from<Manifest>(parse_document(text, descriptor, "manifests"));
  check_media_type(manifest.mediaType, descriptor);
  check_schema_version(manifest.schemaVersion, descriptor);
  if (manifest.config.digest.empty()) throw Error{Kind::invalid, "{}: manifest without a config", descriptor.digest};
  return manifest;
}

Index parse_index(std::string_view text, const Descriptor& descriptor) {
  const auto document = parse_document(text, descriptor, "layers");
  if (json::find(document, "config") != nullptr) {
    throw Error{Kind::invalid, "{}: an index cannot have a config", descriptor.digest};
  }
  auto index = json::from<Index>(document);
  check_media_type(index.mediaType, descriptor);
  check_schema_version(index.schemaVersion, descriptor);
  return index;
}

}  // namespace berth::oci

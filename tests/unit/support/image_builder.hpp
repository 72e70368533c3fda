// Image archives for tests: docker-archive and OCI layout, right ones and wrong ones.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "content/sha256.hpp"
#include "tar_builder.hpp"

namespace berth::test {

inline std::string digest_of(std::string_view bytes) {
  return content::sha256(bytes).to_string();
}
inline std::string hex_of(std::string_view bytes) {
  return content::sha256(bytes).hex();
}

/// A layer with one file.
inline std::string layer_with(const std::string& path, std::string_view content) {
  return TarBuilder{}.file(path, content).finish();
}

struct ImageSpec {
  std::vector<std::string> layers;  ///< uncompressed tars, lowest first
  std::vector<std::string> names;
  std::string created = "2026-01-02T03:04:05.000000006Z";
  std::map<std::string, std::string> labels = {};
  std::string cmd = "sh";
};

inline json::Object config_of(const ImageSpec& image) {
  json::Array diff_ids;
  json::Array history;
  for (const auto& layer : image.layers) {
    diff_ids.emplace_back(digest_of(layer));
    history.push_back({{"created", image.created}, {"created_by", "ADD layer"}});
  }
  history.push_back({{"created", image.created}, {"created_by", "CMD"}, {"empty_layer", true}});
  return {{"architecture", "amd64"},
          {"os", "linux"},
          {"created", image.created},
          {"author", "tester"},
          {"config", {{"Cmd", {image.cmd}}, {"Env", {"PATH=/bin"}}, {"Labels", json::to(image.labels)}}},
          {"rootfs", {{"type", "layers"}, {"diff_ids", diff_ids}}},
          {"history", history}};
}

inline std::string config_text(const ImageSpec& image) {
  return json::write(json::Value(config_of(image)));
}

/// As `docker save` before 25 and podman write it.
inline std::string docker_archive(const std::vector<ImageSpec>& images) {
  TarBuilder tar;
  json::Array manifest;
  for (const auto& image : images) {
    const auto config = config_text(image);
    json::Array layers;
    for (const auto& layer : image.layers) {
      const auto path = hex_of(layer) + "/layer.tar";
      tar.file(path, layer);
      layers.emplace_back(path);
    }
    tar.file(hex_of(config) + ".json", config);
    manifest.push_back({{"Config", hex_of(config) + ".json"}, {"RepoTags", json::to(image.names)}, {"Layers", layers}});
  }
  return tar.file("manifest.json", json::write(json::Value(manifest))).finish();
}

/// An OCI layout of one image, its layers packed by `pack`.
struct OciArchive {
  ImageSpec image;
  std::string (*pack)(std::string_view) = nullptr;
  std::string layer_type = "application/vnd.oci.image.layer.v1.tar";
  /// Blobs to put in place of the right ones, by their digest's hex: for archives that lie.
  std::map<std::string, std::string> replaced = {};

  [[nodiscard]] std::string write() const {
    TarBuilder tar;
    const auto put = [&](const std::string& blob, std::string_view type) {
      const auto found = replaced.find(hex_of(blob));
      tar.file("blobs/sha256/" + hex_of(blob), found == replaced.end() ? blob : found->second);
      return json::Object{{"mediaType", type}, {"digest", digest_of(blob)}, {"size", blob.size()}};
    };
    json::Array layers;
    for (const auto& layer : image.layers) layers.push_back(put(pack == nullptr ? layer : pack(layer), layer_type));
    const auto config = put(config_text(image), "application/vnd.oci.image.config.v1+json");
    const json::Value manifest = {{"schemaVersion", 2},
                                  {"mediaType", "application/vnd.oci.image.manifest.v1+json"},
                                  {"config", config},
                                  {"layers", layers}};
    auto descriptor = put(json::write(manifest), "application/vnd.oci.image.manifest.v1+json");
    if (!image.names.empty()) {
      descriptor["annotations"] = {{"io.containerd.image.name", image.names.front()},
                                   {"org.opencontainers.image.ref.name", "latest"}};
    }
    const json::Value index = {{"schemaVersion", 2}, {"manifests", json::Array{descriptor}}};
    tar.file("index.json", json::write(index));
    return tar.file("oci-layout", R"({"imageLayoutVersion":"1.0.0"})").finish();
  }
};

}  // namespace berth::test

// `docker load`: which images an archive holds, whether they are what they say, and then all of them at once.
#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "base/id.hpp"
#include "base/undo.hpp"
#include "images/archive.hpp"
#include "images/store.hpp"
#include "oci/manifest.hpp"

namespace berth::images {
namespace {

constexpr int max_index_depth = 4;

/// One element of a docker-archive's manifest.json.
struct ManifestItem {
  std::string Config;
  std::vector<std::string> RepoTags;
  std::vector<std::string> Layers;  ///< paths, lowest first
  std::string Parent;
};
BOOST_DESCRIBE_STRUCT(ManifestItem, (), (Config, RepoTags, Layers, Parent))

/// An image of the archive: what to check and where its parts are.
struct Candidate {
  std::string config_text;
  std::vector<std::string> layers;  ///< paths, lowest first
  std::vector<oci::Reference> names;
  std::string parent;
};

// --- docker-archive ---

std::vector<Candidate> read_docker_archive(const Archive& archive, const std::string& text) {
  const auto document = json::parse(text);
  if (document.is_null()) throw Error{Kind::invalid, "invalid manifest, manifest cannot be null (but can be [])"};
  std::vector<Candidate> candidates;
  for (const auto& item : json::from<std::vector<ManifestItem>>(document)) {
    Candidate candidate{.config_text = archive.document(item.Config), .layers = item.Layers, .parent = item.Parent};
    for (const auto& tag : item.RepoTags) {
      auto name = oci::Reference::parse(tag);
      if (!name.tag()) throw Error{Kind::invalid, "invalid tag {}", quote(tag)};
      candidate.names.push_back(name.with_tag(*name.tag()));
    }
    candidates.push_back(std::move(candidate));
  }
  return candidates;
}

// --- OCI layout ---

std::string blob_path(const oci::Descriptor& descriptor) {
  return "blobs/sha256/" + descriptor.digest.hex();
}

/// The document that a descriptor names; its digest was checked when it was read (Archive).
const std::string& blob(const Archive& archive, const oci::Descriptor& descriptor) {
  const auto& text = archive.document(blob_path(descriptor));
  if (static_cast<std::int64_t>(text.size()) != descriptor.size) {
    throw Error{Kind::corrupt, "{} has {} bytes, its descriptor says {}", descriptor.digest, text.size(),
                descriptor.size};
  }
  return text;
}

std::string annotation(const oci::Descriptor& descriptor, std::string_view key) {
  const auto found = descriptor.annotations.find(std::string{key});
  return found == descriptor.annotations.end() ? std::string{} : found->second;
}

/// containerd writes the whole name; others put name or only the tag into ref.name. A tag alone names nothing.
std::vector<oci::Reference> names_of(const oci::Descriptor& descriptor) {
  for (const auto* key : {"io.containerd.image.name", "org.opencontainers.image.ref.name"}) {
    const auto text = annotation(descriptor, key);
    if (text.find_first_of(":/") == std::string::npos) continue;
    if (const auto name = oci::Reference::try_parse(text)) {
      const auto tagged = name->with_default_tag();
      if (tagged.tag()) return {tagged.with_tag(*tagged.tag())};
    }
  }
  return {};
}

/// Signatures and provenance travel beside images, under a platform that does not exist.
bool is_attestation(const oci::Descriptor& descriptor) {
  return !annotation(descriptor, "vnd.docker.reference.type").empty() ||
         (descriptor.platform && descriptor.platform->os == "unknown");
}

/// Those for the platform; if it was not asked for and there are none, all, as Docker takes what is there.
std::vector<oci::Descriptor> for_platform(const std::vector<oci::Descriptor>& all, const LoadRequest& request) {
  std::vector<oci::Descriptor> images;
  std::ranges::copy_if(all, std::back_inserter(images), [](const auto& d) { return !is_attestation(d); });
  const auto wanted = request.platform.value_or(oci::host_platform());
  std::vector<oci::Descriptor> suitable;
  std::ranges::copy_if(images, std::back_inserter(suitable),
                       [&](const auto& d) { return !d.platform || oci::matches(*d.platform, wanted); });
  if (suitable.empty() && request.platform) {
    throw Error{Kind::not_found, "the archive has no image for the platform {}", oci::to_string(wanted)};
  }
  return suitable.empty() ? images : suitable;
}

void check_layer_type(const oci::Descriptor& layer) {
  const std::string_view type = layer.mediaType;
  const bool is_tar = type.contains(".tar") && (type.starts_with("application/vnd.oci.image.layer.") ||
                                                type.starts_with("application/vnd.docker.image.rootfs."));
  if (!is_tar) throw Error{Kind::unsupported, "layer {} has the media type {}", layer.digest, quote(type)};
}

Candidate read_manifest(const Archive& archive, const oci::Descriptor& descriptor) {
  const auto manifest = oci::parse_manifest(blob(archive, descriptor), descriptor);
  Candidate candidate{.config_text = blob(archive, manifest.config), .names = names_of(descriptor)};
  for (const auto& layer : manifest.layers) {
    check_layer_type(layer);
    candidate.layers.push_back(blob_path(layer));
  }
  return candidate;
}

void read_index(const Archive& archive, const oci::Index& index, const LoadRequest& request, int depth,
                std::vector<Candidate>& candidates) {
  if (depth > max_index_depth) throw Error{Kind::invalid, "the archive's indexes are nested too deep"};
  for (const auto& descriptor : for_platform(index.manifests, request)) {
    if (oci::is_manifest_type(descriptor.mediaType)) {
      candidates.push_back(read_manifest(archive, descriptor));
    } else if (oci::is_index_type(descriptor.mediaType)) {
      const auto first = candidates.size();
      read_index(archive, oci::parse_index(blob(archive, descriptor), descriptor), request, depth + 1, candidates);
      // The name stands at the outermost index.
      const auto names = names_of(descriptor);
      if (!names.empty() && candidates.size() > first) candidates[first].names = names;
    } else {
      throw Error{Kind::invalid, "index.json: unsupported media type {}", quote(descriptor.mediaType)};
    }
  }
}

std::vector<Candidate> read_oci_layout(const Archive& archive, const std::string& text, const LoadRequest& request) {
  const auto top = oci::Descriptor{.mediaType = std::string{oci::media_type::oci_index}};
  std::vector<Candidate> candidates;
  read_index(archive, oci::parse_index(text, top), request, 0, candidates);
  return candidates;
}

// --- both ---

std::vector<Candidate> read_candidates(const Archive& archive, const LoadRequest& request) {
  // `docker save` writes both; manifest.json is the one that names all its images.
  if (const auto* manifest = archive.find_document("manifest.json")) {
    try {
      return read_docker_archive(archive, *manifest);
    } catch (Error& error) {
      throw error.in("manifest.json");
    }
  }
  if (const auto* index = archive.find_document("index.json")) return read_oci_layout(archive, *index, request);
  throw Error{Kind::invalid, "invalid archive: does not contain a manifest.json"};
}

void check_platform(const oci::ImageConfig& config, const LoadRequest& request) {
  const std::string os = config.os.empty() ? "linux" : std::string{config.os};
  if (os != "linux") throw Error{Kind::invalid, "cannot load {} image on linux", os};
  const oci::Platform platform{.architecture = config.architecture, .os = os, .variant = config.variant};
  if (request.platform && !oci::matches(platform, *request.platform)) {
    throw Error{Kind::not_found, "requested platform ({}) does not match the image's platform ({})",
                oci::to_string(*request.platform), oci::to_string(platform)};
  }
}

/// Checks the image against its configuration and takes its layers out of the archive.
NewImage verify(Archive& archive, const Candidate& candidate, const LoadRequest& request,
                std::vector<snapshots::Unpacked>& layers) {
  NewImage image{.id = content::sha256(candidate.config_text),
                 .config_text = candidate.config_text,
                 .config = parse_config(candidate.config_text),
                 .names = candidate.names};
  check_platform(image.config, request);
  const auto& diff_ids = image.config.rootfs.diff_ids;
  if (candidate.layers.size() != diff_ids.size()) {
    throw Error{Kind::invalid, "invalid manifest, layers length mismatch: expected {}, got {}", candidate.layers.size(),
                diff_ids.size()};
  }
  for (std::size_t i = 0; i < diff_ids.size(); ++i) {
    auto& layer = archive.layer(candidate.layers[i]);
    if (layer.digests.diff_id != diff_ids[i]) {
      throw Error{Kind::corrupt, "invalid diffID for layer {}: expected {}, got {}", i, quote(diff_ids[i].to_string()),
                  quote(layer.digests.diff_id.to_string())};
    }
    if (layer.unpacked) layers.push_back(std::move(*std::exchange(layer.unpacked, std::nullopt)));
  }
  return image;
}

/// A parent is believed if it is of this archive too and the image is its continuation.
void link_parents(std::vector<NewImage>& images, const std::vector<Candidate>& candidates) {
  for (std::size_t i = 0; i < images.size(); ++i) {
    const auto wanted = oci::Digest::try_parse(candidates[i].parent);
    const auto parent =
        std::ranges::find_if(images, [&](const NewImage& other) { return wanted && other.id == *wanted; });
    if (parent == images.end() || parent->config.history.size() >= images[i].config.history.size()) continue;
    const auto& below = parent->config.rootfs.diff_ids;
    const auto& whole = images[i].config.rootfs.diff_ids;
    if (below.size() <= whole.size() && std::equal(below.begin(), below.end(), whole.begin()))
      images[i].parent = parent->id;
  }
}

void report(const std::vector<NewImage>& images, const std::vector<std::pair<oci::Reference, oci::Digest>>& moved,
            const Messages& messages) {
  const auto print = [&](const std::string& line) { messages({{"stream", line}}); };
  for (const auto& [name, old_id] : moved) {
    print(fmt::format("The image {} already exists, renaming the old one with ID {} to empty string\n", name.familiar(),
                      old_id));
  }
  for (const auto& image : images) {
    for (const auto& name : image.names) print(fmt::format("Loaded image: {}\n", name.familiar()));
  }
  const bool unnamed = std::ranges::all_of(images, [](const NewImage& image) { return image.names.empty(); });
  for (const auto& image : images) {
    if (unnamed) print(fmt::format("Loaded image ID: {}\n", image.id));
  }
}

}  // namespace

void load_archive(Store& store, const Source& source, const LoadRequest& request, const Messages& messages) {
  HeldSet held{store.holds};
  Undo undo;
  store.sweep_on_failure(undo, held);

  Archive archive{source, store.snapshots, held, request.quiet ? Messages{} : messages};
  const auto candidates = read_candidates(archive, request);
  std::vector<NewImage> images;
  std::vector<snapshots::Unpacked> layers;
  for (const auto& candidate : candidates) images.push_back(verify(archive, candidate, request, layers));
  link_parents(images, candidates);

  for (const auto& layer : layers) held.add(layer.digests().diff_id);
  store.snapshots.commit(std::move(layers));
  const auto moved = store.add(images);
  undo.dismiss();
  for (const auto& image : images) store.announce("load", image.id, image.id.to_string());
  report(images, moved, messages);
}

}  // namespace berth::images

// `docker import`: an image of one layer from a tar stream.
#include "base/error.hpp"
#include "base/undo.hpp"
#include "images/changes.hpp"
#include "images/store.hpp"

namespace berth::images {
namespace {

std::optional<oci::Reference> requested_name(const ImportRequest& request) {
  if (request.repo.empty()) return std::nullopt;
  const auto reference = oci::Reference::parse(request.repo);
  if (reference.digest()) throw Error{Kind::invalid, "cannot import digest reference"};
  return request.tag.empty() ? reference.with_default_tag() : reference.with_tag(request.tag);
}

NewImage make_image(const ImportRequest& request, oci::RunConfig config, const oci::Digest& diff_id) {
  const auto platform = request.platform.value_or(oci::host_platform());
  if (platform.os != "linux") throw Error{Kind::invalid, "operating system is not supported: {}", platform.os};
  const auto created = to_rfc3339(now());
  const std::string comment = request.message.empty() ? "Imported from -" : request.message;
  NewImage image;
  image.config = {.architecture = platform.architecture,
                  .variant = platform.variant,
                  .comment = comment,
                  .created = created,
                  .config = std::move(config),
                  .os = platform.os,
                  .rootfs = {.type = "layers", .diff_ids = {diff_id}}};
  image.config.history.push_back({.created = created, .comment = comment});
  image.config_text = json::write(image.config);
  image.id = content::sha256(image.config_text);
  return image;
}

}  // namespace

oci::Digest import_layer(Store& store, const Source& source, const ImportRequest& request, const Messages& messages) {
  const auto name = requested_name(request);
  auto config = apply_changes({}, request.changes);

  HeldSet held{store.holds};
  Undo undo;
  store.sweep_on_failure(undo, held);
  std::vector<snapshots::Unpacked> layers;
  layers.push_back(store.snapshots.unpack(source));
  const auto diff_id = layers.front().digests().diff_id;
  held.add(diff_id);
  store.snapshots.commit(std::move(layers));
  const auto image = make_image(request, std::move(config), diff_id);
  store.add({image});
  undo.dismiss();

  if (name) tag_image(store, image.id, *name);
  store.announce("import", image.id, image.id.to_string());
  messages({{"status", image.id.to_string()}});
  return image.id;
}

}  // namespace berth::images

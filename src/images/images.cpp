#include "images/images.hpp"

#include <algorithm>
#include <atomic>
#include <set>

#include "base/error.hpp"
#include "images/store.hpp"

namespace berth::images {

struct ImageStore::Impl : Store {
  using Store::Store;
  std::atomic<bool> has_retired = true;  ///< until collect() has looked
};

struct ImageStore::Hold::State {
  State(Holds& all, const oci::Digest& image) : holds(all), id(image) {}
  ~State() { holds.release(id); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  Holds& holds;
  oci::Digest id;
};

ImageStore::Hold::Hold(std::unique_ptr<State> state) : state_(std::move(state)) {}
ImageStore::Hold::~Hold() = default;

ImageStore::ImageStore(content::ContentStore& content, snapshots::SnapshotStore& snapshots,
                       metadata::Database& database)
    : impl_(std::make_unique<Impl>(content, snapshots, database)) {}
ImageStore::~ImageStore() = default;

void ImageStore::on_event(std::function<void(const ImageEvent&)> publish) {
  impl_->publish = std::move(publish);
}
void ImageStore::on_uses(std::function<std::vector<ContainerUse>()> uses) {
  impl_->uses = std::move(uses);
}

void ImageStore::recover() {
  impl_->content.recover();
  impl_->snapshots.recover();
  collect();
  // What a crash left between making a layer or blob and recording its image.
  impl_->sweep(impl_->snapshots.list(), impl_->content.list());
}

void ImageStore::load(const Source& source, const LoadRequest& request, const Messages& messages) {
  load_archive(*impl_, source, request, messages);
}

oci::Digest ImageStore::import(const Source& source, const ImportRequest& request, const Messages& messages) {
  return import_layer(*impl_, source, request, messages);
}

Image ImageStore::get(std::string_view name) {
  const auto id = impl_->get(name);
  return {id, *impl_->config(id)};
}

std::optional<Image> ImageStore::find(std::string_view name) {
  const auto id = impl_->find(name);
  if (!id) return std::nullopt;
  return Image{*id, *impl_->config(*id)};
}

Image ImageStore::get(std::string_view name, const oci::Platform& platform) {
  auto image = get(name);
  const oci::Platform actual{
      .architecture = image.config.architecture, .os = image.config.os, .variant = image.config.variant};
  if (!oci::matches(actual, platform)) {
    throw Error{Kind::not_found, "image with reference {} was found but does not provide the specified platform ({})",
                name, oci::to_string(platform)};
  }
  return image;
}

ImageStore::Hold ImageStore::hold(const oci::Digest& id) {
  // Allocated first: a hold that is taken is always released.
  const auto is_there = [&] { return impl_->records.find(id).has_value(); };
  if (!impl_->holds.hold_image(id, is_there)) throw Error{Kind::not_found, "No such image: {}", id};
  try {
    return Hold{std::make_unique<Hold::State>(impl_->holds, id)};
  } catch (...) {
    impl_->holds.release(id);
    throw;
  }
}

std::vector<fs::path> ImageStore::lower_directories(const oci::Digest& id) {
  auto layers = impl_->records.layers(id);
  std::ranges::reverse(layers);
  std::vector<fs::path> directories;
  std::set<oci::Digest> seen;
  for (const auto& layer : layers) {
    // overlayfs refuses the same directory twice. The upper of two equal layers hides all of the lower.
    if (seen.insert(layer.diff_id).second) directories.push_back(impl_->snapshots.directory(layer.diff_id));
  }
  if (directories.empty()) directories.push_back(impl_->snapshots.empty_directory());
  return directories;
}

std::optional<std::string> ImageStore::find_name(const oci::Digest& id) {
  const auto names = impl_->records.names(id);
  const auto tagged = std::ranges::find_if(names, [](const auto& name) { return name.tag().has_value(); });
  return tagged == names.end() ? std::nullopt : std::optional{tagged->familiar()};
}

std::vector<Summary> ImageStore::list(const ListRequest& request) {
  return list_images(*impl_, request);
}
Inspect ImageStore::inspect(std::string_view name) {
  return inspect_image(*impl_, name);
}
std::vector<HistoryItem> ImageStore::history(std::string_view name) {
  return image_history(*impl_, name);
}

void ImageStore::tag(std::string_view name, std::string_view repo, std::string_view tag) {
  const auto id = impl_->get(name);
  const auto reference = oci::Reference::parse(repo);
  if (reference.digest()) throw Error{Kind::invalid, "refusing to create a tag with a digest reference"};
  tag_image(*impl_, id, tag.empty() ? reference.with_default_tag() : reference.with_tag(tag));
}

std::vector<DeleteItem> ImageStore::remove(std::string_view name, const RemoveRequest& request) {
  if (request.force) impl_->has_retired = true;
  return remove_image(*impl_, name, request);
}

PruneReport ImageStore::prune(const Filters& filters) {
  return prune_images(*impl_, filters);
}

void ImageStore::collect() {
  if (!impl_->has_retired.exchange(false)) return;
  const auto uses = impl_->uses();
  for (const auto& id : impl_->records.retired()) {
    if (std::ranges::any_of(uses, [&](const auto& use) { return use.image_id == id.to_string(); })) {
      impl_->has_retired = true;
      continue;
    }
    std::vector<oci::Digest> layers;
    for (const auto& layer : impl_->records.layers(id)) layers.push_back(layer.diff_id);
    impl_->records.remove(id);
    impl_->sweep(layers, {id});
  }
}

ImageStore::Totals ImageStore::totals() {
  Totals totals{.images = static_cast<std::int64_t>(impl_->records.all().size())};
  for (const auto& diff_id : impl_->records.all_layers()) totals.bytes += impl_->snapshots.size(diff_id);
  return totals;
}

}  // namespace berth::images

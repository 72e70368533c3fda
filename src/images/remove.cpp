// `docker rmi` and `docker image prune`: names first, then the image, then the layers that nobody else has.
#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "base/id.hpp"
#include "base/time.hpp"
#include "images/store.hpp"

namespace berth::images {
namespace {

std::string short_of(const oci::Digest& id) {
  return short_id(id.hex());
}

/// At most one tag, and digests only of the same repository: removing by ID may then remove the names too.
bool is_single_reference(const std::vector<oci::Reference>& names) {
  if (names.size() <= 1) return true;
  std::set<std::string> digest_names;
  const oci::Reference* single = nullptr;
  for (const auto& name : names) {
    if (name.digest()) {
      digest_names.insert(name.name());
    } else if (single == nullptr) {
      single = &name;
    } else {
      return false;
    }
  }
  if (single == nullptr) single = &names.front();
  return digest_names.size() == 1 && digest_names.contains(single->name());
}

bool is_id_prefix(const oci::Digest& id, std::string_view name) {
  return id.to_string().starts_with(name) || id.hex().starts_with(name);
}

/// Why an image cannot be deleted.
struct Conflict {
  bool hard = false;  ///< not even by force
  bool used = false;
  std::string reason;

  [[nodiscard]] Error error(const oci::Digest& id) const {
    return {Kind::conflict, "conflict: unable to delete {} ({}) - {}", short_of(id),
            hard ? "cannot be forced" : "must be forced", reason};
  }
};

/// One request to remove an image: the steps share what was asked, and the answer that they fill.
class Remover {
 public:
  Remover(Store& store, RemoveRequest request) : store_(store), request_(request) {}

  std::vector<DeleteItem> run(const oci::Digest& id, std::string_view asked) {
    const Holds::Removal removal{store_.holds, id};
    uses_ = store_.uses();
    const bool by_id = is_id_prefix(id, asked);
    if (by_id) {
      untag_single(id, removal);
    } else if (untag_one(id, asked)) {
      return std::move(items_);
    }
    delete_image(id, removal, {.force = request_.force, .quiet = !by_id});
    return std::move(items_);
  }

 private:
  struct Mode {
    bool force = false;
    bool quiet = false;  ///< a name was removed: that alone is a success
  };

  /// Removes the name that was asked for; true if others are left and the image stays.
  bool untag_one(const oci::Digest& id, std::string_view asked) {
    auto names = store_.records.names(id);
    if (!request_.force && is_single_reference(names)) {
      if (const auto* use = find_use(id, std::nullopt)) {
        throw Error{Kind::conflict,
                    "conflict: unable to remove repository reference {} (must force) - container {} is using its "
                    "referenced image {}",
                    quote(asked), short_id(use->container_id), short_of(id)};
      }
    }
    const auto parsed = oci::Reference::parse(asked);
    const auto wanted = parsed.digest() ? parsed.with_digest(*parsed.digest()) : parsed.with_default_tag();
    untag(id, wanted);
    std::erase(names, wanted);
    const auto same_repository = [&](const oci::Reference& name) { return name.name() == wanted.name(); };
    const bool tag_left =
        std::ranges::any_of(names, [&](const auto& name) { return same_repository(name) && !name.digest(); });
    if (!wanted.digest() && !tag_left) {
      for (const auto& name : names) {
        if (same_repository(name)) untag(id, name);
      }
      std::erase_if(names, same_repository);
    }
    return !names.empty();
  }

  void untag_single(const oci::Digest& id, const Holds::Removal& removal) {
    const auto names = store_.records.names(id);
    if (!is_single_reference(names)) return;
    if (const auto conflict = find_conflict(id, removal, request_.force, false)) throw conflict->error(id);
    for (const auto& name : names) untag(id, name);
  }

  void untag(const oci::Digest& id, const oci::Reference& name) {
    store_.records.remove_name(name);
    items_.push_back({.Untagged = name.familiar()});
    store_.announce("untag", id, id.to_string());
  }

  void delete_image(const oci::Digest& id, const Holds::Removal& removal, Mode mode) {
    if (const auto conflict = find_conflict(id, removal, mode.force, true)) {
      const bool dangling = store_.records.names(id).empty() && store_.records.children(id).empty();
      if (mode.quiet && (!dangling || conflict->used)) return;
      throw conflict->error(id);
    }
    const auto record = store_.records.find(id);
    if (!record) return;
    for (const auto& name : store_.records.names(id)) untag(id, name);
    const ImageEvent deleted = deletion_event(id);
    const auto layers = store_.records.layers(id);
    const bool used = find_use(id, std::nullopt) != nullptr;
    if (used) {
      store_.records.retire(id);
    } else {
      store_.records.remove(id);
    }
    items_.push_back({.Deleted = id.to_string()});
    store_.publish(deleted);
    release_layers(layers, id, used);
    if (!request_.noprune && !record->parent.empty()) prune_parent(record->parent);
  }

  ImageEvent deletion_event(const oci::Digest& id) {
    ImageEvent event{.action = "delete", .id = id.to_string()};
    event.attributes = store_.config(id)->config.Labels;
    event.attributes["name"] = id.to_string();
    return event;
  }

  /// Lists the stacks that no image has any more, topmost first, and removes their files unless a container needs them.
  void release_layers(const std::vector<LayerRecord>& layers, const oci::Digest& id, bool used) {
    std::vector<oci::Digest> diff_ids;
    for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
      diff_ids.push_back(layer->diff_id);
      if (!store_.records.uses_chain(layer->chain_id)) items_.push_back({.Deleted = layer->chain_id.to_string()});
    }
    if (!used) store_.sweep(diff_ids, {id});
  }

  /// A nameless parent goes too, unless something needs it.
  void prune_parent(const oci::Digest& id) {
    const Holds::Removal removal{store_.holds, id};
    delete_image(id, removal, {.force = false, .quiet = true});
  }

  const ContainerUse* find_use(const oci::Digest& id, std::optional<bool> running) {
    const auto text = id.to_string();
    const auto found = std::ranges::find_if(
        uses_, [&](const ContainerUse& use) { return use.image_id == text && (!running || use.running == *running); });
    return found == uses_.end() ? nullptr : &*found;
  }

  /// In Docker's order: children, running containers; unless forced also names and stopped containers.
  std::optional<Conflict> find_conflict(const oci::Digest& id, const Holds::Removal& removal, bool force,
                                        bool check_names) {
    if (!store_.records.children(id).empty())
      return Conflict{.hard = true, .reason = "image has dependent child images"};
    if (const auto* use = find_use(id, true)) {
      return Conflict{true, true, "image is being used by running container " + short_id(use->container_id)};
    }
    if (removal.is_held()) return Conflict{true, true, "a container is being created from it"};
    if (force) return std::nullopt;
    if (check_names && !store_.records.names(id).empty()) {
      return Conflict{.reason = "image is referenced in multiple repositories"};
    }
    if (const auto* use = find_use(id, false)) {
      return Conflict{false, true, "image is being used by stopped container " + short_id(use->container_id)};
    }
    return std::nullopt;
  }

  Store& store_;
  RemoveRequest request_;
  std::vector<ContainerUse> uses_;
  std::vector<DeleteItem> items_;
};

bool fits_prune(Store& store, const ImageRecord& image, const Filters& filters, std::optional<Time> until) {
  if (until && image.created > *until) return false;
  return labels_fit(store.config(image.id)->config.Labels, filters);
}

/// What `docker rmi` would have to be called with, one after the other.
std::vector<std::string> prune_targets(Store& store, const ImageRecord& image, bool dangling_only) {
  const auto names = store.records.names(image.id);
  if (names.empty()) {
    return store.records.children(image.id).empty() ? std::vector{image.id.to_string()} : std::vector<std::string>{};
  }
  const bool tagged = std::ranges::any_of(names, [](const auto& name) { return name.tag().has_value(); });
  if (dangling_only && tagged) return {};
  std::vector<std::string> targets;
  for (const auto& name : names) targets.push_back(name.to_string());
  return targets;
}

}  // namespace

std::vector<DeleteItem> remove_image(Store& store, std::string_view name, const RemoveRequest& request) {
  return Remover{store, request}.run(store.get(name), name);
}

PruneReport prune_images(Store& store, const Filters& filters) {
  check_filters(filters, {"dangling", "label", "label!", "until"});
  const bool dangling_only = truth_of(filters, "dangling").value_or(true);
  const auto until = until_of(filters);
  std::map<std::string, std::int64_t> sizes;  // by chain ID
  PruneReport report;
  std::vector<DeleteItem> deleted;
  for (const auto& image : store.records.all()) {
    if (!fits_prune(store, image, filters, until)) continue;
    for (const auto& layer : store.records.layers(image.id)) {
      sizes[layer.chain_id.to_string()] = store.snapshots.size(layer.diff_id);
    }
    for (const auto& target : prune_targets(store, image, dangling_only)) {
      try {
        std::ranges::move(remove_image(store, target, {}), std::back_inserter(deleted));
      } catch (const Error& error) {  // In use, or removed by somebody else meanwhile: not ours to prune.
        if (error.kind() != Kind::conflict && error.kind() != Kind::not_found) throw;
      }
    }
  }
  for (const auto& item : deleted) {
    if (const auto size = sizes.find(item.Deleted); size != sizes.end()) report.SpaceReclaimed += size->second;
  }
  if (!deleted.empty()) report.ImagesDeleted = std::move(deleted);
  store.publish({.action = "prune", .attributes = {{"reclaimed", std::to_string(report.SpaceReclaimed)}}});
  return report;
}

}  // namespace berth::images

#include "images/store.hpp"

#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "base/id.hpp"
#include "base/log.hpp"
#include "base/undo.hpp"

namespace berth::images {
namespace {

constexpr std::size_t max_cached_configs = 32;

bool is_hex(std::string_view text) {
  return !text.empty() && text.size() <= 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string_view without_algorithm(std::string_view name) {
  if (name.starts_with("sha256:")) name.remove_prefix(7);
  return name;
}

/// What the message names: an ID as it is, a name with its tag.
std::string shown_name(std::string_view name) {
  if (is_full_id(name)) return "sha256:" + std::string{name};
  if (oci::Digest::try_parse(name)) return std::string{name};
  return oci::Reference::parse(name).with_default_tag().familiar();
}

Time created_time(const oci::ImageConfig& config) {
  if (config.created.empty()) return Time::min();
  return parse_rfc3339(config.created).value_or(Time::min());
}

}  // namespace

std::optional<oci::Digest> Store::find(std::string_view name) {
  const auto hex = without_algorithm(name);
  if (is_full_id(hex)) {
    const auto id = oci::Digest::from_hex(hex);
    return records.find(id) ? std::optional{id} : std::nullopt;
  }
  auto reference = oci::Reference::parse(name);
  // A digest says more than a tag beside it: the tag may have moved on.
  reference = reference.digest() ? reference.with_digest(*reference.digest()) : reference.with_default_tag();
  if (auto id = records.find_name(reference)) return id;
  if (!is_hex(hex)) return std::nullopt;
  const auto ids = records.with_prefix(hex);
  return ids.size() == 1 ? std::optional{ids.front()} : std::nullopt;
}

oci::Digest Store::get(std::string_view name) {
  if (auto id = find(name)) return *id;
  throw Error{Kind::not_found, "No such image: {}", shown_name(name)};
}

ConfigPtr Store::config(const oci::Digest& id) {
  auto found = configs_.with([&](const auto& configs) {
    const auto at = configs.find(id);
    return at == configs.end() ? ConfigPtr{} : at->second;
  });
  if (found) return found;
  auto parsed = std::make_shared<const oci::ImageConfig>(parse_config(content.read(id)));
  configs_.with([&](auto& configs) {
    if (configs.size() >= max_cached_configs) configs.clear();
    configs[id] = parsed;
  });
  return parsed;
}

void Store::announce(std::string action, const oci::Digest& id, std::string name) {
  ImageEvent event{.action = std::move(action), .id = id.to_string()};
  event.attributes = config(id)->config.Labels;
  event.attributes["name"] = std::move(name);
  publish(event);
}

std::vector<std::pair<oci::Reference, oci::Digest>> Store::add(const std::vector<NewImage>& images) {
  HeldSet held{holds};
  for (const auto& image : images) held.add(image.id);
  Undo undo;
  undo.add([&] {
    std::vector<oci::Digest> configs = held.digests();
    held.release();
    sweep({}, configs);
  });
  for (const auto& image : images) content.put(image.config_text);

  std::vector<std::pair<oci::Reference, oci::Digest>> moved;
  metadata::Transaction transaction{records.database()};
  for (const auto& image : images) {
    const auto layers = stack_of(image.config.rootfs.diff_ids);
    ImageRecord record{.id = image.id, .created = created_time(image.config), .parent = image.parent};
    for (const auto& layer : layers) record.size += snapshots.size(layer.diff_id);
    records.add(record, layers);
    for (const auto& name : image.names) {
      if (const auto owner = records.find_name(name); owner && *owner != image.id) moved.emplace_back(name, *owner);
      records.set_name(name, image.id);
    }
  }
  transaction.commit();
  undo.dismiss();
  return moved;
}

void Store::sweep_on_failure(Undo& undo, HeldSet& held) {
  undo.add([this, &held] {
    const auto layers = held.digests();
    held.release();
    sweep(layers, {});
  });
}

void Store::sweep(const std::vector<oci::Digest>& layers, const std::vector<oci::Digest>& config_ids) {
  try {
    holds.with([&](const auto& is_held) {
      for (const auto& diff_id : layers) {
        if (!is_held(diff_id) && !records.uses_layer(diff_id)) snapshots.discard(diff_id);
      }
      for (const auto& id : config_ids) {
        if (is_held(id) || records.uses_blob(id)) continue;
        content.remove(id);
        configs_.with([&](auto& configs) { configs.erase(id); });
      }
    });
    snapshots.purge();
  } catch (const Error& error) {
    log::warn("unused layers could not be removed, leaving them for the next start", {{"error", error.message()}});
  }
}

std::vector<LayerRecord> stack_of(const std::vector<oci::Digest>& diff_ids) {
  std::vector<LayerRecord> stack;
  stack.reserve(diff_ids.size());
  for (const auto& diff_id : diff_ids) {
    const auto chain_id =
        stack.empty() ? diff_id : content::sha256(fmt::format("{} {}", stack.back().chain_id, diff_id));
    stack.push_back({diff_id, chain_id});
  }
  return stack;
}

oci::ImageConfig parse_config(std::string_view text) {
  const auto document = json::parse(text);
  if (!document.is_object()) throw Error{Kind::invalid, "the image's configuration is not a JSON object"};
  if (const auto* rootfs = json::find(document, "rootfs"); rootfs == nullptr || rootfs->is_null()) {
    throw Error{Kind::invalid, "invalid image JSON, no RootFS key"};
  }
  return json::from<oci::ImageConfig>(document);
}

}  // namespace berth::images

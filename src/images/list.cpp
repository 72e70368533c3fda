// `docker images`.
#include <fnmatch.h>

#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "images/store.hpp"

namespace berth::images {
namespace {

/// What the filters ask for, parsed once.
struct Query {
  bool all = false;
  std::optional<bool> dangling;
  std::optional<Time> before, since, until;
  std::vector<std::string> labels, references;
};

Time created_of(Store& store, const std::string& name) {
  const auto record = store.records.find(store.get(name));
  if (!record) throw Error{Kind::not_found, "No such image: {}", name};
  return record->created;
}

Query parse_query(Store& store, const ListRequest& request) {
  const auto& filters = request.filters;
  check_filters(filters, {"dangling", "label", "before", "since", "reference", "until"});
  Query query{.all = request.all, .dangling = truth_of(filters, "dangling")};
  for (const auto& name : values_of(filters, "before")) {
    const auto time = created_of(store, name);
    query.before = std::min(query.before.value_or(time), time);
  }
  for (const auto& name : values_of(filters, "since")) {
    const auto time = created_of(store, name);
    query.since = std::max(query.since.value_or(time), time);
  }
  for (const auto& text : values_of(filters, "until")) {
    const auto time = parse_timestamp(text);
    query.until = std::min(query.until.value_or(time), time);
  }
  query.labels = values_of(filters, "label");
  query.references = values_of(filters, "reference");
  return query;
}

bool created_fits(const Query& query, Time created) {
  if (query.before && created >= *query.before) return false;
  if (query.since && created <= *query.since) return false;
  return !query.until || created <= *query.until;
}

/// Docker's pattern of references: a shell pattern ("*" stops at "/") against the familiar name with or without the
/// tag.
bool matches_reference(const oci::Reference& reference, const std::string& pattern) {
  const auto fits = [&](const std::string& text) {
    return ::fnmatch(pattern.c_str(), text.c_str(), FNM_PATHNAME) == 0;
  };
  return fits(reference.familiar()) || fits(reference.familiar_name());
}

/// Names that fit the reference filter; all if there is none.
std::vector<oci::Reference> fitting_names(const Query& query, std::vector<oci::Reference> names) {
  if (query.references.empty()) return names;
  std::erase_if(names, [&](const oci::Reference& name) {
    return std::ranges::none_of(query.references,
                                [&](const auto& pattern) { return matches_reference(name, pattern); });
  });
  return names;
}

/// A nameless image is shown if it is asked for, or if it is no step of another image and nothing excludes it.
bool shows_nameless(Store& store, const Query& query, const oci::Digest& id) {
  if (!query.references.empty() || query.dangling == false) return false;
  return query.all || store.records.children(id).empty();
}

std::int64_t shared_size(Store& store, const std::vector<LayerRecord>& layers,
                         const std::map<oci::Digest, int>& counts) {
  std::int64_t size = 0;
  for (const auto& layer : layers) {
    if (counts.at(layer.chain_id) > 1) size += store.snapshots.size(layer.diff_id);
  }
  return size;
}

std::map<oci::Digest, int> count_chains(Store& store, const std::vector<ImageRecord>& images) {
  std::map<oci::Digest, int> counts;
  for (const auto& image : images) {
    for (const auto& layer : store.records.layers(image.id)) ++counts[layer.chain_id];
  }
  return counts;
}

}  // namespace

std::vector<Summary> list_images(Store& store, const ListRequest& request) {
  const auto query = parse_query(store, request);
  const auto images = store.records.all();
  const auto chains = request.shared_size ? count_chains(store, images) : std::map<oci::Digest, int>{};
  std::vector<Summary> summaries;
  for (const auto& image : images) {
    if (!created_fits(query, image.created)) continue;
    const auto names = fitting_names(query, store.records.names(image.id));
    if (names.empty() && !shows_nameless(store, query, image.id)) continue;
    Summary summary{.Id = image.id.to_string(), .ParentId = image.parent.to_string(), .Size = image.size};
    for (const auto& name : names) (name.digest() ? summary.RepoDigests : summary.RepoTags).push_back(name.familiar());
    if (query.dangling == true && !summary.RepoTags.empty()) continue;
    const auto config = store.config(image.id);
    const auto& labels = config->config.Labels;
    if (!has_labels(labels, query.labels)) continue;
    if (!labels.empty()) summary.Labels = static_cast<const std::map<std::string, std::string>&>(labels);
    if (image.created != Time::min()) {
      summary.Created = std::chrono::floor<std::chrono::seconds>(image.created).time_since_epoch().count();
    }
    if (request.shared_size) summary.SharedSize = shared_size(store, store.records.layers(image.id), chains);
    summaries.push_back(std::move(summary));
  }
  return summaries;
}

}  // namespace berth::images

// What is shown of networks: inspect, list, prune.
#include <algorithm>

#include "base/error.hpp"
#include "base/filters.hpp"
#include "base/log.hpp"
#include "network/internal.hpp"

namespace berth::network {
namespace {

/// Any of the patterns fits; without patterns all do.
bool matches(const std::vector<std::string>& patterns, const std::string& text) {
  return patterns.empty() ||
         std::ranges::any_of(patterns, [&](const std::string& pattern) { return text_matches(text, pattern); });
}

bool is_among(const std::vector<std::string>& values, const std::string& text) {
  return values.empty() || std::ranges::find(values, text) != values.end();
}

std::optional<bool> dangling_of(const Filters& filters) {
  const auto& values = values_of(filters, "dangling");
  if (values.empty()) return std::nullopt;
  if (values.size() > 1) throw Error{Kind::invalid, "got more than one value for filter key \"dangling\""};
  if (values.front() == "1" || values.front() == "true") return true;
  if (values.front() == "0" || values.front() == "false") return false;
  throw Error{Kind::invalid,
              "invalid value for filter 'dangling', must be \"true\" (or \"1\"), or \"false\" (or \"0\")"};
}

bool fits_type(const std::vector<std::string>& types, const std::string& name) {
  if (types.empty()) return true;
  for (const auto& type : types) {
    if (type != "builtin" && type != "custom") throw Error{Kind::invalid, "invalid filter: 'type'='{}'", type};
  }
  return is_among(types, is_predefined(name) ? "builtin" : "custom");
}

bool fits(const Inspect& network, const Filters& filters) {
  return is_among(values_of(filters, "driver"), network.Driver) && matches(values_of(filters, "name"), network.Name) &&
         matches(values_of(filters, "id"), network.Id) && has_labels(network.Labels, values_of(filters, "label")) &&
         is_among(values_of(filters, "scope"), network.Scope) && fits_type(values_of(filters, "type"), network.Name);
}

std::string text_of(const std::optional<Cidr>& address) {
  return address ? to_string(*address) : std::string{};
}

}  // namespace

Inspect Networks::inspect(const std::string& name_or_id) {
  return impl_->state.with([&](const Impl::State& state) {
    const auto network = state.get(name_or_id);
    auto shown = network->record.shown;
    for (const auto& [member, endpoint] : state.endpoints_on(shown.Id)) {
      shown.Containers[member->member.container_id] = {
          .Name = member->member.name,
          .EndpointID = endpoint->endpoint_id,
          .MacAddress = endpoint->mac ? to_string(*endpoint->mac) : std::string{},
          .IPv4Address = text_of(endpoint->v4),
          .IPv6Address = text_of(endpoint->v6)};
    }
    return shown;
  });
}

std::vector<Inspect> Networks::list(const Filters& filters) {
  check_filters(filters, {"dangling", "driver", "id", "label", "name", "scope", "type"});
  const auto dangling = dangling_of(filters);
  auto found = impl_->state.with([&](const Impl::State& state) {
    std::vector<Inspect> networks;
    for (const auto& [id, network] : state.networks) {
      const auto& shown = network->record.shown;
      if (!fits(shown, filters)) continue;
      const auto unused = !is_predefined(shown.Name) && state.endpoints_on(id).empty();
      if (!dangling || *dangling == unused) networks.push_back(shown);
    }
    return networks;
  });
  std::ranges::sort(found, {}, [](const Inspect& network) { return network.Created; });
  return found;
}

PruneReport Networks::prune(const Filters& filters) {
  check_filters(filters, {"label", "label!", "until"});
  const auto until = until_of(filters);
  PruneReport report;
  for (const auto& network : list({{"dangling", {"true"}}})) {
    if (!labels_fit(network.Labels, filters)) continue;
    if (const auto created = parse_rfc3339(network.Created); until && created && *created > *until) continue;
    try {
      remove(network.Id);
    } catch (const Error& error) {
      // A container has just joined it, or somebody removes it himself.
      log::warn("network not pruned, going on", {{"network", network.Name}, {"error", error.message()}});
      continue;
    }
    if (!report.NetworksDeleted) report.NetworksDeleted.emplace();
    report.NetworksDeleted->push_back(network.Name);
  }
  if (impl_->collaborators.publish) impl_->collaborators.publish({"prune", "", {{"reclaimed", "0"}}});
  return report;
}

}  // namespace berth::network

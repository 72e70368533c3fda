#include "containers/list_filters.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/strings.hpp"
#include "containers/show.hpp"

namespace berth::containers {
namespace {

bool any(const std::vector<std::string>& values, const auto& matches) {
  return values.empty() || std::ranges::any_of(values, matches);
}

void check_words(const Filters& filters) {
  for (const auto& value : values_of(filters, "status")) {
    if (!parse_status(value)) {
      throw Error{Kind::invalid,
                  "invalid filter 'status={}': invalid value for state ({}): must be one of created, running, paused, "
                  "restarting, removing, exited, dead",
                  value, value};
    }
  }
  for (const auto& value : values_of(filters, "health")) {
    if (value != "none" && value != "starting" && value != "healthy" && value != "unhealthy") {
      throw Error{Kind::invalid,
                  "invalid filter 'health={}': invalid value for health ({}): must be one of none, starting, healthy, "
                  "unhealthy",
                  value, value};
    }
  }
}

int parse_exit_code(const std::string& text) {
  const auto code = parse_number<int>(text);
  if (!code) {
    throw Error{Kind::invalid, "invalid filter 'exited={}': strconv.Atoi: parsing {}: invalid syntax", text,
                quote(text)};
  }
  return *code;
}

/// "80", "80/udp", "8000-8010/tcp": each port with its protocol.
std::set<std::string> parse_ports(const std::string& filter, const std::vector<std::string>& values) {
  std::set<std::string> ports;
  for (const auto& value : values) {
    if (value.contains(':')) {
      throw Error{Kind::invalid, "filter for '{}' should not contain ':': {}", filter, value};
    }
    const auto slash = split_once(value, '/');
    const auto range = slash ? slash->first : std::string_view{value};
    const auto protocol = to_lower(slash ? slash->second : "tcp");
    const auto ends = split_once(range, '-');
    const auto first = parse_number<std::uint16_t>(ends ? ends->first : range);
    const auto last = ends ? parse_number<std::uint16_t>(ends->second) : first;
    if (!first || !last || *last < *first) {
      throw Error{Kind::invalid, "error while looking up for {} {}: invalid range of ports", filter, value};
    }
    for (int port = *first; port <= *last; ++port) ports.insert(fmt::format("{}/{}", port, protocol));
  }
  return ports;
}

}  // namespace

ListFilter::ListFilter(const Filters& filters) : filters_(filters) {
  check_filters(filters_, {"ancestor", "before", "exited", "expose", "health", "id", "is-task", "isolation", "label",
                           "name", "network", "publish", "since", "status", "volume"});
  check_words(filters_);
  tasks_only_ = truth_of(filters_, "is-task").value_or(false);
  for (const auto& value : values("exited")) exit_codes_.insert(parse_exit_code(value));
  exposed_ = parse_ports("expose", values("expose"));
  published_ = parse_ports("publish", values("publish"));
}

const std::vector<std::string>& ListFilter::values(const std::string& name) const {
  return values_of(filters_, name);
}

bool ListFilter::matches(const Record& record) const {
  const auto& definition = record.definition;
  // Tasks are containers of Swarm, of which there are none. Isolation means something on Windows only.
  return !tasks_only_ && any(values("id"), [&](const auto& pattern) { return text_matches(record.id, pattern); }) &&
         any(values("name"), [&](const auto& pattern) { return name_matches(record.name, pattern); }) &&
         has_labels(definition.config.Labels, values("label")) && matches_state(record.state) &&
         matches_objects(definition.host_config);
}

bool ListFilter::matches_state(const State& state) const {
  if (!any(values("status"), [&](const auto& word) { return to_string(state.status) == word; })) return false;
  const std::string health = state.health ? state.health->Status : "none";
  if (!any(values("health"), [&](const auto& word) { return word == health; })) return false;
  return exit_codes_.empty() ||
         (!state.running() && state.started_at != Time::min() && exit_codes_.contains(state.exit_code));
}

bool ListFilter::matches_ports(const std::vector<json::Object>& ports) const {
  if (exposed_.empty() && published_.empty()) return true;
  return std::ranges::any_of(ports, [&](const json::Object& port) {
    const auto is_in = [&](const std::set<std::string>& wanted, const char* name) {
      const auto* number = port.if_contains(name);
      const std::string_view type = port.at("Type").get_string();
      return number != nullptr && wanted.contains(fmt::format("{}/{}", number->to_number<int>(), type));
    };
    return is_in(published_, "PublicPort") || is_in(exposed_, "PrivatePort");
  });
}

bool ListFilter::matches_networks(const std::map<std::string, EndpointSettings>& networks) const {
  return any(values("network"), [&](const auto& wanted) {
    return networks.contains(wanted) || std::ranges::any_of(networks, [&](const auto& network) {
             return !wanted.empty() && network.second.NetworkID.starts_with(wanted);
           });
  });
}

bool ListFilter::matches_objects(const HostConfig& host_config) const {
  if (values("volume").empty()) return true;
  const auto mounts = mount_points(host_config);
  return any(values("volume"), [&](const auto& wanted) {
    return std::ranges::any_of(mounts, [&](const MountPoint& mount) {
      return mount.Destination == wanted || (mount.Name.empty() ? mount.Source : mount.Name) == wanted;
    });
  });
}

}  // namespace berth::containers

// --link on the default bridge: containers that know others by names of their own.
//
// A link is recorded with the ID of the container that it leads to, and with that one's name once it is removed.
#include <algorithm>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/strings.hpp"
#include "containers/internal.hpp"
#include "containers/network_mode.hpp"

namespace berth::containers {
namespace {

/// Where a container is on the default bridge; null if it is not.
const network::Endpoint* endpoint_on_bridge(const Container::Live& live) {
  if (!live.connections) return nullptr;
  const auto& endpoints = live.connections->endpoints;
  const auto found = std::ranges::find(endpoints, default_network, &network::Endpoint::network_name);
  return found == endpoints.end() || !found->v4 ? nullptr : &*found;
}

/// What /etc/hosts calls a container: by the link's name, its host name and its own name.
std::string names_in_hosts(const LinkName& link, const Record& linked) {
  auto names = link.alias + ' ' + linked.definition.config.Hostname;
  if (link.alias != linked.name) names += ' ' + linked.name;
  return names;
}

std::string path_of(const Record& record, const LinkName& link) {
  return fmt::format("/{}/{}", record.name, link.alias);
}

[[noreturn]] void throw_idle(const std::string& linked, const std::string& path) {
  throw Error{Kind::internal, "Cannot link to a non running container: /{} AS {}", linked, path};
}

void set_links(RecordStore& records, Record& record, const std::vector<LinkName>& links) {
  auto& recorded = record.definition.host_config.Links;
  recorded.reset();
  for (const auto& link : links) {
    if (!recorded) recorded.emplace();
    recorded->push_back(fmt::format("{}:{}", link.name, link.alias));
  }
  records.update_definition(record.id, record.definition);
}

}  // namespace

void Containers::Impl::resolve_links(HostConfig& host_config) {
  if (!host_config.Links) return;
  for (auto& text : *host_config.Links) {
    const auto link = parse_link(text);
    if (is_user_defined(host_config.NetworkMode)) continue;
    const auto linked = find(link.name);
    if (!linked) {
      throw Error{Kind::invalid, "could not get container for {}: No such container: {}", link.name, link.name};
    }
    text = fmt::format("{}:{}", linked->id, link.alias);
  }
}

ContainerPtr Containers::Impl::find_linked(std::string_view parent, std::string_view alias) {
  const auto container = table.with([&](Table& all_containers) -> ContainerPtr {
    const auto found = all_containers.by_name.find(parent);
    return found == all_containers.by_name.end() ? nullptr : found->second;
  });
  if (!container || alias.contains('/')) return nullptr;
  const auto links =
      container->with([](Record& record, Container::Live&) { return links_of(record.definition.host_config); });
  const auto link = std::ranges::find(links, alias, &LinkName::alias);
  return link == links.end() ? nullptr : find(link->name);
}

void Containers::Impl::add_links(const Record& record, NetworkPlace& place) {
  const auto& own = place.connections.endpoints;
  if (std::ranges::find(own, default_network, &network::Endpoint::network_name) == own.end()) return;
  for (const auto& link : links_of(record.definition.host_config)) {
    const auto path = path_of(record, link);
    const auto linked = find(link.name);
    if (!linked) throw_idle(link.name, path);
    linked->with([&](Record& other, Container::Live& live) {
      if (!other.state.has_process()) throw_idle(other.name, path);
      const auto* bridge = endpoint_on_bridge(live);
      if (bridge == nullptr) {
        throw Error{Kind::internal, "Cannot link to /{}, as it does not belong to the default network", other.name};
      }
      place.view.links.push_back({bridge->v4->address, names_in_hosts(link, other)});
      const auto variables = link_environment(path, other.definition, to_string(bridge->v4->address));
      place.environment.insert(place.environment.end(), variables.begin(), variables.end());
    });
  }
}

std::vector<std::string> Containers::Impl::link_variables(Container& container) {
  std::vector<LinkName> links;
  Record record;
  container.with([&](Record& current, Container::Live& live) {
    if (endpoint_on_bridge(live) == nullptr) return;
    links = links_of(current.definition.host_config);
    if (!links.empty()) record = current;
  });
  std::vector<std::string> environment;
  for (const auto& link : links) {
    const auto linked = find(link.name);
    if (!linked) continue;
    linked->with([&](Record& other, Container::Live& live) {
      // Docker refuses the process if one of them has stopped. But one may want to look why.
      const auto* bridge = endpoint_on_bridge(live);
      if (bridge == nullptr) return;
      const auto address = to_string(bridge->v4->address);
      const auto variables = link_environment(path_of(record, link), other.definition, address);
      environment.insert(environment.end(), variables.begin(), variables.end());
    });
  }
  return environment;
}

std::multimap<std::string, std::string> Containers::Impl::link_names() {
  std::multimap<std::string, std::string> by_target;
  for (const auto& container : all()) {
    container->with([&](Record& record, Container::Live&) {
      for (const auto& link : links_of(record.definition.host_config)) {
        by_target.emplace(link.name, path_of(record, link));
      }
    });
  }
  std::multimap<std::string, std::string> by_id;
  for (const auto& [target, name] : by_target) {
    if (const auto linked = find(target)) by_id.emplace(linked->id, name);
  }
  return by_id;
}

json::Nullable<std::vector<std::string>> Containers::Impl::shown_links(const Record& record) {
  json::Nullable<std::vector<std::string>> shown;
  for (const auto& link : links_of(record.definition.host_config)) {
    const auto linked = find(link.name);
    if (!shown) shown.emplace();
    shown->push_back(fmt::format("/{}:{}", linked ? linked->name() : link.name, path_of(record, link)));
  }
  return shown;
}

void Containers::Impl::tell_addresses(const ContainerPtr& container) noexcept {
  try {
    for (const auto& other : all()) {
      const auto links =
          other->with([](Record& record, Container::Live&) { return links_of(record.definition.host_config); });
      const bool is_told = std::ranges::any_of(
          links, [&](const LinkName& link) { return other == container || find(link.name) == container; });
      if (is_told) renew_links(*other);
    }
  } catch (...) {
    log::warn("containers that link to one that has started have its old address in /etc/hosts, going on",
              {{"id", container->id}, {"error", current_error().message()}});
  }
}

void Containers::Impl::renew_links(Container& container) {
  const std::lock_guard whole_network{container.networking};
  const auto record = container.record();
  if (!record.state.has_process()) return;
  const auto path = paths(record.id).directory / "hosts";
  const auto before = find_file(path).value_or("");
  auto hosts = before;
  for (const auto& link : links_of(record.definition.host_config)) {
    const auto linked = find(link.name);
    if (!linked) continue;
    linked->with([&](Record& other, Container::Live& live) {
      if (const auto* bridge = endpoint_on_bridge(live)) {
        const auto address = to_string(bridge->v4->address);
        hosts = with_link(hosts, link.alias, fmt::format("{}\t{}\n", address, names_in_hosts(link, other)));
      }
    });
  }
  if (hosts != before) write_file(path, hosts);  // in place: it is mounted in the container
}

void Containers::Impl::keep_links_by_name(Container& removed) noexcept {
  try {
    const auto name = removed.name();
    for (const auto& container : all()) {
      container->with([&](Record& record, Container::Live& live) {
        auto links = links_of(record.definition.host_config);
        bool changes = false;
        for (auto& link : links) {
          if (link.name != removed.id) continue;
          link.name = name;
          changes = true;
        }
        if (changes && !live.removed) set_links(records, record, links);
      });
    }
  } catch (...) {
    log::warn("links to a removed container are shown with its ID from now on",
              {{"id", removed.id}, {"error", current_error().message()}});
  }
}

void Containers::Impl::remove_link(const std::string& name) {
  const auto linked = get(name);
  const auto bare = name.starts_with('/') ? name.substr(1) : name;
  const auto path = split_once(bare, '/');
  if (!path) throw Error{Kind::internal, "Conflict, cannot remove the default link name of the container"};
  const auto container = get(std::string{path->first});
  const std::string alias{path->second};
  const std::lock_guard whole_network{container->networking};
  const bool runs = container->with([&](Record& record, Container::Live&) {
    auto links = links_of(record.definition.host_config);
    std::erase_if(links, [&](const LinkName& link) { return link.alias == alias; });
    set_links(records, record, links);
    return record.state.has_process();
  });
  if (!runs) return;
  const auto hosts = paths(container->id).directory / "hosts";
  write_file(hosts, with_link(find_file(hosts).value_or(""), alias, ""));
}

}  // namespace berth::containers

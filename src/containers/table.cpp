#include "base/error.hpp"
#include "base/id.hpp"
#include "base/strings.hpp"
#include "containers/internal.hpp"
#include "containers/names.hpp"
#include "network/network.hpp"

namespace berth::containers {
namespace {

[[noreturn]] void throw_not_found(const std::string& name) {
  throw Error{Kind::not_found, "No such container: {}", name};
}

[[noreturn]] void throw_name_taken(const std::string& name, const std::string& owner) {
  throw Error{
      Kind::conflict,
      "Conflict. The container name \"/{}\" is already in use by container \"{}\". You have to remove (or rename) "
      "that container to be able to reuse that name.",
      name, owner};
}

/// The container whose ID starts with the prefix, if there is exactly one.
ContainerPtr find_by_prefix(const Table& table, const std::string& prefix) {
  const auto first = table.by_id.lower_bound(prefix);
  if (first == table.by_id.end() || !first->first.starts_with(prefix)) return nullptr;
  const auto second = std::next(first);
  if (second != table.by_id.end() && second->first.starts_with(prefix)) {
    throw Error{Kind::invalid, "multiple IDs found with provided prefix: {}", prefix};
  }
  return first->second;
}

}  // namespace

ContainerPtr Containers::Impl::find(const std::string& name) {
  const std::string bare = name.starts_with('/') ? name.substr(1) : name;
  if (bare.empty()) return nullptr;
  if (const auto link = split_once(bare, '/')) return find_linked(link->first, link->second);
  return table.with([&](Table& all_containers) -> ContainerPtr {
    if (const auto found = all_containers.by_id.find(bare); found != all_containers.by_id.end()) return found->second;
    if (const auto found = all_containers.by_name.find(bare); found != all_containers.by_name.end()) {
      return found->second;
    }
    return find_by_prefix(all_containers, bare);
  });
}

ContainerPtr Containers::Impl::get(const std::string& name) {
  if (name.empty()) throw Error{Kind::invalid, "invalid name or ID supplied: \"\""};
  auto container = find(name);
  if (!container) throw_not_found(name);
  return container;
}

std::vector<ContainerPtr> Containers::Impl::all() {
  return table.with([](Table& all_containers) {
    std::vector<ContainerPtr> list;
    list.reserve(all_containers.by_id.size());
    for (const auto& [id, container] : all_containers.by_id) list.push_back(container);
    return list;
  });
}

void Containers::Impl::enter(const ContainerPtr& container) {
  table.with([&](Table& all_containers) {
    container->with([&](Record& record, Container::Live&) {
      for (int attempt = 0; record.name.empty(); ++attempt) {
        std::string name = random_name();
        if (attempt > 5) name += std::to_string(attempt);
        if (!all_containers.by_name.contains(name)) record.name = name;
      }
      const auto [place, free] = all_containers.by_name.emplace(record.name, container);
      if (!free) throw_name_taken(record.name, place->second->id);
    });
    all_containers.by_id.emplace(container->id, container);
  });
}

void Containers::Impl::leave(const ContainerPtr& container) {
  table.with([&](Table& all_containers) {
    all_containers.by_id.erase(container->id);
    std::erase_if(all_containers.by_name, [&](const auto& entry) { return entry.second == container; });
  });
}

Paths Containers::Impl::paths(const std::string& id) const {
  return {settings.data_root / "containers" / id, settings.exec_root / "c" / id.substr(0, socket_name_size)};
}

void Containers::Impl::publish(Container& container, const std::string& action,
                               std::map<std::string, std::string> attributes) {
  container.with([&](Record& record, Container::Live&) { publish_of(record, action, std::move(attributes)); });
}

void Containers::Impl::publish_of(const Record& record, const std::string& action,
                                  std::map<std::string, std::string> attributes) {
  const auto& config = record.definition.config;
  for (const auto& [key, value] : config.Labels) attributes.emplace(key, value);
  attributes["image"] = config.Image;
  attributes["name"] = record.name;
  collaborators.publish({action, record.id, std::move(attributes)});
}

void Containers::rename(const std::string& name, const std::string& new_name) {
  const auto container = impl_->get(name);
  if (new_name.empty()) throw Error{Kind::invalid, "Neither old nor new names may be empty"};
  const std::string wanted = checked_name(new_name);
  std::string old_name;
  impl_->table.with([&](Table& table) {
    container->with([&](Record& record, Container::Live& live) {
      if (live.removing || live.removed) throw_not_found(name);
      if (record.name == wanted) {
        throw Error{Kind::invalid, "Renaming a container with the same name as its current name"};
      }
      const auto [place, free] = table.by_name.emplace(wanted, container);
      if (!free) throw_name_taken(wanted, place->second->id);
      try {
        impl_->records.rename(record.id, wanted);
      } catch (...) {
        table.by_name.erase(wanted);
        throw;
      }
      old_name = std::exchange(record.name, wanted);
      table.by_name.erase(old_name);
    });
  });
  impl_->collaborators.networks.rename(container->id, wanted);
  impl_->refresh_connections(*container);
  impl_->publish(*container, "rename", {{"oldName", "/" + old_name}});
}

Containers::Counts Containers::counts() {
  Counts counts;
  for (const auto& container : impl_->all()) {
    ++counts.total;
    switch (container->state().status) {
      case Status::paused: ++counts.paused; break;
      case Status::running:
      case Status::restarting: ++counts.running; break;
      default: ++counts.stopped;
    }
  }
  return counts;
}

std::vector<Containers::ImageUse> Containers::image_uses() {
  std::vector<ImageUse> uses;
  for (const auto& container : impl_->all()) {
    const auto record = container->record();
    uses.push_back(
        {record.id, record.definition.image_id.to_string(), record.state.running(), record.definition.config.Image});
  }
  return uses;
}

}  // namespace berth::containers

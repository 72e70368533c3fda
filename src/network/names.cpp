#include "network/names.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <shared_mutex>
#include <utility>
#include <vector>

#include "base/strings.hpp"

namespace berth::network {
namespace {

/// Found by text that is not a std::string without making one.
template <class Value>
using ByName = std::map<std::string, Value, std::less<>>;

/// A container on one network.
struct Holder {
  std::string container_id;
  std::optional<IpAddress> v4, v6;
};

struct NetworkNames {
  std::string name;
  std::multimap<std::string, Holder, std::less<>> holders;  ///< by name in lower case
  std::map<IpAddress, std::string> names;
};

/// A network as one container sees it.
struct Seen {
  std::string network_id;
  ByName<std::string> links;  ///< what it calls others, and what they are called
};

ByName<std::string> links_of(const EndpointConfig& config) {
  ByName<std::string> links;
  if (!config.Links) return links;
  for (const auto& link : *config.Links) {
    const auto parts = split_once(link, ':');
    if (parts) links.emplace(to_lower(parts->second), to_lower(parts->first));
  }
  return links;
}

/// Nothing: nobody has the name. Empty: nobody who has it has an address of this family.
using Addresses = std::optional<std::vector<IpAddress>>;

Addresses holders_of(const NetworkNames& network, std::string_view name, bool v6) {
  const auto [first, last] = network.holders.equal_range(name);
  if (first == last) return std::nullopt;
  std::vector<IpAddress> addresses;
  for (auto holder = first; holder != last; ++holder) {
    const auto& address = v6 ? holder->second.v6 : holder->second.v4;
    if (address) addresses.push_back(*address);
  }
  return addresses;
}

}  // namespace

/// Guards itself: queries read it, thousands in a second, and must not wait for each other or for the database.
class Names::Table {
 public:
  void set(const std::string& container_id, std::span<const Endpoint> endpoints) {
    const std::unique_lock lock{mutex_};
    forget(container_id);
    auto& seen = seen_[container_id];
    for (const auto& endpoint : endpoints) {
      if (endpoint.dns_names.empty()) continue;
      seen.push_back({.network_id = endpoint.network_id, .links = links_of(endpoint.config)});
      auto& network = networks_[endpoint.network_id];
      network.name = to_lower(endpoint.network_name);
      Holder holder{.container_id = container_id};
      if (endpoint.v4) holder.v4 = endpoint.v4->address;
      if (endpoint.v6) holder.v6 = endpoint.v6->address;
      for (const auto& name : endpoint.dns_names) network.holders.emplace(to_lower(name), holder);
      for (const auto& address : {holder.v4, holder.v6}) {
        if (address) network.names[*address] = endpoint.dns_names.front() + "." + endpoint.network_name;
      }
    }
  }

  void remove(const std::string& container_id) {
    const std::unique_lock lock{mutex_};
    forget(container_id);
  }

  /// "a.b.c" may be the name "a.b.c", the name "a.b" on the network "c", or "a" on "b.c": both may have dots.
  Addresses find(const std::string& container_id, std::string_view name, bool v6) const {
    const std::shared_lock lock{mutex_};
    const auto seen = seen_.find(container_id);
    if (seen == seen_.end()) return std::nullopt;
    Addresses found = find_on(seen->second, name, {}, v6);
    for (auto dot = name.rfind('.'); !(found && !found->empty()) && dot != std::string_view::npos && dot != 0;
         dot = name.rfind('.', dot - 1)) {
      auto more = find_on(seen->second, name.substr(0, dot), name.substr(dot + 1), v6);
      if (more) found = std::move(more);
    }
    return found;
  }

  std::optional<std::string> find_name(const std::string& container_id, const IpAddress& address) const {
    const std::shared_lock lock{mutex_};
    const auto seen = seen_.find(container_id);
    if (seen == seen_.end()) return std::nullopt;
    for (const auto& [network_id, links] : seen->second) {
      const auto& names = networks_.at(network_id).names;
      if (const auto found = names.find(address); found != names.end()) return found->second;
    }
    return std::nullopt;
  }

 private:
  /// On the networks of this name, or on all. What the container itself calls somebody goes before what he is called.
  Addresses find_on(const std::vector<Seen>& seen, std::string_view name, std::string_view network_name,
                    bool v6) const {
    Addresses found;
    for (const bool by_link : {true, false}) {
      for (const auto& [network_id, links] : seen) {
        const auto& network = networks_.at(network_id);
        const auto link = links.find(name);
        if ((link != links.end()) != by_link || (!network_name.empty() && network_name != network.name)) continue;
        auto here = holders_of(network, by_link ? std::string_view{link->second} : name, v6);
        if (here && !here->empty()) return here;
        if (here) found = std::move(here);
      }
    }
    return found;
  }

  void forget(const std::string& container_id) {
    const auto seen = seen_.find(container_id);
    if (seen == seen_.end()) return;
    for (const auto& [network_id, links] : seen->second) {
      auto& network = networks_.at(network_id);
      for (auto holder = network.holders.begin(); holder != network.holders.end();) {
        const bool is_theirs = holder->second.container_id == container_id;
        if (is_theirs) {
          for (const auto& address : {holder->second.v4, holder->second.v6}) {
            if (address) network.names.erase(*address);
          }
        }
        holder = is_theirs ? network.holders.erase(holder) : std::next(holder);
      }
      if (network.holders.empty()) networks_.erase(network_id);
    }
    seen_.erase(seen);
  }

  mutable std::shared_mutex mutex_;
  std::map<std::string, NetworkNames> networks_;   ///< by ID; those where somebody has a name
  std::map<std::string, std::vector<Seen>> seen_;  ///< by the container's ID
};

class Names::View : public dns::Zone {
 public:
  View(std::shared_ptr<const Table> table, std::string container_id)
      : table_(std::move(table)), container_id_(std::move(container_id)) {}

  [[nodiscard]] std::optional<std::vector<IpAddress>> find_addresses(std::string_view name, bool v6) const override {
    return table_->find(container_id_, name, v6);
  }
  [[nodiscard]] std::optional<std::string> find_name(const IpAddress& address) const override {
    return table_->find_name(container_id_, address);
  }

 private:
  const std::shared_ptr<const Table> table_;
  const std::string container_id_;
};

Names::Names() : table_(std::make_shared<Table>()) {}

void Names::set(const std::string& container_id, std::span<const Endpoint> endpoints) {
  table_->set(container_id, endpoints);
}

void Names::remove(const std::string& container_id) {
  table_->remove(container_id);
}

std::shared_ptr<const dns::Zone> Names::zone_of(std::string container_id) const {
  return std::make_shared<View>(table_, std::move(container_id));
}

}  // namespace berth::network

#include "network/drivers.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "base/error.hpp"

namespace berth::network {
namespace {

/// host: the container is in the host's own namespace. null: it has nothing but its loopback interface.
class LinklessDriver : public Driver {
 public:
  explicit LinklessDriver(std::string_view name) : name_(name) {}

  [[nodiscard]] std::string_view name() const override { return name_; }
  [[nodiscard]] bool has_addresses() const override { return false; }
  [[nodiscard]] bool has_links() const override { return false; }

  void plan(NetworkRecord& /*record*/, const std::vector<const NetworkRecord*>& /*others*/) const override {
    throw Error{Kind::forbidden, "only one instance of \"{}\" network is allowed", name_};
  }
  void ensure(Host& /*host*/, Network& /*network*/) const override {}
  void remove(Host& /*host*/, const Network& /*network*/) const override {}
  Attachment attach(Host& /*host*/, const Network& /*network*/, Sandbox& /*sandbox*/,
                    const Endpoint& /*endpoint*/) const override {
    return {};
  }

 private:
  std::string_view name_;
};

std::span<const Driver* const> all_drivers() {
  static const std::array drivers = {&bridge_driver(), &host_driver(), &null_driver(), &macvlan_driver(),
                                     &ipvlan_driver()};
  return drivers;
}

}  // namespace

const Driver& host_driver() {
  static const LinklessDriver driver{"host"};
  return driver;
}

const Driver& null_driver() {
  static const LinklessDriver driver{"null"};
  return driver;
}

const Driver& get_driver(std::string_view name) {
  for (const auto* driver : all_drivers()) {
    if (driver->name() == name) return *driver;
  }
  throw Error{Kind::not_found, "could not find plugin {} in v1 plugin registry: plugin not found", name};
}

std::vector<std::string> driver_names() {
  std::vector<std::string> names;
  for (const auto* driver : all_drivers()) names.emplace_back(driver->name());
  std::ranges::sort(names);
  return names;
}

Network::Network(NetworkRecord from)
    : record(std::move(from)), options(parse_bridge_options(record.shown.Options, record.shown.Internal)) {
  if (!record.shown.IPAM.Config) return;
  for (const auto& subnet : *record.shown.IPAM.Config) subnets.push_back(make_subnet(subnet));
}

std::string link_alias(const Host& host, std::string_view kind, std::string_view id) {
  return fmt::format("berth {} {} {}", kind, id.substr(0, 12), host.owner());
}

}  // namespace berth::network

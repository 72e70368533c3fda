// macvlan and ipvlan: endpoints are links on a link of the host, their parent, and neighbours of whoever it leads to.
#include <net/if.h>

#include <algorithm>
#include <map>

#include "base/error.hpp"
#include "base/strings.hpp"
#include "network/drivers.hpp"

namespace berth::network {
namespace {

const std::string* find_option(const NetworkRecord& record, const std::string& name) {
  const auto found = record.shown.Options.find(name);
  return found == record.shown.Options.end() || found->second.empty() ? nullptr : &found->second;
}

template <class Mode>
Mode mode_of(const NetworkRecord& record, const std::string& option, const std::map<std::string, Mode>& modes,
             const char* otherwise) {
  const auto* text = find_option(record, option);
  const auto found = modes.find(text != nullptr ? *text : otherwise);
  if (found != modes.end()) return found->second;
  throw Error{Kind::invalid, "requested {} mode '{}' is not valid", record.shown.Driver, *text};
}

/// "eth0.10" is the VLAN 10 of eth0.
struct Vlan {
  std::string parent;
  std::uint16_t number = 0;
};

std::optional<Vlan> find_vlan(const std::string& name) {
  const auto dot = name.rfind('.');
  if (dot == std::string::npos || dot == 0) return std::nullopt;
  const auto number = parse_number<std::uint16_t>(std::string_view{name}.substr(dot + 1));
  if (!number || *number == 0 || *number > 4094) return std::nullopt;
  return Vlan{name.substr(0, dot), *number};
}

/// What a kernel says that lacks a kind of link.
[[noreturn]] void rethrow_as_unsupported(Error& error, std::string_view kind) {
  if (error.errno_value() != EOPNOTSUPP && error.errno_value() != ENOTSUP) throw error;
  throw Error{Kind::unsupported, "this kernel has no links of kind {}; load its module, or use a kernel that has it",
              kind};
}

class LanDriver : public Driver {
 public:
  [[nodiscard]] bool has_gateway(const NetworkRecord& record, bool /*v6*/) const override {
    return !routes_to_link(record);
  }

  void plan(NetworkRecord& record, const std::vector<const NetworkRecord*>& others) const override {
    check_mode(record);
    const auto* parent = find_option(record, "parent");
    record.link = parent != nullptr ? *parent : "dm-" + record.shown.Id.substr(0, 12);
    if (!is_link_name(record.link)) throw Error{Kind::invalid, "invalid parent interface name {}", quote(record.link)};
    if (record.link == "lo") {
      throw Error{Kind::invalid, "loopback interface is not a valid {} parent link", name()};
    }
    if (parent == nullptr) record.shown.Internal = true;  // as Docker: a parent that leads nowhere
    for (const auto* other : others) {
      if (other->link != record.link) continue;
      if (other->shown.Driver == name() && !is_exclusive(record) && !is_exclusive(*other)) continue;
      if (other->shown.Driver == "bridge") continue;  // a bridge may be a parent
      throw Error{Kind::forbidden, "network {} is already using parent interface {}", other->shown.Name, record.link};
    }
  }

  void ensure(Host& host, Network& network) const override {
    const auto& parent = network.record.link;
    auto link = host.socket().find_link(parent);
    if (!link) {
      if (find_option(network.record, "parent") == nullptr) {
        add_dummy(host, network);
      } else {
        add_vlan(host, network);
      }
      link = host.socket().get_link(parent);
    }
    if (!link->up && is_ours(host, *link, network)) {
      host.socket().apply(netlink::Request{}.change_link(link->index, {.up = true}));
    }
    network.link_index = link->index;
  }

  void remove(Host& host, const Network& network) const override {
    const auto link = host.socket().find_link(network.record.link);
    if (link && is_ours(host, *link, network)) host.socket().apply(netlink::Request{}.remove_link(link->index));
  }

  Attachment attach(Host& host, const Network& network, Sandbox& sandbox, const Endpoint& endpoint) const override {
    // A parent of hardware may have been away when the daemon started.
    const auto parent = host.socket().find_link(network.record.link);
    if (!parent) {
      throw Error{Kind::unavailable, "parent interface {} of network {} is not there", network.record.link,
                  network.name()};
    }
    sandbox.set_ipv6_of_new_links(endpoint.v6.has_value());
    netlink::Request request;
    add_link(request, {.name = endpoint.link, .mtu = network.options.mtu}, network.record, parent->index,
             sandbox.netns());
    try {
      host.socket().apply(request);
    } catch (Error& error) {
      rethrow_as_unsupported(error, name());
    }
    return {sandbox.socket().get_link(endpoint.link).index, endpoint.link};
  }

  [[nodiscard]] bool routes_without_gateway(const Network& network) const override {
    return routes_to_link(network.record);
  }

 protected:
  virtual void check_mode(const NetworkRecord& record) const = 0;
  /// Its parent is for it alone.
  [[nodiscard]] virtual bool is_exclusive(const NetworkRecord& record) const = 0;
  [[nodiscard]] virtual bool routes_to_link(const NetworkRecord& record) const = 0;
  virtual void add_link(netlink::Request& request, const netlink::LinkSettings& link, const NetworkRecord& record,
                        std::uint32_t parent, FdRef netns) const = 0;

 private:
  static bool is_ours(const Host& host, const netlink::Link& link, const Network& network) {
    return link.alias == link_alias(host, "parent", network.id());
  }

  static void add_dummy(Host& host, const Network& network) {
    const auto& name = network.record.link;
    try {
      host.socket().apply(netlink::Request{}.add_dummy({.name = name}));
      host.socket().apply(netlink::Request{}.set_alias(name, link_alias(host, "parent", network.id())));
    } catch (Error& error) {
      rethrow_as_unsupported(error, "dummy, which a network without --opt parent needs");
    }
  }

  static void add_vlan(Host& host, const Network& network) {
    const auto& name = network.record.link;
    const auto vlan = find_vlan(name);
    const auto parent = vlan ? host.socket().find_link(vlan->parent) : std::nullopt;
    if (!parent) {
      throw Error{Kind::invalid, "invalid subinterface {}: there is no interface {}", name, vlan ? vlan->parent : name};
    }
    try {
      host.socket().apply(netlink::Request{}.add_vlan({.name = name}, parent->index, vlan->number));
      host.socket().apply(netlink::Request{}.set_alias(name, link_alias(host, "parent", network.id())));
    } catch (Error& error) {
      rethrow_as_unsupported(error, "vlan, which a sub-interface as parent needs");
    }
  }
};

class MacvlanDriver : public LanDriver {
 public:
  [[nodiscard]] std::string_view name() const override { return "macvlan"; }

 protected:
  void check_mode(const NetworkRecord& record) const override { mode(record); }
  [[nodiscard]] bool is_exclusive(const NetworkRecord& record) const override {
    return mode(record) == netlink::MacvlanMode::passthru;
  }
  [[nodiscard]] bool routes_to_link(const NetworkRecord& /*record*/) const override { return false; }
  void add_link(netlink::Request& request, const netlink::LinkSettings& link, const NetworkRecord& record,
                std::uint32_t parent, FdRef netns) const override {
    request.add_macvlan(link, parent, mode(record), netns);
  }

 private:
  static netlink::MacvlanMode mode(const NetworkRecord& record) {
    using netlink::MacvlanMode;
    return mode_of<MacvlanMode>(record, "macvlan_mode",
                                {{"bridge", MacvlanMode::bridge},
                                 {"private", MacvlanMode::private_},
                                 {"vepa", MacvlanMode::vepa},
                                 {"passthru", MacvlanMode::passthru}},
                                "bridge");
  }
};

class IpvlanDriver : public LanDriver {
 public:
  [[nodiscard]] std::string_view name() const override { return "ipvlan"; }
  [[nodiscard]] bool has_mac() const override { return false; }

 protected:
  void check_mode(const NetworkRecord& record) const override {
    mode(record);
    flag(record);
  }
  /// A parent has one mode for all.
  [[nodiscard]] bool is_exclusive(const NetworkRecord& record) const override {
    return mode(record) != netlink::IpvlanMode::l2;
  }
  [[nodiscard]] bool routes_to_link(const NetworkRecord& record) const override {
    return mode(record) != netlink::IpvlanMode::l2;
  }
  void add_link(netlink::Request& request, const netlink::LinkSettings& link, const NetworkRecord& record,
                std::uint32_t parent, FdRef netns) const override {
    request.add_ipvlan(link, parent, mode(record), flag(record), netns);
  }

 private:
  static netlink::IpvlanMode mode(const NetworkRecord& record) {
    using netlink::IpvlanMode;
    return mode_of<IpvlanMode>(record, "ipvlan_mode",
                               {{"l2", IpvlanMode::l2}, {"l3", IpvlanMode::l3}, {"l3s", IpvlanMode::l3s}}, "l2");
  }
  static netlink::IpvlanFlag flag(const NetworkRecord& record) {
    using netlink::IpvlanFlag;
    return mode_of<IpvlanFlag>(
        record, "ipvlan_flag",
        {{"bridge", IpvlanFlag::bridge}, {"private", IpvlanFlag::private_}, {"vepa", IpvlanFlag::vepa}}, "bridge");
  }
};

}  // namespace

const Driver& macvlan_driver() {
  static const MacvlanDriver driver;
  return driver;
}

const Driver& ipvlan_driver() {
  static const IpvlanDriver driver;
  return driver;
}

}  // namespace berth::network

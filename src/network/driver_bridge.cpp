// A bridge on the host, and for each endpoint a veth pair between it and the sandbox.
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "base/error.hpp"
#include "base/log.hpp"
#include "network/drivers.hpp"
#include "network/sysctl.hpp"

namespace berth::network {
namespace {

/// Stable, so that who remembers it from before a restart is right.
MacAddress bridge_mac(std::string_view network_id) {
  MacAddress mac{{0x02, 0x42}};
  for (std::size_t i = 2; i < mac.bytes.size(); ++i) {
    mac.bytes[i] = static_cast<std::uint8_t>(std::stoul(std::string{network_id.substr(2 * i, 2)}, nullptr, 16));
  }
  return mac;
}

/// One of each family, as Docker has it.
void check_subnets(const NetworkRecord& record) {
  if (!record.shown.IPAM.Config) return;
  const auto v6 =
      std::ranges::count_if(*record.shown.IPAM.Config, [](const auto& config) { return config.Subnet.contains(':'); });
  const auto v4 = std::ssize(*record.shown.IPAM.Config) - v6;
  if (v4 > 1 || v6 > 1) throw Error{Kind::forbidden, "bridge driver doesn't support multiple subnets"};
}

/// The bridge's own addresses: the gateways of its subnets.
std::vector<Cidr> bridge_addresses(const Network& network) {
  std::vector<Cidr> addresses;
  const auto& shown = network.record.shown;
  if (!shown.IPAM.Config) return addresses;
  for (const auto& config : *shown.IPAM.Config) {
    if (config.Gateway.empty()) continue;
    const auto subnet = parse_cidr(config.Subnet);
    const auto v6 = subnet.address.is_v6();
    if ((v6 ? network.options.v6 : network.options.v4) == GatewayMode::isolated) continue;
    if (!v6 && network.options.inhibit_ipv4) continue;
    addresses.push_back({parse_ip(config.Gateway), subnet.length});
  }
  return addresses;
}

bool network_has(const Network& network, const IpAddress& address) {
  const auto addresses = bridge_addresses(network);
  return std::ranges::find(addresses, address, &Cidr::address) != addresses.end();
}

std::uint32_t ensure_link(Host& host, const Network& network) {
  const auto& name = network.record.link;
  if (const auto link = host.socket().find_link(name)) {
    if (link->kind != "bridge") {
      throw Error{Kind::conflict, "link {} is no bridge; remove it, or choose another name for the network's", name};
    }
    return link->index;
  }
  host.socket().apply(netlink::Request{}
                          .add_bridge({.name = name, .mtu = network.options.mtu, .mac = bridge_mac(network.id())})
                          .set_alias(name, link_alias(host, "bridge", network.id())));
  return host.socket().get_link(name).index;
}

void set_link_sysctls(const Network& network) {
  const auto& name = network.record.link;
  const auto& shown = network.record.shown;
  if (shown.EnableIPv6) {
    try_set_host_sysctl("ipv6/conf/" + name + "/disable_ipv6", "0", "the network has no IPv6");
    try_set_host_sysctl("ipv6/conf/" + name + "/accept_ra", "0", "a container may become the host's IPv6 router");
  }
  if (shown.EnableIPv4 && !shown.Internal) {
    try_set_host_sysctl("ipv4/conf/" + name + "/route_localnet", "1", "published ports do not answer at 127.0.0.1");
  }
}

void ensure_addresses(Host& host, const Network& network, std::uint32_t index) {
  std::vector<Cidr> present;
  for (const auto& address : host.socket().addresses()) {
    if (address.link == index) present.push_back(address.address);
  }
  netlink::Request request;
  for (const auto& address : bridge_addresses(network)) {
    if (std::ranges::find(present, address) == present.end()) request.add_address(index, address);
  }
  request.change_link(index, {.up = true});
  host.socket().apply(request);
}

/// Connections of the host to ports that are published on ::1 go out through the bridge with ::1 as their source;
/// without this route the kernel discards what comes back.
void ensure_loopback_route(Host& host, std::uint32_t index) {
  try {
    host.socket().apply(netlink::Request{}.add_route(
        {.destination = parse_cidr("::1/128"), .link = index, .metric = 2048, .local = true}));
  } catch (const Error& error) {
    if (error.errno_value() == EEXIST) return;
    log::warn("published IPv6 ports do not answer at ::1", {{"error", error.message()}});
  }
}

/// Three system calls: a netlink socket would cost a start more.
bool is_up(const std::string& name, std::uint32_t index) {
  const UniqueFd socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  ifreq request{};
  name.copy(request.ifr_name, sizeof request.ifr_name - 1);
  if (::ioctl(socket.get(), SIOCGIFINDEX, &request) < 0) return false;
  if (request.ifr_ifindex != static_cast<int>(index)) return false;
  return ::ioctl(socket.get(), SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_UP) != 0;
}

void connect_port(Host& host, const Network& network, std::uint32_t port) {
  netlink::Request request;
  request.change_link(port, {.master = network.link_index}).set_hairpin(port, true);
  if (!network.options.icc) request.set_isolated(port, true);
  host.socket().apply(request);
}

class BridgeDriver : public Driver {
 public:
  [[nodiscard]] std::string_view name() const override { return "bridge"; }

  [[nodiscard]] bool has_host_links() const override { return true; }
  [[nodiscard]] bool has_gateway(const NetworkRecord& record, bool v6) const override {
    const auto options = parse_bridge_options(record.shown.Options, record.shown.Internal);
    return (v6 ? options.v6 : options.v4) != GatewayMode::isolated;
  }

  void plan(NetworkRecord& record, const std::vector<const NetworkRecord*>& others) const override {
    check_subnets(record);
    const auto options = parse_bridge_options(record.shown.Options, record.shown.Internal);
    record.link = options.link.empty() ? "br-" + record.shown.Id.substr(0, 12) : options.link;
    record.made_link = true;
    for (const auto* other : others) {
      if (other->link != record.link || other->shown.Driver != name()) continue;
      throw Error{Kind::forbidden,
                  "cannot create network {} ({}): conflicts with network {} ({}): networks have same bridge name",
                  record.shown.Id,
                  record.link,
                  other->shown.Id,
                  other->link};
    }
  }

  void ensure(Host& host, Network& network) const override {
    const auto index = ensure_link(host, network);
    set_link_sysctls(network);
    ensure_addresses(host, network, index);
    if (network.record.shown.EnableIPv6 && !network.record.shown.Internal) ensure_loopback_route(host, index);
    network.link_index = index;
  }

  [[nodiscard]] bool is_whole(const Network& network) const override {
    return network.link_index != 0 && is_up(network.record.link, network.link_index);
  }

  void reconnect(Host& host, const Network& network, const std::vector<std::string>& host_links) const override {
    for (const auto& name : host_links) {
      try {
        const auto link = host.socket().find_link(name);
        if (link && link->master != network.link_index) connect_port(host, network, link->index);
      } catch (const Error& error) {
        if (error.errno_value() == ENODEV) continue;  // its container has ended
        log::warn("link of a container is not connected again", {{"link", name}, {"error", error.message()}});
      }
    }
  }

  void retire(Host& host, const Network& network) const override {
    const auto link = host.socket().find_link(network.record.link);
    if (!link) return;
    netlink::Request request;
    for (const auto& address : host.socket().addresses()) {
      const auto ours = address.link == link->index && network_has(network, address.address.address);
      if (ours) request.remove_address(link->index, address.address);
    }
    host.socket().apply(request);
  }

  void remove(Host& host, const Network& network) const override {
    const auto link = host.socket().find_link(network.record.link);
    // One that was there before the network stays, as the network only used it.
    if (!link || link->alias != link_alias(host, "bridge", network.id())) return;
    host.socket().apply(netlink::Request{}.remove_link(link->index));
  }

  Attachment attach(Host& host, const Network& network, Sandbox& sandbox, const Endpoint& endpoint) const override {
    if (network.link_index == 0) {
      throw Error{Kind::unavailable, "link {} of network {} is not there", network.record.link, network.name()};
    }
    const auto ready = sandbox.ready_link && sandbox.ready_link->host_name == endpoint.host_link;
    return ready ? use_ready_link(host, network, sandbox, endpoint) : add_pair(host, network, sandbox, endpoint);
  }

 private:
  static Attachment use_ready_link(Host& host, const Network& network, Sandbox& sandbox, const Endpoint& endpoint) {
    const auto link = std::move(*sandbox.ready_link);
    sandbox.ready_link.reset();
    netlink::Request request;
    if (link.bridge != network.link_index) {
      request.change_link(link.host_index, {.master = network.link_index}).set_hairpin(link.host_index, true);
    }
    if (mtu_of(network) != link.mtu) request.change_link(link.host_index, {.mtu = mtu_of(network)});
    if (!network.options.icc) request.set_isolated(link.host_index, true);
    host.socket().apply(request);
    if (mtu_of(network) != link.mtu) {
      sandbox.socket().apply(netlink::Request{}.change_link(link.index, {.mtu = mtu_of(network)}));
    }
    if (endpoint.v6) enable_ipv6(link);
    return {link.index, link.name, link.host_index};
  }

  static Attachment add_pair(Host& host, const Network& network, Sandbox& sandbox, const Endpoint& endpoint) {
    sandbox.set_ipv6_of_new_links(endpoint.v6.has_value());
    const auto mtu = mtu_of(network);
    host.socket().apply(netlink::Request{}
                            .add_veth({.name = endpoint.host_link, .master = network.link_index, .mtu = mtu},
                                      {.name = endpoint.link, .mtu = mtu}, sandbox.netns())
                            .set_alias(endpoint.host_link, link_alias(host, "veth", endpoint.endpoint_id))
                            .omit_link_local_address(endpoint.host_link));
    const auto index = host.socket().get_link(endpoint.host_link).index;
    netlink::Request request;
    request.set_hairpin(index, true).change_link(index, {.up = true});
    if (!network.options.icc) request.set_isolated(index, true);
    host.socket().apply(request);
    return {sandbox.socket().get_link(endpoint.link).index, endpoint.link, index};
  }

  static std::uint32_t mtu_of(const Network& network) {
    return network.options.mtu == 0 ? usual_mtu : network.options.mtu;
  }
};

}  // namespace

const Driver& bridge_driver() {
  static const BridgeDriver driver;
  return driver;
}

}  // namespace berth::network

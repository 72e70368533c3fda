// Driver options of networks and endpoints ("com.docker.network...."), parsed and checked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/ip.hpp"
#include "network/config.hpp"

namespace berth::network {

/// What the outside sees of a bridge network's addresses. nat: ports that are published, through the host's addresses;
/// others are not reached even by who routes to them. nat_unprotected: all of them are, by who routes to them. routed:
/// no translation, published ports are reached at the container's address. isolated: not even the host has an address
/// on the bridge (internal networks only).
enum class GatewayMode { nat, nat_unprotected, routed, isolated };

struct BridgeOptions {
  std::string link;           ///< com.docker.network.bridge.name
  std::string link_prefix;    ///< com.docker.network.container_iface_prefix; "eth"
  std::uint32_t mtu = 0;      ///< com.docker.network.driver.mtu; 0: the kernel's choice
  bool inhibit_ipv4 = false;  ///< ...bridge.inhibit_ipv4: the bridge gets no IPv4 address
  bool icc = true;            ///< ...bridge.enable_icc: containers reach each other
  bool masquerade = true;     ///< ...bridge.enable_ip_masquerade
  GatewayMode v4 = GatewayMode::nat, v6 = GatewayMode::nat;  ///< ...bridge.gateway_mode_ipv4, _ipv6
  std::optional<IpAddress> host_binding;                     ///< ...bridge.host_binding_ipv4
};

/// Throws `invalid`, naming the option. Unknown options are ignored, as Docker does.
BridgeOptions parse_bridge_options(const StringMap& options, bool internal);

struct EndpointOptions {
  std::string link;   ///< com.docker.network.endpoint.ifname
  StringMap sysctls;  ///< com.docker.network.endpoint.sysctls: "ipv4/conf/IFNAME/forwarding" to its value
};

/// Throws `invalid`.
EndpointOptions parse_endpoint_options(const json::Nullable<StringMap>& options);

/// A name that the kernel takes for a link: 1 to 15 characters without '/', ':' and space.
bool is_link_name(std::string_view name);

}  // namespace berth::network

#include "network/options.hpp"

#include <algorithm>
#include <map>

#include "base/error.hpp"
#include "base/strings.hpp"

namespace berth::network {
namespace {

constexpr std::string_view mtu_option = "com.docker.network.driver.mtu";
constexpr std::string_view prefix_option = "com.docker.network.container_iface_prefix";
constexpr std::string_view link_name_option = "com.docker.network.endpoint.ifname";
constexpr std::string_view sysctls_option = "com.docker.network.endpoint.sysctls";

constexpr std::uint32_t min_mtu = 68;  // RFC 791
constexpr std::uint32_t max_mtu = 65535;

const std::string* find_option(const StringMap& options, std::string_view name) {
  const auto found = options.find(std::string{name});
  return found == options.end() ? nullptr : &found->second;
}

void read_truth(const StringMap& options, std::string_view name, bool& target) {
  const auto* text = find_option(options, name);
  if (text == nullptr) return;
  const auto value = parse_bool(*text);
  if (!value) {
    throw Error{Kind::invalid, "failed to parse {} value: {} (strconv.ParseBool: parsing {}: invalid syntax)", name,
                *text, quote(*text)};
  }
  target = *value;
}

GatewayMode parse_mode(const std::string& text, std::string_view name, bool internal) {
  static const std::map<std::string, GatewayMode, std::less<>> modes = {
      {"", GatewayMode::nat},
      {"nat", GatewayMode::nat},
      {"nat-unprotected", GatewayMode::nat_unprotected},
      {"routed", GatewayMode::routed},
      {"isolated", GatewayMode::isolated},
  };
  const auto found = modes.find(text);
  if (found == modes.end()) {
    throw Error{Kind::invalid, "unknown gateway mode {} for {}; it is nat, nat-unprotected, routed or isolated",
                quote(text), name};
  }
  if (found->second == GatewayMode::isolated && !internal) {
    throw Error{Kind::invalid, "gateway mode 'isolated' can only be used for an internal network"};
  }
  return found->second;
}

std::uint32_t parse_mtu(const std::string& text) {
  const auto value = parse_number<std::uint32_t>(text);
  if (!value || (*value != 0 && (*value < min_mtu || *value > max_mtu))) {
    throw Error{Kind::invalid, "failed to parse {} value: {} (it should be a number from {} to {})",
                mtu_option,    text,
                min_mtu,       max_mtu};
  }
  return *value;
}

/// "net.ipv4.conf.IFNAME.forwarding=1" to its path below /proc/sys/net and its value.
std::pair<std::string, std::string> parse_sysctl(const std::string& text) {
  const auto pair = split_once(text, '=');
  if (!pair || pair->second.empty()) {
    throw Error{Kind::invalid, "invalid sysctl setting {}; it should be name=value", quote(text)};
  }
  auto parts = split(pair->first, '.');
  if (parts.size() > 3 && parts[3] == "ifname") parts[3] = "IFNAME";  // docker's command line makes letters small
  const auto fits = parts.size() == 5 && parts[0] == "net" &&
                    (parts[1] == "ipv4" || parts[1] == "ipv6" || parts[1] == "mpls") &&
                    (parts[2] == "conf" || parts[2] == "neigh") && parts[3] == "IFNAME" &&
                    std::ranges::none_of(parts, [](const std::string& part) { return part.contains('/'); });
  if (!fits) {
    throw Error{Kind::invalid,
                "unrecognised network interface sysctl '{}'; represent 'net.X.Y.ethN.Z=V' as 'net.X.Y.IFNAME.Z=V', 'X' "
                "must be 'ipv4', 'ipv6' or 'mpls'",
                text};
  }
  parts.erase(parts.begin());
  return {join(parts, "/"), std::string{pair->second}};
}

}  // namespace

bool is_link_name(std::string_view name) {
  return !name.empty() && name.size() <= 15 && name != "." && name != ".." &&
         std::ranges::none_of(name, [](unsigned char c) { return c == '/' || c == ':' || c <= ' ' || c == 0x7f; });
}

BridgeOptions parse_bridge_options(const StringMap& options, bool internal) {
  BridgeOptions parsed{.link_prefix = "eth"};
  if (const auto* name = find_option(options, "com.docker.network.bridge.name"); name != nullptr && !name->empty()) {
    if (!is_link_name(*name)) throw Error{Kind::invalid, "invalid bridge name {}", quote(*name)};
    parsed.link = *name;
  }
  if (const auto* prefix = find_option(options, prefix_option); prefix != nullptr && !prefix->empty()) {
    if (!is_link_name(*prefix + "0")) throw Error{Kind::invalid, "invalid interface prefix {}", quote(*prefix)};
    parsed.link_prefix = *prefix;
  }
  if (const auto* mtu = find_option(options, mtu_option)) parsed.mtu = parse_mtu(*mtu);
  read_truth(options, "com.docker.network.bridge.inhibit_ipv4", parsed.inhibit_ipv4);
  read_truth(options, "com.docker.network.bridge.enable_icc", parsed.icc);
  read_truth(options, "com.docker.network.bridge.enable_ip_masquerade", parsed.masquerade);
  for (const auto& [name, mode] : {std::pair{"com.docker.network.bridge.gateway_mode_ipv4", &parsed.v4},
                                   std::pair{"com.docker.network.bridge.gateway_mode_ipv6", &parsed.v6}}) {
    if (const auto* text = find_option(options, name)) *mode = parse_mode(*text, name, internal);
  }
  if (const auto* binding = find_option(options, "com.docker.network.bridge.host_binding_ipv4");
      binding != nullptr && !binding->empty()) {
    parsed.host_binding = find_ip(*binding);
    if (!parsed.host_binding || parsed.host_binding->is_v6()) {
      throw Error{Kind::invalid, "failed to parse com.docker.network.bridge.host_binding_ipv4 value: {} (invalid ip)",
                  *binding};
    }
  }
  return parsed;
}

EndpointOptions parse_endpoint_options(const json::Nullable<StringMap>& options) {
  EndpointOptions parsed;
  if (!options) return parsed;
  if (const auto* name = find_option(*options, link_name_option)) {
    if (!is_link_name(*name)) {
      throw Error{Kind::invalid,
                  "invalid interface name {} in {}: it should have at most 15 characters, none of them "
                  "'/', ':' or a space",
                  quote(*name), link_name_option};
    }
    parsed.link = *name;
  }
  if (const auto* list = find_option(*options, sysctls_option)) {
    for (const auto& setting : split(*list, ',')) parsed.sysctls.insert(parse_sysctl(setting));
  }
  return parsed;
}

}  // namespace berth::network

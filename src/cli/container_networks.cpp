// --network and the flags that go with it, as NetworkMode and EndpointsConfig.
#include <algorithm>

#include "base/ip.hpp"
#include "base/strings.hpp"
#include "cli/container_flags.hpp"
#include "cli/flag_values.hpp"

namespace berth::cli {
namespace {

bool is_user_defined(std::string_view network) {
  return network != "default" && network != "bridge" && network != "host" && network != "none" &&
         !network.starts_with("container:");
}

/// "name=back,alias=db" and not just a name: a word on both sides of some '='.
bool has_fields(std::string_view text) {
  const auto is_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    if (text[i] == '=' && is_word(text[i - 1]) && is_word(text[i + 1])) return true;
  }
  return false;
}

json::Object& object_at(json::Object& object, std::string_view name) {
  auto& value = object[name];
  return value.is_object() ? value.get_object() : value.emplace_object();
}

json::Array& array_at(json::Object& object, std::string_view name) {
  auto& value = object[name];
  return value.is_array() ? value.get_array() : value.emplace_array();
}

void set_field(NetworkAttachment& attachment, std::string_view key, std::string_view value) {
  auto& endpoint = attachment.endpoint;
  if (key == "name") {
    attachment.network = value;
  } else if (key == "alias") {
    array_at(endpoint, "Aliases").emplace_back(value);
  } else if (key == "ip") {
    object_at(endpoint, "IPAMConfig")["IPv4Address"] = value;
  } else if (key == "ip6") {
    object_at(endpoint, "IPAMConfig")["IPv6Address"] = value;
  } else if (key == "link-local-ip") {
    array_at(object_at(endpoint, "IPAMConfig"), "LinkLocalIPs").emplace_back(value);
  } else if (key == "mac-address") {
    endpoint["MacAddress"] = value;
  } else if (key == "driver-opt") {
    const auto pair = split_once(value, '=');
    if (!pair || pair->first.empty()) throw Error{Kind::invalid, "invalid key value pair format in driver options"};
    object_at(endpoint, "DriverOpts")[trim(pair->first)] = trim(pair->second);
  } else if (key == "gw-priority") {
    const auto number = parse_number<std::int64_t>(value);
    if (!number) throw Error{Kind::invalid, "invalid gw-priority ({}): invalid syntax", value};
    endpoint["GwPriority"] = *number;
  } else {
    throw Error{Kind::invalid, "invalid field key {}", key};
  }
}

/// Refuses what is asked for by a flag of its own and in --network too.
void check_free(const json::Object& object, std::string_view member, std::string_view flag, std::string_view what) {
  if (!object.contains(member)) return;
  throw Error{Kind::invalid, "conflicting options: cannot specify both --{} and per-network {}", flag, what};
}

/// Flags that are older than several networks mean the first one.
void apply_flags(const ContainerFlags& flags, NetworkAttachment& first) {
  auto& endpoint = first.endpoint;
  if (!flags.network_alias->empty()) {
    check_free(endpoint, "Aliases", "network-alias", "alias");
    endpoint["Aliases"] = array_of(*flags.network_alias);
  }
  if (!flags.links->empty() && is_user_defined(first.network)) endpoint["Links"] = array_of(*flags.links);
  if (!flags.mac_address->empty()) {
    check_free(endpoint, "MacAddress", "mac-address", "MAC address");
    endpoint["MacAddress"] = *flags.mac_address;
  }
  if (flags.ip->empty() && flags.ip6->empty() && flags.link_local_ips->empty()) return;
  auto& addresses = object_at(endpoint, "IPAMConfig");
  if (!flags.ip->empty()) {
    check_free(addresses, "IPv4Address", "ip", "IPv4 address");
    addresses["IPv4Address"] = *flags.ip;
  }
  if (!flags.ip6->empty()) {
    check_free(addresses, "IPv6Address", "ip6", "IPv6 address");
    addresses["IPv6Address"] = *flags.ip6;
  }
  if (!flags.link_local_ips->empty()) {
    check_free(addresses, "LinkLocalIPs", "link-local-ip", "link-local IP addresses");
    addresses["LinkLocalIPs"] = array_of(*flags.link_local_ips);
  }
}

void check(const NetworkAttachment& attachment) {
  if (trim(attachment.network).empty()) throw Error{Kind::invalid, "no name set for network"};
  if (attachment.endpoint.contains("Aliases") && !is_user_defined(attachment.network)) {
    throw Error{Kind::invalid, "network-scoped aliases are only supported for user-defined networks"};
  }
  if (const auto* mac = attachment.endpoint.if_contains("MacAddress"); mac != nullptr) {
    const std::string_view text = mac->as_string();
    if (!find_mac(trim(text))) throw Error{Kind::invalid, "{} is not a valid mac address", text};
  }
}

}  // namespace

NetworkAttachment parse_network(const std::string& text) {
  if (!has_fields(text)) return {.network = text};
  NetworkAttachment attachment;
  for (const auto& field : split_csv(text)) {
    const auto lower = to_lower(field);
    const auto pair = split_once(lower, '=');
    if (!pair || pair->first.empty()) throw Error{Kind::invalid, "invalid field {}", lower};
    set_field(attachment, trim(pair->first), trim(pair->second));
  }
  if (attachment.network.empty()) throw Error{Kind::invalid, "network name/id is not specified"};
  return attachment;
}

ContainerNetworks make_container_networks(const ContainerFlags& flags) {
  std::vector<NetworkAttachment> attachments;
  for (const auto& text : *flags.networks) attachments.push_back(parse_network(text));
  if (attachments.empty()) attachments.push_back({.network = "default"});
  apply_flags(flags, attachments.front());
  ContainerNetworks networks{.mode = attachments.front().network};
  const bool user_defined = is_user_defined(networks.mode);
  bool mixed = false;
  for (auto& attachment : attachments) {
    check(attachment);
    if (networks.endpoints.contains(attachment.network)) {
      throw Error{Kind::invalid, "network {} is specified multiple times", quote(attachment.network)};
    }
    mixed = mixed || is_user_defined(attachment.network) != user_defined;
    networks.endpoints[attachment.network] = std::move(attachment.endpoint);
  }
  if (mixed) {
    throw Error{Kind::invalid,
                "conflicting options: cannot attach both user-defined and non-user-defined network-modes"};
  }
  // The daemon knows by itself what belongs to a mode alone.
  if (attachments.size() == 1 && networks.endpoints.begin()->value().as_object().empty()) networks.endpoints.clear();
  return networks;
}

}  // namespace berth::cli

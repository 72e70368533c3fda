// Links of endpoints, made and given their names, addresses and routes.
#include <algorithm>

#include "base/error.hpp"
#include "base/log.hpp"
#include "network/internal.hpp"

namespace berth::network {
namespace {

using Places = std::vector<Reservation::Place>;

/// The subnet of all link-local addresses of the family.
unsigned link_local_length(const IpAddress& address) {
  return address.is_v6() ? 64 : 16;
}

void add_addresses(netlink::Request& request, std::uint32_t index, const Endpoint& endpoint) {
  if (endpoint.v4) request.add_address(index, *endpoint.v4);
  if (endpoint.v6) request.add_address(index, *endpoint.v6);
  if (!endpoint.config.IPAMConfig) return;
  for (const auto& text : endpoint.config.IPAMConfig->LinkLocalIPs) {
    const auto address = parse_ip(text);
    request.add_address(index, {address, link_local_length(address)});
  }
}

/// "ipv4/conf/IFNAME/forwarding" of each endpoint that asks for it.
std::map<std::string, std::string> sysctls_of(const Endpoint& endpoint) {
  std::map<std::string, std::string> named;
  for (const auto& [name, value] : parse_endpoint_options(endpoint.config.DriverOpts).sysctls) {
    auto path = name;
    const std::string_view placeholder = "IFNAME";
    path.replace(path.find(placeholder), placeholder.size(), endpoint.link);
    named[path] = value;
  }
  return named;
}

netlink::Route default_route(const Endpoint& endpoint, std::uint32_t index, bool v6) {
  return {
      .destination = {IpAddress::any(v6), 0}, .gateway = v6 ? endpoint.gateway_v6 : endpoint.gateway_v4, .link = index};
}

bool has_gateway(const Endpoint& endpoint, bool v6) {
  return !endpoint.internal && (v6 ? endpoint.gateway_v6 : endpoint.gateway_v4).has_value();
}

std::uint32_t index_of(Sandbox& sandbox, const Places& places, const std::vector<Attachment>& attachments,
                       const Endpoint& endpoint) {
  for (std::size_t i = 0; i < attachments.size(); ++i) {
    if (places[i].endpoint.network_id == endpoint.network_id) return attachments[i].index;
  }
  return sandbox.socket().get_link(endpoint.link).index;
}

}  // namespace

const Endpoint* choose_gateway(const std::vector<Endpoint>& endpoints, bool v6) {
  const Endpoint* best = nullptr;
  for (const auto& endpoint : endpoints) {
    if (!has_gateway(endpoint, v6)) continue;
    const auto better =
        best == nullptr || endpoint.config.GwPriority > best->config.GwPriority ||
        (endpoint.config.GwPriority == best->config.GwPriority && endpoint.network_name < best->network_name);
    if (better) best = &endpoint;
  }
  return best;
}

namespace {

void move_default_routes(netlink::Request& request, const std::vector<Endpoint>& before,
                         const std::vector<Endpoint>& after, const std::function<std::uint32_t(const Endpoint&)>& index,
                         bool old_links_remain) {
  for (const bool v6 : {false, true}) {
    const auto* old = choose_gateway(before, v6);
    const auto* chosen = choose_gateway(after, v6);
    if (old != nullptr && chosen != nullptr && old->network_id == chosen->network_id) continue;
    if (old != nullptr && old_links_remain) request.remove_route(default_route(*old, index(*old), v6));
    if (chosen != nullptr) request.add_route(default_route(*chosen, index(*chosen), v6));
  }
}

/// Where there is no gateway at all, everything goes out of the link, and its parent knows the way.
void add_routes_to_link(netlink::Request& request, const Endpoint& endpoint, std::uint32_t index,
                        const std::vector<Endpoint>& all) {
  if (endpoint.internal) return;
  for (const bool v6 : {false, true}) {
    if (!(v6 ? endpoint.v6 : endpoint.v4) || choose_gateway(all, v6) != nullptr) continue;
    request.add_route({.destination = {IpAddress::any(v6), 0}, .link = index});
  }
}

}  // namespace

void plug(Host& host, Sandbox& sandbox, const Places& places, const std::vector<Endpoint>& present) {
  std::vector<Attachment> attachments;
  netlink::Request request;
  netlink::Request stations;
  auto after = present;
  std::map<std::string, std::string> sysctls;
  std::vector<std::pair<const Endpoint*, std::uint32_t>> to_link;
  for (const auto& [network, endpoint, reused] : places) {
    const auto& attachment =
        attachments.emplace_back(get_driver(endpoint.driver).attach(host, *network, sandbox, endpoint));
    after.push_back(endpoint);
    if (attachment.index == 0) continue;
    const auto renamed = attachment.name != endpoint.link;
    if (renamed) request.change_link(attachment.index, {.name = endpoint.link, .up = false});
    request.change_link(attachment.index, {.mac = endpoint.mac, .up = true});
    add_addresses(request, attachment.index, endpoint);
    if (reused && attachment.host_index != 0) stations.set_station(attachment.host_index, *endpoint.mac);
    sysctls.merge(sysctls_of(endpoint));
    if (get_driver(endpoint.driver).routes_without_gateway(*network)) to_link.emplace_back(&endpoint, attachment.index);
  }
  move_default_routes(
      request, present, after,
      [&](const Endpoint& endpoint) { return index_of(sandbox, places, attachments, endpoint); }, true);
  for (const auto& [endpoint, index] : to_link) add_routes_to_link(request, *endpoint, index, after);
  sandbox.socket().apply(request);
  if (!stations.empty()) host.socket().apply(stations);
  sandbox.set_ipv6_of_new_links(true);
  if (!sysctls.empty()) sandbox.write_sysctls(sysctls);
}

void unplug(Sandbox& sandbox, const Endpoint& endpoint, const std::vector<Endpoint>& before,
            const std::vector<Endpoint>& after) noexcept {
  try {
    const auto link = sandbox.socket().find_link(endpoint.link);
    if (endpoint.link.empty() || !link) return;
    netlink::Request request;
    request.remove_link(link->index);
    // Routes went with the link.
    move_default_routes(
        request, before, after, [&](const Endpoint& other) { return sandbox.socket().get_link(other.link).index; },
        false);
    sandbox.socket().apply(request);
  } catch (const Error& error) {
    log::warn("link of a container not removed cleanly",
              {{"link", endpoint.link}, {"network", endpoint.network_name}, {"error", error.message()}});
  }
}

}  // namespace berth::network

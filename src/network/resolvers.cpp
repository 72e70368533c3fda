#include "network/resolvers.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/log.hpp"

namespace berth::network {
namespace {

dns::Upstreams upstreams_of(std::span<const Endpoint> endpoints, const DnsConfig& dns) {
  dns::Upstreams upstreams{.options = dns.options};
  for (const auto& server : dns.servers) {
    if (const auto address = find_ip(server)) upstreams.servers.push_back(*address);
  }
  const auto leads_out = [](const Endpoint& endpoint) { return !endpoint.internal; };
  upstreams.leads_out = std::ranges::any_of(endpoints, leads_out);
  upstreams.ipv6 = std::ranges::any_of(
      endpoints, [&](const Endpoint& endpoint) { return leads_out(endpoint) && endpoint.v6.has_value(); });
  return upstreams;
}

}  // namespace

bool needs_resolver(std::span<const Endpoint> endpoints) {
  return std::ranges::any_of(endpoints, [](const Endpoint& endpoint) { return !endpoint.dns_names.empty(); });
}

void Resolvers::start(const std::string& container_id, ResolverSockets sockets, std::span<const Endpoint> endpoints,
                      const DnsConfig& dns) {
  names_.set(container_id, endpoints);
  const std::lock_guard lock{mutex_};
  if (!server_) server_.emplace();
  server_->add(container_id, std::move(sockets.sockets), names_.zone_of(container_id), upstreams_of(endpoints, dns));
}

void Resolvers::update(const std::string& container_id, std::span<const Endpoint> endpoints, const DnsConfig& dns) {
  names_.set(container_id, endpoints);
  const std::lock_guard lock{mutex_};
  if (server_) server_->change(container_id, upstreams_of(endpoints, dns));
}

void Resolvers::stop(const std::string& container_id) noexcept {
  try {
    names_.remove(container_id);
    const std::lock_guard lock{mutex_};
    if (server_) server_->remove(container_id);
  } catch (...) {
    log::error("the resolver of a container goes on after its end",
               {{"container", container_id}, {"error", current_error().message()}});
  }
}

}  // namespace berth::network

// The resolvers of sandboxes on user-defined networks.
#pragma once

#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "dns/dns.hpp"
#include "network/endpoint.hpp"
#include "network/names.hpp"
#include "network/sandbox_dns.hpp"

namespace berth::network {

/// True if one of the networks has names.
bool needs_resolver(std::span<const Endpoint> endpoints);

/// Names of all containers, and a resolver for each one that needs it. Threads: any.
class Resolvers {
 public:
  /// The container answers with these sockets (open_resolver_sockets); its names are known from now on.
  void start(const std::string& container_id, ResolverSockets sockets, std::span<const Endpoint> endpoints,
             const DnsConfig& dns);
  /// A connect, disconnect or rename: its names are these now, and so is the way to its servers. It need not have a
  /// resolver.
  void update(const std::string& container_id, std::span<const Endpoint> endpoints, const DnsConfig& dns);
  /// Its names are gone, and its resolver is, if it had one.
  void stop(const std::string& container_id) noexcept;

 private:
  Names names_;
  std::mutex mutex_;
  std::optional<dns::Server> server_;  ///< guarded by mutex_; once one is needed, because it is a thread
};

}  // namespace berth::network

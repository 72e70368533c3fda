// A container's place in the network. Only for this folder.
#pragma once

#include <optional>

#include "base/fd.hpp"
#include "base/file.hpp"
#include "containers/record.hpp"
#include "containers/spec.hpp"
#include "network/endpoint.hpp"
#include "network/sandbox.hpp"

namespace berth::containers {

/// Where a container that is being started will be.
struct NetworkPlace {
  std::optional<network::Sandbox> sandbox;  ///< its own
  UniqueFd joined;                          ///< the namespace of another container, which it shares
  network::Connections connections;
  NetworkView view;
  fs::path files;  ///< the directory of hosts, resolv.conf and hostname: its own, or that of the other container
  bool owns_files = true;
  std::vector<std::string> environment;  ///< of --link

  /// Not there in the network of the host.
  [[nodiscard]] FdRef netns() const { return sandbox ? sandbox->netns() : FdRef{joined}; }
};

/// The addresses that /etc/hosts has of the container itself, and whether it asks the resolver of its sandbox.
NetworkView view_of(const network::Connections& connections);

/// "name:alias" or "name" of --link.
struct LinkName {
  std::string name, alias;
};
LinkName parse_link(std::string_view text);

/// --link of a container, each alias once: the first counts. Nothing on networks of one's own, where links are names
/// that the resolver knows.
std::vector<LinkName> links_of(const HostConfig& host_config);

/// /etc/hosts with `line` in place of the one of a link; empty: without it. Other lines stay, and if there is none of
/// that link nothing is added.
std::string with_link(const std::string& hosts, const std::string& alias, const std::string& line);

/// Docker's variables for --link: DB_PORT_5432_TCP_ADDR and the like. `path`: "/web/db" for the link that web has under
/// the name db. `linked` and `address` are those of the container that it leads to. Source: moby 28, daemon/links.
std::vector<std::string> link_environment(const std::string& path, const Definition& linked,
                                          const std::string& address);

}  // namespace berth::containers

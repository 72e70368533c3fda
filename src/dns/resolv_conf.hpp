// resolv.conf: the host's, and what becomes of it in a container.
//
// A container on a user-defined network asks the embedded resolver (127.0.0.11), which asks the servers of the host's
// file; on the default bridge, where names are in /etc/hosts alone, it asks those servers itself, without the ones on
// the host's loopback. --dns, --dns-search and --dns-option take the place of what the file says. Pure functions; the
// text is that of Docker 28, comments included.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.hpp"

namespace berth::dns {

inline constexpr std::string_view resolver_address = "127.0.0.11";

struct NameServer {
  IpAddress address;
  std::string zone = {};  ///< the link that a link-local address is on: "eth0" of "fe80::1%eth0"

  friend bool operator==(const NameServer&, const NameServer&) = default;
};

/// "10.0.0.2" or "fe80::1%eth0"; nothing if it is neither.
std::optional<NameServer> find_name_server(std::string_view text);
std::string to_string(const NameServer& server);

struct ResolvConf {
  std::vector<NameServer> servers = {};
  std::vector<std::string> invalid_servers = {};
  std::vector<std::string> search = {};  ///< the last line alone counts
  std::vector<std::string> options = {};
  std::vector<std::string> other = {};  ///< whole lines that are none of these

  static ResolvConf parse(std::string_view text);
};

/// --dns, --dns-search and --dns-option. What is empty leaves the host's. "." as the only search domain is none.
struct ResolvConfOverrides {
  std::vector<std::string> servers = {};
  std::vector<std::string> search = {};
  std::vector<std::string> options = {};
};

enum class Resolution {
  host,      ///< the host's own network: everything as it is
  direct,    ///< the container asks the servers itself
  embedded,  ///< the container asks 127.0.0.11
};

struct ResolvConfRequest {
  std::string_view host_text;
  std::string_view host_path;
  ResolvConfOverrides overrides = {};
  Resolution resolution = Resolution::direct;
  /// The container has a way to IPv6 addresses.
  bool ipv6 = false;
};

/// Throws `invalid` if a server of the overrides is no address.
std::string make_resolv_conf(const ResolvConfRequest& request);

/// A server that the embedded resolver asks.
struct UpstreamServer {
  NameServer server;
  bool from_host = false;  ///< from the host's namespace: nothing else leads there

  friend bool operator==(const UpstreamServer&, const UpstreamServer&) = default;
};

/// Those of the host's file, or public ones if it has none.
std::vector<UpstreamServer> upstream_servers(const ResolvConf& host, bool ipv6);

/// `ndots` is set in the options that hold: --dns-option's, or else the host's.
bool has_ndots(const ResolvConf& host, const ResolvConfOverrides& overrides);

}  // namespace berth::dns

// dns: the names that containers see.
//
// A Server answers the queries that come to the two sockets of each sandbox (127.0.0.11 inside): names of containers
// from the Zone that belongs to the sandbox, everything else by asking servers upstream, with a small cache for each
// sandbox. It knows no networks and no containers: who is called what is the Zone's knowledge, which it asks for each
// query, so nothing here grows old.
//
// One thread serves all sandboxes. Queries upstream have a socket each, so that their ports are not to be guessed, and
// are bounded in number.
//
//   server.add(container_id, {std::move(udp), std::move(tcp)}, zone, {.servers = {parse_ip("192.0.2.53")}});
//   server.remove(container_id);
//
// Uses: base, ldns.   Used by: network, containers.   Threads: any; Zones are asked on the server's own thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hpp"
#include "base/ip.hpp"

namespace berth::dns {

/// Names and addresses as one sandbox sees them. Asked for every query: an answer should take microseconds.
class Zone {
 public:
  virtual ~Zone() = default;

  /// All addresses of one family that `name` has. It is in lower case and has no dot at its end: "web", "web.mynet".
  ///
  /// Nothing: nobody has this name, and servers upstream are asked. Empty: it is the name of something here that has no
  /// address of this family, and nobody else is asked.
  [[nodiscard]] virtual std::optional<std::vector<IpAddress>> find_addresses(std::string_view name, bool v6) const = 0;

  /// The name of who has this address, as Docker says it: "web.mynet". Nothing: servers upstream are asked.
  [[nodiscard]] virtual std::optional<std::string> find_name(const IpAddress& address) const = 0;
};

/// Who is asked what the Zone does not know.
struct Upstreams {
  /// Asked from within the sandbox. Empty: the servers of the host's resolv.conf as it is at the time of the query;
  /// those on the host's loopback (systemd-resolved, dnsmasq), and IPv6 servers of a sandbox without IPv6, are asked
  /// from the host's namespace, the others from within the sandbox.
  std::vector<IpAddress> servers = {};
  /// A network of the sandbox leads out. Where none does (`internal`), nothing is asked from the host's namespace.
  bool leads_out = true;
  /// The sandbox has a way to IPv6 addresses.
  bool ipv6 = false;
  /// --dns-option; empty: those of the host's resolv.conf. If `ndots` is among those that hold, names without a dot are
  /// not asked upstream but have an empty answer, so that the program's resolver goes on with its search domains.
  std::vector<std::string> options = {};
};

/// Bound to the address and ports at which the sandbox's queries arrive; the second one listens.
struct Sockets {
  UniqueFd udp;
  UniqueFd tcp;
};

struct Settings {
  std::string host_resolv_conf = "/etc/resolv.conf";
  std::uint16_t upstream_port = 53;
  /// How long a server is waited for before the next one is asked as well.
  std::chrono::milliseconds patience{2000};
  /// How long a query may take with all servers, before the answer is SERVFAIL.
  std::chrono::milliseconds give_up{8000};
  /// TCP connections without a query are closed after this time.
  std::chrono::milliseconds idle{10'000};
  std::size_t queries_of_sandbox = 1024;  ///< in flight upstream; what is more is refused
  std::size_t queries_of_all = 4096;
  std::size_t connections_of_sandbox = 64;
  std::size_t cached_of_sandbox = 256;  ///< answers
};

class Server {
 public:
  /// Starts the thread; upstream sockets "of the host" belong to the network namespace of the caller.
  explicit Server(Settings settings = {});
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Takes the place of what had the same key. All three return at once; the thread does it in the order of the calls.
  void add(std::string key, Sockets sockets, std::shared_ptr<const Zone> zone, Upstreams upstreams);
  /// A connect or disconnect has changed what `add` was told. Nothing if there is no such key.
  void change(std::string key, Upstreams upstreams);
  /// Closes the sockets; queries in flight have no answer. Nothing if there is no such key.
  void remove(std::string key);

 private:
  struct Thread;
  std::unique_ptr<Thread> thread_;
};

}  // namespace berth::dns

// From what a client asked for to what the runtime is told: a pure plan, tested without root.
//
// Files: spec.cpp puts the parts together; spec_process.cpp (program, environment, capabilities), spec_mounts.cpp,
// spec_binds.cpp (the notation of -v and --mount), spec_devices.cpp, spec_resources.cpp, spec_security.cpp
// (--security-opt), log_drivers.cpp and beside it; validate.cpp refuses at creation what could not be done at start.
#pragma once

#include <string>
#include <vector>

#include "base/file.hpp"
#include "base/ip.hpp"
#include "containers/config.hpp"
#include "containers/host_facts.hpp"
#include "network/endpoint.hpp"
#include "oci/runtime_spec.hpp"
#include "seccomp/filter_cache.hpp"
#include "shim/bundle.hpp"

namespace berth::containers {

struct SpecInput {
  std::string id;
  std::string name;      ///< without a slash
  std::string image_id;  ///< "sha256:..."
  const Config& config;  ///< merged with the image's
  const HostConfig& host_config;
  std::vector<std::string> args;    ///< the program first
  fs::path directory;               ///< the container's: upper and work are or will be there
  fs::path network_files;           ///< the directory of hostname, hosts and resolv.conf
  std::vector<std::string> layers;  ///< of the image, absolute, topmost first
  fs::path init_program;            ///< what --init puts in front; may be empty if the container does not ask for it
  std::vector<oci::runtime::Device> devices;  ///< find_devices(host_config)
  const HostFacts& facts;
};

struct RuntimeBundle {
  oci::runtime::Spec spec;
  shim::BundleSettings settings;
};

/// Docker's container as an OCI configuration. Assumes what `validate` lets through. Image volumes are ordinary
/// directories of the container's own layer as long as there are no volumes.
///
/// `filters` keeps the compiled seccomp filter that the bundle names.
RuntimeBundle make_bundle(const SpecInput& input, seccomp::FilterCache& filters);

/// The devices that --device (or --privileged: all of the host) puts into the container. Reads /dev.
/// Throws `invalid` with Docker's text if one is missing.
std::vector<oci::runtime::Device> find_devices(const HostConfig& host_config);

/// Makes directories on the host for -v sources that do not exist, as Docker does.
void make_bind_sources(const HostConfig& host_config);

/// The cgroup of a container, relative to the root of each hierarchy: below --cgroup-parent if there is one.
std::string cgroup_path(const std::string& id, const HostConfig& host_config);

/// Throws `invalid` with Docker's text for what is wrong, `unsupported` for what is not there yet. Returns warnings for
/// the client about what the host cannot do and is left out.
std::vector<std::string> validate(const Config& config, const HostConfig& host_config,
                                  const HostFacts& facts = host_facts());

/// What a new container asks of its networks; without any of them, of the one that its mode stands for. The address
/// that old clients ask for in Config.MacAddress is moved there. Throws `invalid` with Docker's text.
Endpoints checked_endpoints(Config& config, const HostConfig& host_config, const NetworkingConfig& networking,
                            std::vector<std::string>& warnings);

/// Throws `invalid` with Docker's text for settings that no container could have on this network.
void check_endpoint(const std::string& network, const network::EndpointConfig& endpoint);

/// The same for what `update` may change.
std::vector<std::string> validate_update(const UpdateRequest& request, const HostFacts& facts = host_facts());

/// What log drivers tell of a container.
struct LogSubject {
  std::string id;
  std::string name;                  ///< without a slash
  std::string image_id;              ///< "sha256:..."
  std::vector<std::string> command;  ///< the program first
  const Config& config;
  fs::path directory;  ///< the container's
};

/// How the container's output is kept and where it is sent. Receivers are named as the user named them. Throws
/// `invalid` with Docker's text for unknown drivers and options, and for wrong values; `unsupported` for what is not
/// there yet.
shim::LogSettings log_settings(const LogSubject& subject, const LogConfig& chosen);

/// The same without a container, and what can be seen on the host.
void check_log_config(const LogConfig& chosen);

/// Docker's names of all drivers but "none", sorted.
std::vector<std::string> log_driver_names();

/// The file in the container's directory from which its log is read back; empty if there is none.
fs::path log_path(const fs::path& directory, const LogConfig& chosen);

/// Fills in the daemon's driver where none is chosen, the daemon's options for the daemon's driver, and those of the
/// cache.
void set_log_defaults(LogConfig& chosen, const LogConfig& defaults);

/// The files of a container that tell it its name and how names are resolved.
struct NetworkFiles {
  std::string hostname;
  std::string hosts;
  std::string resolv_conf;
};

/// The host's own, from which those of containers follow.
struct HostNetworkFiles {
  std::string hosts;
  std::string resolv_conf;
  /// Where that names systemd-resolved's stub alone, which answers on the host's loopback: the servers behind it.
  std::string resolved_conf = {};
  network::DnsConfig dns = {};  ///< of containers that ask for nothing else
};
HostNetworkFiles read_host_network_files(const network::DnsConfig& dns);

/// What a container asks for, and in place of what it leaves open what the daemon was told.
network::DnsConfig dns_of(const HostConfig& host_config, const network::DnsConfig& defaults);

/// What a container's files tell of its networks.
struct NetworkView {
  struct Link {
    IpAddress address;
    std::string names;
  };

  std::vector<IpAddress> addresses;      ///< its own
  std::vector<Link> links;               ///< other containers, by --link on the default bridge
  std::vector<IpAddress> host_gateways;  ///< what --add-host NAME:host-gateway stands for
  bool has_resolver = false;             ///< it is on a network that has names
  bool has_ipv6 = false;
};

/// As Docker writes them, up to who it says has written them. Source: moby 28, libnetwork/etchosts.
NetworkFiles make_network_files(const Config& config, const HostConfig& host_config, const HostNetworkFiles& host,
                                const NetworkView& view);
std::string resolv_conf_text(const HostConfig& host_config, const HostNetworkFiles& host, const NetworkView& view);

/// The lines of /etc/hosts by which a container finds itself.
std::string own_hosts_lines(const Config& config, const std::vector<IpAddress>& addresses);

/// The lines of `hosts` but those of addresses that are gone, and then more. What the user has written stays.
std::string changed_hosts(const std::string& hosts, const std::vector<IpAddress>& gone, const std::string& more);

}  // namespace berth::containers

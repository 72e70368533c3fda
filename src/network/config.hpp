// The documents about networks as the Engine API has them: members are named as on the wire.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"

namespace berth::network {

using StringMap = std::map<std::string, std::string>;

/// Addresses that the user asks for.
struct EndpointIpam {
  json::OmitEmpty<std::string> IPv4Address, IPv6Address;
  json::OmitEmpty<std::vector<std::string>> LinkLocalIPs;

  friend bool operator==(const EndpointIpam&, const EndpointIpam&) = default;
};
BOOST_DESCRIBE_STRUCT(EndpointIpam, (), (IPv4Address, IPv6Address, LinkLocalIPs))

/// The user's part of an endpoint: `NetworkingConfig.EndpointsConfig` and the body of a connect. Kept with the
/// container; what it was given is an `Endpoint`.
struct EndpointConfig {
  json::Nullable<EndpointIpam> IPAMConfig;
  json::Nullable<std::vector<std::string>> Links, Aliases;
  std::string MacAddress;
  json::Nullable<StringMap> DriverOpts;
  std::int64_t GwPriority = 0;
};
BOOST_DESCRIBE_STRUCT(EndpointConfig, (), (IPAMConfig, Links, Aliases, MacAddress, DriverOpts, GwPriority))

struct IpamSubnet {
  json::OmitEmpty<std::string> Subnet, IPRange, Gateway;
  json::OmitEmpty<StringMap> AuxiliaryAddresses;
};
BOOST_DESCRIBE_STRUCT(IpamSubnet, (), (Subnet, IPRange, Gateway, AuxiliaryAddresses))

struct Ipam {
  std::string Driver = "default";
  json::Nullable<StringMap> Options;
  json::Nullable<std::vector<IpamSubnet>> Config;
};
BOOST_DESCRIBE_STRUCT(Ipam, (), (Driver, Options, Config))

struct ConfigReference {
  std::string Network;
};
BOOST_DESCRIBE_STRUCT(ConfigReference, (), (Network))

/// The body of POST /networks/create.
struct CreateRequest {
  std::string Name;
  std::string Driver;
  std::string Scope;
  std::optional<bool> EnableIPv4, EnableIPv6;
  bool Internal = false, Attachable = false, Ingress = false, ConfigOnly = false;
  std::optional<ConfigReference> ConfigFrom;
  std::optional<Ipam> IPAM;
  StringMap Options, Labels;
};
BOOST_DESCRIBE_STRUCT(CreateRequest, (),
                      (Name, Driver, Scope, EnableIPv4, EnableIPv6, Internal, Attachable, Ingress, ConfigOnly,
                       ConfigFrom, IPAM, Options, Labels))

struct Created {
  std::string Id;
  std::string Warning;
};
BOOST_DESCRIBE_STRUCT(Created, (), (Id, Warning))

/// A container on a network, as an inspect of the network shows it.
struct EndpointResource {
  std::string Name, EndpointID, MacAddress;
  std::string IPv4Address, IPv6Address;  ///< with the length of the prefix
};
BOOST_DESCRIBE_STRUCT(EndpointResource, (), (Name, EndpointID, MacAddress, IPv4Address, IPv6Address))

/// The body of GET /networks/{id}; a list has no Containers in it.
struct Inspect {
  std::string Name, Id, Created, Scope, Driver;
  bool EnableIPv4 = true, EnableIPv6 = false;
  Ipam IPAM;
  bool Internal = false, Attachable = false, Ingress = false;
  ConfigReference ConfigFrom;
  bool ConfigOnly = false;
  std::map<std::string, EndpointResource> Containers;
  StringMap Options, Labels;
};
BOOST_DESCRIBE_STRUCT(Inspect, (),
                      (Name, Id, Created, Scope, Driver, EnableIPv4, EnableIPv6, IPAM, Internal, Attachable, Ingress,
                       ConfigFrom, ConfigOnly, Containers, Options, Labels))

struct PruneReport {
  json::Nullable<std::vector<std::string>> NetworksDeleted;
};
BOOST_DESCRIBE_STRUCT(PruneReport, (), (NetworksDeleted))

}  // namespace berth::network

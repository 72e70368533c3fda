// What the Engine API shows of a container: GET /containers/{id}/json and GET /containers/json.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "containers/config.hpp"
#include "containers/health.hpp"

namespace berth::containers {

struct ShownState {
  std::string Status;
  bool Running = false, Paused = false, Restarting = false, OOMKilled = false, Dead = false;
  std::int64_t Pid = 0, ExitCode = 0;
  std::string Error, StartedAt, FinishedAt;
  std::optional<containers::Health> Health;
};
BOOST_DESCRIBE_STRUCT(ShownState, (),
                      (Status, Running, Paused, Restarting, OOMKilled, Dead, Pid, ExitCode, Error, StartedAt,
                       FinishedAt, Health))

struct MountPoint {
  std::string Type;
  json::OmitEmpty<std::string> Name;
  std::string Source, Destination;
  json::OmitEmpty<std::string> Driver;
  std::string Mode;
  bool RW = true;
  std::string Propagation;
};
BOOST_DESCRIBE_STRUCT(MountPoint, (), (Type, Name, Source, Destination, Driver, Mode, RW, Propagation))

struct EndpointSettings {
  json::Nullable<network::EndpointIpam> IPAMConfig;
  json::Nullable<std::vector<std::string>> Links, Aliases;
  std::string MacAddress;
  json::Nullable<network::StringMap> DriverOpts;
  std::int64_t GwPriority = 0;
  std::string NetworkID, EndpointID, Gateway, IPAddress;
  std::int64_t IPPrefixLen = 0;
  std::string IPv6Gateway, GlobalIPv6Address;
  std::int64_t GlobalIPv6PrefixLen = 0;
  json::Nullable<std::vector<std::string>> DNSNames;
};
BOOST_DESCRIBE_STRUCT(EndpointSettings, (),
                      (IPAMConfig, Links, Aliases, MacAddress, DriverOpts, GwPriority, NetworkID, EndpointID, Gateway,
                       IPAddress, IPPrefixLen, IPv6Gateway, GlobalIPv6Address, GlobalIPv6PrefixLen, DNSNames))

struct NetworkSettings {
  std::string Bridge, SandboxID, SandboxKey;
  json::Object Ports;
  bool HairpinMode = false;
  std::string LinkLocalIPv6Address;
  std::int64_t LinkLocalIPv6PrefixLen = 0;
  json::Value SecondaryIPAddresses, SecondaryIPv6Addresses;
  std::string EndpointID, Gateway, GlobalIPv6Address;
  std::int64_t GlobalIPv6PrefixLen = 0;
  std::string IPAddress;
  std::int64_t IPPrefixLen = 0;
  std::string IPv6Gateway, MacAddress;
  std::map<std::string, EndpointSettings> Networks;
};
BOOST_DESCRIBE_STRUCT(NetworkSettings, (),
                      (Bridge, SandboxID, SandboxKey, Ports, HairpinMode, LinkLocalIPv6Address, LinkLocalIPv6PrefixLen,
                       SecondaryIPAddresses, SecondaryIPv6Addresses, EndpointID, Gateway, GlobalIPv6Address,
                       GlobalIPv6PrefixLen, IPAddress, IPPrefixLen, IPv6Gateway, MacAddress, Networks))

struct GraphDriver {
  std::map<std::string, std::string> Data;
  std::string Name;
};
BOOST_DESCRIBE_STRUCT(GraphDriver, (), (Data, Name))

struct Inspect {
  std::string Id, Created, Path;
  std::vector<std::string> Args;
  ShownState State;
  std::string Image, ResolvConfPath, HostnamePath, HostsPath, LogPath, Name;
  std::int64_t RestartCount = 0;
  std::string Driver, Platform, MountLabel, ProcessLabel, AppArmorProfile;
  json::Nullable<std::vector<std::string>> ExecIDs;
  containers::HostConfig HostConfig;
  containers::GraphDriver GraphDriver;
  std::optional<std::int64_t> SizeRw, SizeRootFs;
  std::vector<MountPoint> Mounts;
  containers::Config Config;
  containers::NetworkSettings NetworkSettings;
};
BOOST_DESCRIBE_STRUCT(Inspect, (),
                      (Id, Created, Path, Args, State, Image, ResolvConfPath, HostnamePath, HostsPath, LogPath, Name,
                       RestartCount, Driver, Platform, MountLabel, ProcessLabel, AppArmorProfile, ExecIDs, HostConfig,
                       GraphDriver, SizeRw, SizeRootFs, Mounts, Config, NetworkSettings))

struct SummaryHostConfig {
  std::string NetworkMode;
  std::optional<std::map<std::string, std::string>> Annotations;
};
BOOST_DESCRIBE_STRUCT(SummaryHostConfig, (), (NetworkMode, Annotations))

struct SummaryNetworkSettings {
  std::map<std::string, EndpointSettings> Networks;
};
BOOST_DESCRIBE_STRUCT(SummaryNetworkSettings, (), (Networks))

struct Summary {
  std::string Id;
  std::vector<std::string> Names;
  std::string Image, ImageID, Command;
  std::int64_t Created = 0;
  std::vector<json::Object> Ports;
  std::optional<std::int64_t> SizeRw, SizeRootFs;
  std::map<std::string, std::string> Labels;
  std::string State, Status;
  SummaryHostConfig HostConfig;
  SummaryNetworkSettings NetworkSettings;
  std::vector<MountPoint> Mounts;
};
BOOST_DESCRIBE_STRUCT(Summary, (),
                      (Id, Names, Image, ImageID, Command, Created, Ports, SizeRw, SizeRootFs, Labels, State, Status,
                       HostConfig, NetworkSettings, Mounts))

}  // namespace berth::containers

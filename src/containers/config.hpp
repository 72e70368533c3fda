// What a client asks of a container, named as on the wire of the Engine API (v1.51: ContainerConfig, HostConfig,
// Resources).
//
// The same structs are kept in the database and shown by `inspect`, so reading and writing them loses nothing.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "containers/port_runs.hpp"
#include "network/config.hpp"

namespace berth::containers {

/// A list of strings that may also come as one string ("Cmd": "ls"); null when absent.
struct StringList : json::Nullable<std::vector<std::string>> {
  using json::Nullable<std::vector<std::string>>::Nullable;
  static StringList from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
};

/// {"80/tcp": {}}: a set, written as an object of empty objects.
using NameSet = std::map<std::string, json::Object>;

struct Healthcheck {
  json::OmitEmpty<std::vector<std::string>> Test;
  std::optional<std::int64_t> Interval, Timeout, StartPeriod, StartInterval;
  std::optional<std::int64_t> Retries;
  json::OmitEmpty<std::string> OnFailure;  ///< Berth's own: none, restart, stop or kill
};
BOOST_DESCRIBE_STRUCT(Healthcheck, (), (Test, Interval, Timeout, StartPeriod, StartInterval, Retries, OnFailure))

struct Config {
  std::string Hostname, Domainname, User;
  bool AttachStdin = false, AttachStdout = false, AttachStderr = false;
  json::OmitEmpty<containers::ExposedPorts> ExposedPorts;
  bool Tty = false, OpenStdin = false, StdinOnce = false;
  std::vector<std::string> Env;
  StringList Cmd;
  std::optional<Healthcheck> Healthcheck_;
  std::optional<bool> ArgsEscaped;
  std::string Image;
  json::Nullable<NameSet> Volumes;
  std::string WorkingDir;
  StringList Entrypoint;
  std::optional<bool> NetworkDisabled;
  json::OmitEmpty<std::string> MacAddress;
  json::Nullable<std::vector<std::string>> OnBuild;
  std::map<std::string, std::string> Labels;
  json::OmitEmpty<std::string> StopSignal;
  std::optional<std::int64_t> StopTimeout;
  json::OmitEmpty<std::vector<std::string>> Shell;
};
BOOST_DESCRIBE_STRUCT(Config, (),
                      (Hostname, Domainname, User, AttachStdin, AttachStdout, AttachStderr, ExposedPorts, Tty,
                       OpenStdin, StdinOnce, Env, Cmd, Healthcheck_, ArgsEscaped, Image, Volumes, WorkingDir,
                       Entrypoint, NetworkDisabled, MacAddress, OnBuild, Labels, StopSignal, StopTimeout, Shell))

struct DeviceMapping {
  std::string PathOnHost, PathInContainer, CgroupPermissions;
};
BOOST_DESCRIBE_STRUCT(DeviceMapping, (), (PathOnHost, PathInContainer, CgroupPermissions))

struct DeviceRequest {
  std::string Driver;
  std::int64_t Count = 0;
  json::Nullable<std::vector<std::string>> DeviceIDs;
  json::Nullable<std::vector<std::vector<std::string>>> Capabilities;
  std::map<std::string, std::string> Options;
};
BOOST_DESCRIBE_STRUCT(DeviceRequest, (), (Driver, Count, DeviceIDs, Capabilities, Options))

struct WeightDevice {
  std::string Path;
  std::uint16_t Weight = 0;
};
BOOST_DESCRIBE_STRUCT(WeightDevice, (), (Path, Weight))

struct ThrottleDevice {
  std::string Path;
  std::uint64_t Rate = 0;
};
BOOST_DESCRIBE_STRUCT(ThrottleDevice, (), (Path, Rate))

struct Ulimit {
  std::string Name;
  std::int64_t Soft = 0, Hard = 0;
};
BOOST_DESCRIBE_STRUCT(Ulimit, (), (Name, Soft, Hard))

struct Resources {
  std::int64_t CpuShares = 0, Memory = 0, NanoCpus = 0;
  std::string CgroupParent;
  std::uint16_t BlkioWeight = 0;
  json::Nullable<std::vector<WeightDevice>> BlkioWeightDevice;
  json::Nullable<std::vector<ThrottleDevice>> BlkioDeviceReadBps, BlkioDeviceWriteBps, BlkioDeviceReadIOps,
      BlkioDeviceWriteIOps;
  std::int64_t CpuPeriod = 0, CpuQuota = 0, CpuRealtimePeriod = 0, CpuRealtimeRuntime = 0;
  std::string CpusetCpus, CpusetMems;
  json::Nullable<std::vector<DeviceMapping>> Devices;
  json::Nullable<std::vector<std::string>> DeviceCgroupRules;
  json::Nullable<std::vector<DeviceRequest>> DeviceRequests;
  std::int64_t MemoryReservation = 0, MemorySwap = 0;
  json::Nullable<std::int64_t> MemorySwappiness;
  json::Nullable<bool> OomKillDisable;
  json::Nullable<std::int64_t> PidsLimit;
  json::Nullable<std::vector<Ulimit>> Ulimits;
  std::int64_t CpuCount = 0, CpuPercent = 0, IOMaximumIOps = 0, IOMaximumBandwidth = 0;
};
BOOST_DESCRIBE_STRUCT(Resources, (),
                      (CpuShares, Memory, NanoCpus, CgroupParent, BlkioWeight, BlkioWeightDevice, BlkioDeviceReadBps,
                       BlkioDeviceWriteBps, BlkioDeviceReadIOps, BlkioDeviceWriteIOps, CpuPeriod, CpuQuota,
                       CpuRealtimePeriod, CpuRealtimeRuntime, CpusetCpus, CpusetMems, Devices, DeviceCgroupRules,
                       DeviceRequests, MemoryReservation, MemorySwap, MemorySwappiness, OomKillDisable, PidsLimit,
                       Ulimits, CpuCount, CpuPercent, IOMaximumIOps, IOMaximumBandwidth))

struct LogConfig {
  std::string Type;
  std::map<std::string, std::string> Config;
};
BOOST_DESCRIBE_STRUCT(LogConfig, (), (Type, Config))

struct RestartPolicy {
  std::string Name;
  std::int64_t MaximumRetryCount = 0;
};
BOOST_DESCRIBE_STRUCT(RestartPolicy, (), (Name, MaximumRetryCount))

struct BindOptions {
  json::OmitEmpty<std::string> Propagation;
  std::optional<bool> NonRecursive, CreateMountpoint, ReadOnlyNonRecursive, ReadOnlyForceRecursive;
};
BOOST_DESCRIBE_STRUCT(BindOptions, (),
                      (Propagation, NonRecursive, CreateMountpoint, ReadOnlyNonRecursive, ReadOnlyForceRecursive))

struct TmpfsOptions {
  std::optional<std::int64_t> SizeBytes;
  std::optional<std::uint32_t> Mode;
  json::OmitEmpty<std::vector<std::vector<std::string>>> Options;
};
BOOST_DESCRIBE_STRUCT(TmpfsOptions, (), (SizeBytes, Mode, Options))

struct Mount {
  std::string Type;
  json::OmitEmpty<std::string> Source;
  std::string Target;
  std::optional<bool> ReadOnly;
  json::OmitEmpty<std::string> Consistency;
  std::optional<BindOptions> BindOptions_;
  std::optional<json::Object> VolumeOptions, ImageOptions;
  std::optional<TmpfsOptions> TmpfsOptions_;
};
BOOST_DESCRIBE_STRUCT(Mount, (),
                      (Type, Source, Target, ReadOnly, Consistency, BindOptions_, VolumeOptions, ImageOptions,
                       TmpfsOptions_))

struct HostConfig : Resources {
  json::Nullable<std::vector<std::string>> Binds;
  std::string ContainerIDFile;
  LogConfig LogConfig_;
  std::string NetworkMode;
  containers::PortBindings PortBindings;
  RestartPolicy RestartPolicy_;
  bool AutoRemove = false;
  std::string VolumeDriver;
  json::Nullable<std::vector<std::string>> VolumesFrom;
  std::vector<std::int64_t> ConsoleSize = {0, 0};
  std::optional<std::map<std::string, std::string>> Annotations;
  StringList CapAdd, CapDrop;
  std::string CgroupnsMode;
  std::vector<std::string> Dns, DnsOptions, DnsSearch;
  json::Nullable<std::vector<std::string>> ExtraHosts, GroupAdd;
  std::string IpcMode, Cgroup;
  json::Nullable<std::vector<std::string>> Links;
  std::int64_t OomScoreAdj = 0;
  std::string PidMode;
  bool Privileged = false, PublishAllPorts = false, ReadonlyRootfs = false;
  json::Nullable<std::vector<std::string>> SecurityOpt;
  std::optional<std::map<std::string, std::string>> StorageOpt, Tmpfs;
  std::string UTSMode, UsernsMode;
  std::int64_t ShmSize = 0;
  std::optional<std::map<std::string, std::string>> Sysctls;
  std::string Runtime, Isolation;
  json::OmitEmpty<std::vector<Mount>> Mounts;
  json::Nullable<std::vector<std::string>> MaskedPaths, ReadonlyPaths;
  std::optional<bool> Init;
};
BOOST_DESCRIBE_STRUCT(HostConfig, (Resources),
                      (Binds, ContainerIDFile, LogConfig_, NetworkMode, PortBindings, RestartPolicy_, AutoRemove,
                       VolumeDriver, VolumesFrom, ConsoleSize, Annotations, CapAdd, CapDrop, CgroupnsMode, Dns,
                       DnsOptions, DnsSearch, ExtraHosts, GroupAdd, IpcMode, Cgroup, Links, OomScoreAdj, PidMode,
                       Privileged, PublishAllPorts, ReadonlyRootfs, SecurityOpt, StorageOpt, Tmpfs, UTSMode, UsernsMode,
                       ShmSize, Sysctls, Runtime, Isolation, Mounts, MaskedPaths, ReadonlyPaths, Init))

/// What a container asks of each of its networks, by the network's name.
using Endpoints = std::map<std::string, network::EndpointConfig>;

struct NetworkingConfig {
  json::Nullable<std::map<std::string, json::Nullable<network::EndpointConfig>>> EndpointsConfig;
};
BOOST_DESCRIBE_STRUCT(NetworkingConfig, (), (EndpointsConfig))

/// The body of POST /containers/create.
struct CreateBody : Config {
  HostConfig HostConfig_;
  NetworkingConfig NetworkingConfig_;
};
BOOST_DESCRIBE_STRUCT(CreateBody, (Config), (HostConfig_, NetworkingConfig_))

/// The body of POST /containers/{id}/update.
struct UpdateRequest : Resources {
  RestartPolicy RestartPolicy_;
};
BOOST_DESCRIBE_STRUCT(UpdateRequest, (Resources), (RestartPolicy_))

}  // namespace berth::containers

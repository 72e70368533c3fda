// What GET /info and GET /version say of the host and of this engine.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "base/json.hpp"

namespace berth::engine {

struct PluginNames {
  std::vector<std::string> Volume, Network;
  json::Value Authorization;
  std::vector<std::string> Log;
};
BOOST_DESCRIBE_STRUCT(PluginNames, (), (Volume, Network, Authorization, Log))

struct RuntimeEntry {
  std::string path;
};
BOOST_DESCRIBE_STRUCT(RuntimeEntry, (), (path))

/// GET /info (Engine API "SystemInfo").
struct SystemInfo {
  std::string ID;
  std::int64_t Containers = 0, ContainersRunning = 0, ContainersPaused = 0, ContainersStopped = 0, Images = 0;
  std::string Driver = "overlay2";
  std::vector<std::vector<std::string>> DriverStatus;
  PluginNames Plugins;
  bool MemoryLimit = true, SwapLimit = true, CpuCfsPeriod = true, CpuCfsQuota = true, CPUShares = true, CPUSet = true,
       PidsLimit = true, IPv4Forwarding = true, Debug = false;
  std::int64_t NFd = 0;
  bool OomKillDisable = false;
  std::int64_t NGoroutines = 0;  ///< our threads: there are no goroutines
  std::string SystemTime, LoggingDriver = "json-file", CgroupDriver = "cgroupfs", CgroupVersion;
  std::int64_t NEventsListener = 0;
  std::string KernelVersion, OperatingSystem, OSVersion, OSType = "linux", Architecture,
                                                         IndexServerAddress = "https://index.docker.io/v1/";
  json::Object RegistryConfig;
  std::int64_t NCPU = 0, MemTotal = 0;
  json::Value GenericResources;
  std::string DockerRootDir, HttpProxy, HttpsProxy, NoProxy, Name;
  std::vector<std::string> Labels;
  bool ExperimentalBuild = false;
  std::string ServerVersion;
  std::map<std::string, RuntimeEntry> Runtimes;
  std::string DefaultRuntime = "berth";
  json::Object Swarm;
  bool LiveRestoreEnabled = true;
  std::string Isolation, InitBinary = "docker-init";
  std::map<std::string, std::string> ContainerdCommit, RuncCommit, InitCommit;
  std::vector<std::string> SecurityOptions;
  std::string ProductLicense = "Apache-2.0";
  std::vector<std::string> Warnings;
};
BOOST_DESCRIBE_STRUCT(SystemInfo, (),
                      (ID, Containers, ContainersRunning, ContainersPaused, ContainersStopped, Images, Driver,
                       DriverStatus, Plugins, MemoryLimit, SwapLimit, CpuCfsPeriod, CpuCfsQuota, CPUShares, CPUSet,
                       PidsLimit, IPv4Forwarding, Debug, NFd, NGoroutines, SystemTime, LoggingDriver, CgroupDriver,
                       CgroupVersion, NEventsListener, KernelVersion, OperatingSystem, OSVersion, OSType, Architecture,
                       IndexServerAddress, RegistryConfig, NCPU, MemTotal, GenericResources, DockerRootDir, HttpProxy,
                       Name, Labels, ExperimentalBuild, ServerVersion, Runtimes, DefaultRuntime, Swarm,
                       LiveRestoreEnabled, Isolation, InitBinary, SecurityOptions, Warnings))

/// Everything that the host alone knows; the engine adds its counts and settings.
SystemInfo host_info(const fs::path& data_root);

/// GET /version.
json::Object version_info();

}  // namespace berth::engine

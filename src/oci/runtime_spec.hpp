// config.json of an OCI bundle, runtime-spec 1.2: the data model, members named as on the wire.
//
// Reading ignores members that are not listed here; writing leaves out what is absent or empty, so that what is written
// is a valid config.json. Meaning and defaults are the specification's (config.md, config-linux.md): nothing is checked
// here.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "base/json.hpp"

namespace berth::oci::runtime {

using OptionalText = json::OmitEmpty<std::string>;
using Texts = json::OmitEmpty<std::vector<std::string>>;
using TextMap = json::OmitEmpty<std::map<std::string, std::string>>;
template <class T>
using List = json::OmitEmpty<std::vector<T>>;

struct Box {
  std::uint32_t height = 0;
  std::uint32_t width = 0;
};
BOOST_DESCRIBE_STRUCT(Box, (), (height, width))

struct User {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::optional<std::uint32_t> umask;
  List<std::uint32_t> additionalGids;
};
BOOST_DESCRIBE_STRUCT(User, (), (uid, gid, umask, additionalGids))

struct Capabilities {
  Texts bounding;
  Texts effective;
  Texts inheritable;
  Texts permitted;
  Texts ambient;
};
BOOST_DESCRIBE_STRUCT(Capabilities, (), (bounding, effective, inheritable, permitted, ambient))

struct Rlimit {
  std::string type;  ///< "RLIMIT_NOFILE"
  std::uint64_t hard = 0;
  std::uint64_t soft = 0;
};
BOOST_DESCRIBE_STRUCT(Rlimit, (), (type, hard, soft))

struct Process {
  bool terminal = false;
  std::optional<Box> consoleSize;
  User user;
  std::vector<std::string> args;
  Texts env;
  std::string cwd = "/";
  std::optional<Capabilities> capabilities;
  List<Rlimit> rlimits;
  bool noNewPrivileges = false;
  OptionalText apparmorProfile;
  OptionalText selinuxLabel;
  std::optional<int> oomScoreAdj;
};
BOOST_DESCRIBE_STRUCT(Process, (),
                      (terminal, consoleSize, user, args, env, cwd, capabilities, rlimits, noNewPrivileges,
                       apparmorProfile, selinuxLabel, oomScoreAdj))

struct Root {
  std::string path;  ///< absolute, or relative to the bundle
  bool readonly = false;
};
BOOST_DESCRIBE_STRUCT(Root, (), (path, readonly))

struct IdMapping {
  std::uint32_t containerID = 0;
  std::uint32_t hostID = 0;
  std::uint32_t size = 0;
};
BOOST_DESCRIBE_STRUCT(IdMapping, (), (containerID, hostID, size))

struct Mount {
  std::string destination;
  OptionalText type;
  OptionalText source;
  Texts options;
  List<IdMapping> uidMappings;
  List<IdMapping> gidMappings;
};
BOOST_DESCRIBE_STRUCT(Mount, (), (destination, type, source, options, uidMappings, gidMappings))

struct Hook {
  std::string path;
  Texts args;
  Texts env;
  std::optional<int> timeout;  ///< seconds
};
BOOST_DESCRIBE_STRUCT(Hook, (), (path, args, env, timeout))

struct Hooks {
  List<Hook> prestart;
  List<Hook> createRuntime;
  List<Hook> createContainer;
  List<Hook> startContainer;
  List<Hook> poststart;
  List<Hook> poststop;
};
BOOST_DESCRIBE_STRUCT(Hooks, (), (prestart, createRuntime, createContainer, startContainer, poststart, poststop))

struct Namespace {
  std::string type;   ///< pid, network, mount, ipc, uts, user, cgroup, time
  OptionalText path;  ///< join this one; empty: make a new one
};
BOOST_DESCRIBE_STRUCT(Namespace, (), (type, path))

struct Device {
  std::string path;
  std::string type;  ///< c, b, u or p
  std::int64_t major = 0;
  std::int64_t minor = 0;
  std::optional<std::uint32_t> fileMode;
  std::optional<std::uint32_t> uid;
  std::optional<std::uint32_t> gid;
};
BOOST_DESCRIBE_STRUCT(Device, (), (path, type, major, minor, fileMode, uid, gid))

/// One line of the devices cgroup's list; an absent number stands for all.
struct DeviceRule {
  bool allow = false;
  OptionalText type;  ///< a, c or b; empty: a
  std::optional<std::int64_t> major;
  std::optional<std::int64_t> minor;
  OptionalText access;  ///< of r, w, m; empty: all
};
BOOST_DESCRIBE_STRUCT(DeviceRule, (), (allow, type, major, minor, access))

/// Limits in bytes; -1 is unlimited.
struct Memory {
  std::optional<std::int64_t> limit;
  std::optional<std::int64_t> reservation;
  std::optional<std::int64_t> swap;  ///< memory and swap together
  std::optional<std::int64_t> kernel;
  std::optional<std::int64_t> kernelTCP;
  std::optional<std::uint64_t> swappiness;
  std::optional<bool> disableOOMKiller;
  std::optional<bool> useHierarchy;
  std::optional<bool> checkBeforeUpdate;
};
BOOST_DESCRIBE_STRUCT(Memory, (),
                      (limit, reservation, swap, kernel, kernelTCP, swappiness, disableOOMKiller, useHierarchy,
                       checkBeforeUpdate))

struct Cpu {
  std::optional<std::uint64_t> shares;
  std::optional<std::int64_t> quota;  ///< microseconds per period; -1 is unlimited
  std::optional<std::uint64_t> burst;
  std::optional<std::uint64_t> period;
  std::optional<std::int64_t> realtimeRuntime;
  std::optional<std::uint64_t> realtimePeriod;
  OptionalText cpus;
  OptionalText mems;
  std::optional<std::int64_t> idle;
};
BOOST_DESCRIBE_STRUCT(Cpu, (), (shares, quota, burst, period, realtimeRuntime, realtimePeriod, cpus, mems, idle))

struct Pids {
  std::int64_t limit = 0;  ///< -1 is unlimited; 0 too, as runc takes it
};
BOOST_DESCRIBE_STRUCT(Pids, (), (limit))

struct WeightDevice {
  std::int64_t major = 0;
  std::int64_t minor = 0;
  std::optional<std::uint16_t> weight;
  std::optional<std::uint16_t> leafWeight;
};
BOOST_DESCRIBE_STRUCT(WeightDevice, (), (major, minor, weight, leafWeight))

struct ThrottleDevice {
  std::int64_t major = 0;
  std::int64_t minor = 0;
  std::uint64_t rate = 0;
};
BOOST_DESCRIBE_STRUCT(ThrottleDevice, (), (major, minor, rate))

struct BlockIo {
  std::optional<std::uint16_t> weight;
  std::optional<std::uint16_t> leafWeight;
  List<WeightDevice> weightDevice;
  List<ThrottleDevice> throttleReadBpsDevice;
  List<ThrottleDevice> throttleWriteBpsDevice;
  List<ThrottleDevice> throttleReadIOPSDevice;
  List<ThrottleDevice> throttleWriteIOPSDevice;
};
BOOST_DESCRIBE_STRUCT(BlockIo, (),
                      (weight, leafWeight, weightDevice, throttleReadBpsDevice, throttleWriteBpsDevice,
                       throttleReadIOPSDevice, throttleWriteIOPSDevice))

struct HugepageLimit {
  std::string pageSize;  ///< "2MB"
  std::uint64_t limit = 0;
};
BOOST_DESCRIBE_STRUCT(HugepageLimit, (), (pageSize, limit))

struct InterfacePriority {
  std::string name;
  std::uint32_t priority = 0;
};
BOOST_DESCRIBE_STRUCT(InterfacePriority, (), (name, priority))

struct NetworkResources {
  std::optional<std::uint32_t> classID;
  List<InterfacePriority> priorities;
};
BOOST_DESCRIBE_STRUCT(NetworkResources, (), (classID, priorities))

struct Resources {
  List<DeviceRule> devices;
  std::optional<Memory> memory;
  std::optional<Cpu> cpu;
  std::optional<Pids> pids;
  std::optional<BlockIo> blockIO;
  List<HugepageLimit> hugepageLimits;
  std::optional<NetworkResources> network;
  TextMap unified;  ///< cgroup v2: file name -> what is written to it
};
BOOST_DESCRIBE_STRUCT(Resources, (), (devices, memory, cpu, pids, blockIO, hugepageLimits, network, unified))

struct SeccompArg {
  std::uint32_t index = 0;
  std::uint64_t value = 0;
  std::optional<std::uint64_t> valueTwo;
  std::string op;  ///< "SCMP_CMP_EQ"
};
BOOST_DESCRIBE_STRUCT(SeccompArg, (), (index, value, valueTwo, op))

struct SeccompRule {
  std::vector<std::string> names;
  std::string action;  ///< "SCMP_ACT_ALLOW"
  std::optional<std::uint32_t> errnoRet;
  List<SeccompArg> args;
};
BOOST_DESCRIBE_STRUCT(SeccompRule, (), (names, action, errnoRet, args))

struct Seccomp {
  std::string defaultAction;
  std::optional<std::uint32_t> defaultErrnoRet;
  Texts architectures;  ///< "SCMP_ARCH_X86_64"
  Texts flags;          ///< "SECCOMP_FILTER_FLAG_LOG"
  OptionalText listenerPath;
  OptionalText listenerMetadata;
  List<SeccompRule> syscalls;
};
BOOST_DESCRIBE_STRUCT(Seccomp, (),
                      (defaultAction, defaultErrnoRet, architectures, flags, listenerPath, listenerMetadata, syscalls))

struct Personality {
  std::string domain;  ///< LINUX or LINUX32
  Texts flags;
};
BOOST_DESCRIBE_STRUCT(Personality, (), (domain, flags))

struct TimeOffset {
  std::int64_t secs = 0;
  std::uint32_t nanosecs = 0;
};
BOOST_DESCRIBE_STRUCT(TimeOffset, (), (secs, nanosecs))

struct Linux {
  List<IdMapping> uidMappings;
  List<IdMapping> gidMappings;
  TextMap sysctl;
  std::optional<Resources> resources;
  OptionalText cgroupsPath;
  List<Namespace> namespaces;
  List<Device> devices;
  std::optional<Seccomp> seccomp;
  OptionalText rootfsPropagation;  ///< shared, slave, private, unbindable
  Texts maskedPaths;
  Texts readonlyPaths;
  OptionalText mountLabel;
  std::optional<Personality> personality;
  json::OmitEmpty<std::map<std::string, TimeOffset>> timeOffsets;
};
BOOST_DESCRIBE_STRUCT(Linux, (),
                      (uidMappings, gidMappings, sysctl, resources, cgroupsPath, namespaces, devices, seccomp,
                       rootfsPropagation, maskedPaths, readonlyPaths, mountLabel, personality, timeOffsets))

struct Spec {
  std::string ociVersion = "1.2.0";
  std::optional<Process> process;
  std::optional<Root> root;
  OptionalText hostname;
  OptionalText domainname;
  List<Mount> mounts;
  std::optional<Hooks> hooks;
  TextMap annotations;
  std::optional<Linux> linux;
};
BOOST_DESCRIBE_STRUCT(Spec, (), (ociVersion, process, root, hostname, domainname, mounts, hooks, annotations, linux))

/// config.json of a bundle. Throws `not_found` without the file, `invalid` if it is not a runtime configuration.
Spec read_spec(const fs::path& path);

}  // namespace berth::oci::runtime

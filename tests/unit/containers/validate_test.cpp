// What is refused at creation, and in which words: scripts match them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "base/error.hpp"
#include "containers/spec.hpp"

namespace berth::containers {
namespace {

HostFacts plain_facts() {
  HostFacts facts;
  facts.cpus = 2;
  facts.cpu_list = "0-1";
  facts.capabilities = {"CAP_CHOWN", "CAP_NET_ADMIN"};
  return facts;
}

using Change = std::function<void(Config&, HostConfig&)>;

/// "<status> <message>" of the refusal.
std::string refusal(const Change& change) {
  Config config;
  HostConfig host;
  change(config, host);
  try {
    validate(config, host, plain_facts());
    return "accepted";
  } catch (const Error& error) {
    return fmt::format("{} {}", http_status(error.kind()), error.message());
  }
}

std::string refusal_of_host(const std::function<void(HostConfig&)>& change) {
  return refusal([&](Config&, HostConfig& host) { change(host); });
}

TEST(Validate, AnEmptyRequestIsFine) {
  EXPECT_THAT(validate(Config{}, HostConfig{}, plain_facts()), testing::IsEmpty());
}

TEST(Validate, Memory) {
  EXPECT_EQ(refusal_of_host([](auto& h) { h.Memory = 1 << 20; }), "400 Minimum memory limit allowed is 6MB");
  EXPECT_EQ(refusal_of_host([](auto& h) { h.Memory = 64 << 20, h.MemorySwap = 32 << 20; }),
            "400 Minimum memoryswap limit should be larger than memory limit, see usage");
  EXPECT_EQ(refusal_of_host([](auto& h) { h.MemorySwap = 32 << 20; }),
            "400 You should always set the Memory limit when using Memoryswap limit, see usage");
  EXPECT_EQ(refusal_of_host([](auto& h) { h.Memory = 8 << 20, h.MemoryReservation = 9 << 20; }),
            "400 Minimum memory limit can not be less than memory reservation limit, see usage");
  EXPECT_EQ(refusal_of_host([](auto& h) { h.MemorySwappiness = 101; }),
            "400 Invalid value: 101, valid memory swappiness range is 0-100");
}

TEST(Validate, Cpus) {
  EXPECT_EQ(refusal_of_host([](auto& h) { h.NanoCpus = 1, h.CpuQuota = 5000; }),
            "400 Conflicting options: Nano CPUs and CPU Quota cannot both be set");
  EXPECT_EQ(refusal_of_host([](auto& h) { h.NanoCpus = 3'000'000'000; }),
            "400 Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available");
  EXPECT_EQ(refusal_of_host([](auto& h) { h.CpuQuota = 5; }), "400 CPU cfs quota can not be less than 1ms (i.e. 1000)");
  EXPECT_EQ(refusal_of_host([](auto& h) { h.CpusetCpus = "1-5"; }),
            "400 Requested CPUs are not available - requested 1-5, available: 0-1");
  EXPECT_EQ(refusal_of_host([](auto& h) { h.CpusetCpus = "x"; }), "400 Invalid value x for cpuset cpus");
  EXPECT_EQ(refusal_of_host([](auto& h) { h.CpusetMems = "7"; }),
            "400 Requested memory nodes are not available - requested 7, available: 0");
}

TEST(Validate, OtherLimits) {
  EXPECT_EQ(refusal_of_host([](auto& h) { h.BlkioWeight = 5; }), "400 Range of blkio weight is from 10 to 1000");
  EXPECT_EQ(refusal_of_host([](auto& h) { h.ShmSize = -1; }), "400 SHM size can not be less than 0");
  EXPECT_EQ(refusal_of_host([](auto& h) { h.OomScoreAdj = 1001; }),
            "400 Invalid value 1001, range for oom score adj is [-1000, 1000]");
  EXPECT_EQ(refusal_of_host([](auto& h) { h.Ulimits = {{{"coffee", 1, 1}}}; }), "400 invalid ulimit type: coffee");
  EXPECT_EQ(refusal_of_host([](auto& h) {
              h.Ulimits = {{{"nofile", 9, 1}}};
            }),
            "400 ulimit soft limit must be less than or equal to hard limit: 9 > 1");
  EXPECT_EQ(refusal_of_host([](auto& h) { h.DeviceCgroupRules = {{"c 1 rwm"}}; }),
            "400 invalid device cgroup rule format: 'c 1 rwm'");
}

TEST(Validate, Names) {
  EXPECT_EQ(refusal([](auto& c, auto& h) { c.Hostname = "a", h.NetworkMode = "container:b"; }),
            "400 conflicting options: hostname and the network mode");
  EXPECT_EQ(refusal([](auto& c, auto& h) { c.Hostname = "a", h.UTSMode = "host"; }),
            "400 conflicting options: hostname and the UTS mode");
  EXPECT_EQ(refusal([](auto& c, auto&) { c.Hostname = "a\n1.2.3.4 b"; }), "400 invalid hostname: \"a\\n1.2.3.4 b\"");
  EXPECT_EQ(refusal([](auto& c, auto&) { c.WorkingDir = "tmp"; }),
            "400 the working directory 'tmp' is invalid, it needs to be an absolute path");
  EXPECT_EQ(refusal([](auto& c, auto&) { c.Env = {"=x"}; }), "400 invalid environment variable: =x");
  EXPECT_EQ(refusal_of_host([](auto& h) { h.ExtraHosts = {{"nowhere"}}; }), "400 bad format for add-host: \"nowhere\"");
  EXPECT_EQ(refusal_of_host([](auto& h) { h.ExtraHosts = {{"a:b"}}; }), "400 invalid IP address in add-host: \"b\"");
}

TEST(Validate, Modes) {
  EXPECT_EQ(refusal_of_host([](auto& h) { h.IpcMode = "odd"; }), "400 invalid IPC mode: odd");
  EXPECT_EQ(refusal_of_host([](auto& h) { h.PidMode = "odd"; }), "400 invalid PID mode: odd");
  EXPECT_EQ(refusal_of_host([](auto& h) { h.CgroupnsMode = "odd"; }), "400 invalid cgroup namespace mode: odd");
  EXPECT_EQ(refusal_of_host([](auto& h) { h.Isolation = "hyperv"; }),
            "400 invalid isolation: \"hyperv\" - linux only supports 'default'");
  EXPECT_EQ(refusal_of_host([](auto& h) { h.Runtime = "kata"; }), "400 unknown or invalid runtime name: kata");
}

TEST(Validate, RestartPolicies) {
  EXPECT_EQ(refusal_of_host([](auto& h) { h.AutoRemove = true, h.RestartPolicy_.Name = "always"; }),
            "400 can't create 'AutoRemove' container with restart policy");
  EXPECT_THAT(refusal_of_host([](auto& h) { h.RestartPolicy_.Name = "sometimes"; }),
              testing::StartsWith("400 invalid restart policy: unknown policy 'sometimes'"));
  EXPECT_EQ(refusal_of_host([](auto& h) {
              h.RestartPolicy_ = {"no", 3};
            }),
            "400 invalid restart policy: maximum retry count can only be used with 'on-failure'");
}

TEST(Validate, Security) {
  EXPECT_EQ(refusal_of_host([](auto& h) { h.CapAdd = StringList{{"FLY"}}; }),
            "400 invalid CapAdd: unknown capability: \"FLY\"");
  EXPECT_EQ(refusal_of_host([](auto& h) { h.CapDrop = StringList{{"FLY"}}; }),
            "400 invalid CapDrop: unknown capability: \"FLY\"");
  EXPECT_EQ(refusal_of_host([](auto& h) { h.CapAdd = StringList{{"SYS_ADMIN"}}; }),
            "400 invalid CapAdd: capability not supported by your kernel or not available in the current environment: "
            "\"SYS_ADMIN\"");
  EXPECT_EQ(refusal_of_host([](auto& h) { h.SecurityOpt = {{"odd"}}; }), "400 invalid --security-opt 1: \"odd\"");
  EXPECT_EQ(refusal_of_host([](auto& h) { h.SecurityOpt = {{"a=b"}}; }), "400 invalid --security-opt 2: \"a=b\"");
  EXPECT_EQ(refusal_of_host([](auto& h) { h.SecurityOpt = {{"no-new-privileges=perhaps"}}; }),
            "400 invalid --security-opt 2: \"no-new-privileges=perhaps\"");
  EXPECT_THAT(refusal_of_host([](auto& h) { h.SecurityOpt = {{"apparmor=mine"}}; }), testing::StartsWith("501 "));
}

TEST(Validate, CVE_2022_0811_SysctlsOfTheHostAreRefused) {
  auto sysctl = [](const char* name) { return refusal_of_host([&](auto& h) { h.Sysctls = {{{name, "1"}}}; }); };
  EXPECT_EQ(sysctl("kernel.core_pattern"), "400 sysctl \"kernel.core_pattern\" is not in a separate kernel namespace");
  EXPECT_EQ(sysctl("kernel.shm_rmid_forced+kernel.core_pattern"),
            "400 sysctl \"kernel.shm_rmid_forced+kernel.core_pattern\" is not in a separate kernel namespace");
  EXPECT_EQ(sysctl("net.ipv4.ip_forward"), "accepted");
  EXPECT_EQ(sysctl("net/ipv4/ip_forward"), "accepted");
  EXPECT_EQ(refusal_of_host([](auto& h) {
              h.NetworkMode = "host", h.Sysctls = {{{"net.ipv4.ip_forward", "1"}}};
            }),
            "400 sysctl \"net.ipv4.ip_forward\" not allowed in host network namespace");
}

TEST(Validate, Mounts) {
  auto bind = [](const char* text) { return refusal_of_host([&](auto& h) { h.Binds = {{text}}; }); };
  EXPECT_EQ(bind("/a:/b:ro:z"), "400 invalid volume specification: '/a:/b:ro:z'");
  EXPECT_EQ(bind("/a:ro"), "400 invalid volume specification: '/a:ro'");
  EXPECT_EQ(bind("/a:/b:rw,ro"), "400 invalid mode: rw,ro");
  EXPECT_EQ(bind("/a:/"), "400 invalid volume specification: '/a:/': invalid specification: destination can't be '/'");
  EXPECT_EQ(bind("/a:b"),
            "400 invalid volume specification: '/a:b': invalid mount path: 'b' mount path must be absolute");
  EXPECT_THAT(bind("data:/data"), testing::StartsWith("501 volumes are not there yet: \"data:/data\""));
  auto mount = [](Mount m) { return refusal_of_host([&](auto& h) { h.Mounts = std::vector{std::move(m)}; }); };
  EXPECT_EQ(mount({.Type = "bind", .Source = std::string{"/no/such"}, .Target = "/x"}),
            "400 invalid mount config for type \"bind\": bind source path does not exist: /no/such");
  EXPECT_EQ(mount({.Type = "bind", .Target = "/x"}),
            "400 invalid mount config for type \"bind\": field Source must not be empty");
  EXPECT_EQ(mount({.Type = "odd", .Target = "/x"}), "400 invalid mount config for type \"odd\": mount type unknown");
  EXPECT_THAT(mount({.Type = "volume", .Target = "/x"}), testing::StartsWith("501 volumes are not there yet"));
  EXPECT_EQ(refusal_of_host([](auto& h) { h.Tmpfs = {{{"/x", "suize=1"}}}; }), "400 invalid tmpfs option \"suize=1\"");
  EXPECT_EQ(refusal_of_host([](auto& h) {
              h.Tmpfs = {{{"/x", ""}}}, h.Binds = {{"/tmp:/x"}};
            }),
            "400 Duplicate mount point: /x");
}

TEST(Validate, VolumesWithoutANameAreNotThereYetButTargetsOfBindsMayBeListed) {
  EXPECT_EQ(refusal([](auto& c, auto&) {
              c.Volumes = {{{"/data", {}}}};
            }),
            "501 volumes are not there yet: \"/data\" asks for one");
  EXPECT_EQ(refusal([](auto& c, auto& h) { c.Volumes = {{{"/data", {}}}}, h.Binds = {{"/tmp:/data"}}; }), "accepted");
}

TEST(Validate, WhatIsNotThereYetIsSaidPlainly) {
  EXPECT_THAT(refusal_of_host([](auto& h) { h.PidMode = "container:x"; }), testing::StartsWith("501 sharing the PID"));
  EXPECT_THAT(refusal_of_host([](auto& h) { h.LogConfig_.Type = "gelf"; }),
              testing::StartsWith("501 log driver \"gelf\""));
  EXPECT_EQ(refusal_of_host([](auto& h) { h.LogConfig_.Type = "odd"; }),
            "400 logger: no log driver named 'odd' is registered");
  EXPECT_EQ(refusal_of_host([](auto& h) { h.LogConfig_.Config["odd"] = "1"; }),
            "400 unknown log opt 'odd' for json-file log driver");
}

TEST(Validate, WhatTheHostCannotDoIsAWarning) {
  auto facts = plain_facts();
  facts.has_swap_limit = facts.has_pids_limit = false;
  HostConfig host;
  host.Memory = 64 << 20;
  host.PidsLimit = 5;
  EXPECT_EQ(validate(Config{}, host, facts).size(), 2U);
  HostConfig published;
  published.NetworkMode = "host";
  published.PortBindings = PortBindings{std::vector{PortRun{.first = "80/tcp"}}};
  EXPECT_THAT(validate(Config{}, published, facts),
              testing::ElementsAre("Published ports are discarded when using host network mode"));
}

}  // namespace
}  // namespace berth::containers

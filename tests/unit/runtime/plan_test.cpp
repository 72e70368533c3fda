#include "runtime/plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sched.h>

#include "base/error.hpp"

namespace berth::runtime {
namespace {

using testing::Contains;
using testing::ElementsAre;

CreateRequest request_of(const std::string& config) {
  CreateRequest request;
  request.id = "c1";
  request.bundle = "/bundle";
  request.spec = json::parse<oci::runtime::Spec>(config);
  return request;
}

constexpr const char* minimal =
    R"({"process":{"args":["sh"],"cwd":"/"},"root":{"path":"rootfs"},"linux":{"namespaces":[{"type":"mount"},{"type":"pid"}]}})";

std::string refusal(const std::string& config) {
  try {
    make_plan(request_of(config), false);
  } catch (const Error& error) {
    return error.message();
  }
  return "accepted";
}

std::string with_linux(const std::string& members) {
  return R"({"process":{"args":["sh"],"cwd":"/"},"root":{"path":"rootfs"},"linux":{"namespaces":[{"type":"mount"},{"type":"ipc"},
            {"type":"network"},{"type":"uts"}],)" +
         members + "}}";
}

TEST(Plan, PathsAreOfTheBundle) {
  const auto plan = make_plan(request_of(minimal), false);
  EXPECT_EQ(plan.root, "/bundle/rootfs");
  EXPECT_EQ(plan.cgroup, "/berth/c1");
  EXPECT_EQ(plan.namespaces.made, static_cast<std::uint64_t>(CLONE_NEWNS | CLONE_NEWPID));
}

TEST(Plan, ACgroupPathCannotLeaveTheHierarchy) {
  EXPECT_EQ(make_plan(request_of(with_linux(R"("cgroupsPath":"../../a")")), false).cgroup, "/a");
  EXPECT_EQ(make_plan(request_of(with_linux(R"("cgroupsPath":"/a/b")")), false).cgroup, "/a/b");
  EXPECT_EQ(refusal(with_linux(R"("cgroupsPath":"/..")")), "cgroup path \"/..\" is the root");
}

TEST(Plan, NamespacesAreCheckedAndListedOnce) {
  const auto config = [](const std::string& namespaces) {
    return R"({"process":{"args":["sh"]},"root":{"path":"r"},"linux":{"namespaces":[)" + namespaces + "]}}";
  };
  EXPECT_EQ(refusal(config(R"({"type":"mount"},{"type":"pid"},{"type":"pid"})")), "namespace \"pid\" is listed twice");
  EXPECT_EQ(refusal(config(R"({"type":"mount"},{"type":"moon"})")), "unknown namespace \"moon\"");
  EXPECT_EQ(refusal(config(R"({"type":"pid"})")), "a container without a mount namespace of its own");
  const auto plan =
      make_plan(request_of(config(R"({"type":"mount"},{"type":"network","path":"/proc/1/ns/net"})")), false);
  EXPECT_FALSE(plan.namespaces.makes(CLONE_NEWNET));
  EXPECT_TRUE(plan.namespaces.has_own(CLONE_NEWNET));
}

TEST(Plan, MembersThatAreMissingAreNamed) {
  EXPECT_EQ(refusal(R"({"root":{"path":"r"},"linux":{}})"), "the configuration has no process");
  EXPECT_EQ(refusal(R"({"process":{"args":["sh"]},"linux":{}})"), "the configuration has no root");
  EXPECT_EQ(refusal(R"({"process":{"args":[]},"root":{"path":"r"},"linux":{}})"), "no command specified");
}

// CVE-2022-0811, CVE-2022-0492: sysctls of the host, and paths that are none.
TEST(Plan, OnlySysctlsOfTheContainersOwnNamespacesAreTaken) {
  const auto sysctl = [](const std::string& name) {
    return refusal(with_linux("\"sysctl\":{\"" + name + "\":\"1\"}"));
  };
  EXPECT_EQ(sysctl("net.ipv4.ip_forward"), "accepted");
  EXPECT_EQ(sysctl("kernel.shmmax"), "accepted");
  EXPECT_EQ(sysctl("fs.mqueue.msg_max"), "accepted");
  EXPECT_EQ(sysctl("kernel.core_pattern"), "sysctl \"kernel.core_pattern\" is not in a separate kernel namespace");
  EXPECT_EQ(sysctl("kernel.shm_rmid_forced+kernel.core_pattern"),
            "malformed sysctl \"kernel.shm_rmid_forced+kernel.core_pattern\"");
  EXPECT_EQ(sysctl("net/../kernel/core_pattern"), "malformed sysctl \"net/../kernel/core_pattern\"");
  EXPECT_EQ(sysctl("vm.overcommit_memory"), "sysctl \"vm.overcommit_memory\" is not in a separate kernel namespace");
}

TEST(Plan, SysctlsNeedTheNamespaceTheyBelongTo) {
  NamespacePlan only_uts{.made = CLONE_NEWUTS, .joined = {}};
  EXPECT_THROW(sysctl_path("net.ipv4.ip_forward", only_uts), Error);
  EXPECT_EQ(sysctl_path("kernel.domainname", only_uts), "kernel/domainname");
}

TEST(Plan, ASlashFirstSeparatesAndDotsAreParts) {
  NamespacePlan network{.made = CLONE_NEWNET, .joined = {}};
  EXPECT_EQ(sysctl_path("net/ipv4/conf/eth0.1/forwarding", network), "net/ipv4/conf/eth0.1/forwarding");
  EXPECT_EQ(sysctl_path("net.ipv4.conf.eth0/1.forwarding", network), "net/ipv4/conf/eth0.1/forwarding");
}

TEST(Plan, UnknownNamesAreRefused) {
  EXPECT_EQ(
      refusal(R"({"process":{"args":["sh"],"capabilities":{"bounding":["CAP_X"]}},"root":{"path":"r"},"linux":{}})"),
      "unknown capability \"CAP_X\"");
  EXPECT_EQ(
      refusal(
          R"({"process":{"args":["sh"],"rlimits":[{"type":"RLIMIT_X","hard":1,"soft":1}]},"root":{"path":"r"},"linux":{}})"),
      "unknown resource limit \"RLIMIT_X\"");
}

TEST(Resources, VersionTwoCountsSwapApart) {
  const auto resources =
      json::parse<oci::runtime::Resources>(R"({"memory":{"limit":1000,"swap":3000},"cpu":{"shares":1024,
      "quota":50000,"period":100000},"pids":{"limit":-1}})");
  const auto plan = plan_resources(resources, true);
  EXPECT_THAT(plan.writes, Contains(ControlWrite{"memory", "memory.swap.max", "2000", true}));
  EXPECT_THAT(plan.writes, Contains(ControlWrite{"memory", "memory.max", "1000"}));
  EXPECT_THAT(plan.writes, Contains(ControlWrite{"cpu", "cpu.weight", "39"}));
  EXPECT_THAT(plan.writes, Contains(ControlWrite{"cpu", "cpu.max", "50000 100000"}));
  EXPECT_THAT(plan.writes, Contains(ControlWrite{"pids", "pids.max", "max"}));
}

TEST(Resources, VersionOneSetsTheLimitBeforeThatOfMemoryAndSwap) {
  const auto resources =
      json::parse<oci::runtime::Resources>(R"({"memory":{"limit":1000,"swap":3000},"cpu":{"cpus":"0-1"},
      "devices":[{"allow":true,"access":"rwm"}]})");
  EXPECT_THAT(plan_resources(resources, false).writes,
              ElementsAre(ControlWrite{"memory", "memory.limit_in_bytes", "1000"},
                          ControlWrite{"memory", "memory.memsw.limit_in_bytes", "3000", true},
                          ControlWrite{"cpuset", "cpuset.cpus", "0-1"}));
}

TEST(Resources, WithoutARuleForAllDevicesOnlyTheDefaultOnesAreAllowed) {
  const auto writes = plan_resources({}, false).writes;
  ASSERT_FALSE(writes.empty());
  EXPECT_EQ(writes.front(), (ControlWrite{"devices", "devices.deny", "a"}));
  EXPECT_THAT(writes, Contains(ControlWrite{"devices", "devices.allow", "c 1:3 rwm"}));
}

TEST(Resources, ALaterRuleForAllMakesTheEarlierVoid) {
  const auto resources = json::parse<oci::runtime::Resources>(
      R"({"devices":[{"allow":false,"access":"rwm"},{"allow":true,"type":"c","major":1,"minor":3,"access":"rwm"},{"allow":true,"access":"rwm"}]})");
  EXPECT_TRUE(plan_device_rules(resources.devices).empty());
}

TEST(Resources, UnifiedNamesAreFilesOfTheCgroup) {
  const auto resources = json::parse<oci::runtime::Resources>(R"({"unified":{"../../memory.max":"1"}})");
  EXPECT_THROW(plan_resources(resources, true), Error);
}

}  // namespace
}  // namespace berth::runtime

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/seccomp.h>

#include <cerrno>

#include "base/error.hpp"
#include "seccomp/profile.hpp"

namespace berth::seccomp {
namespace {

constexpr Host host{Abi::x86_64, 6, 1};

std::string message_of(std::string_view text) {
  try {
    parse_docker_profile(text, host, {});
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::invalid);
    return error.message();
  }
  return "no error";
}

TEST(DockerProfile, TakesActionsNamesAndArguments) {
  const auto profile = parse_docker_profile(R"({
    "defaultAction": "SCMP_ACT_ALLOW",
    "architectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X86_64", "SCMP_ARCH_MIPS"],
    "syscalls": [
      {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "args": null},
      {"name": "kill", "action": "SCMP_ACT_ERRNO", "errnoRet": 3,
       "args": [{"index": 1, "value": 9, "op": "SCMP_CMP_EQ"}, {"index": 1, "value": 15, "op": "SCMP_CMP_EQ"}]}]})",
                                            host, {});
  EXPECT_EQ(profile.default_verdict, allow());
  EXPECT_EQ(profile.abis, (std::vector{Abi::x86_64, Abi::x86}));
  ASSERT_EQ(profile.rules.size(), 3U) << "two tests of one argument are two rules";
  EXPECT_EQ(profile.rules[0].names, (std::vector<std::string>{"mkdir", "mkdirat"}));
  EXPECT_EQ(profile.rules[0].verdict, fail_with(EPERM));
  EXPECT_EQ(profile.rules[2].verdict, fail_with(ESRCH));
  EXPECT_EQ(profile.rules[2].conditions, (std::vector<Condition>{{.index = 1, .value = 15}}));
}

TEST(DockerProfile, ConditionsDecideWhatApplies) {
  constexpr auto* text = R"({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
    {"names": ["a"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_BPF", "CAP_SYSLOG"]}},
    {"names": ["b"], "action": "SCMP_ACT_ALLOW", "excludes": {"caps": ["CAP_BPF"]}},
    {"names": ["c"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["arm64"]}},
    {"names": ["d"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["amd64", "arm64"], "minKernel": "4.8"}},
    {"names": ["e"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "6.2"}}]})";
  auto names = [&](const CapabilitySet& capabilities) {
    std::string all;
    for (const auto& rule : parse_docker_profile(text, host, capabilities).rules) all += rule.names.front();
    return all;
  };
  EXPECT_EQ(names({}), "bd");
  EXPECT_EQ(names({"CAP_BPF"}), "d");
  EXPECT_EQ(names({"CAP_BPF", "CAP_SYSLOG"}), "ad");
}

TEST(DockerProfile, MistakesAreNamed) {
  EXPECT_EQ(message_of("{"), "Decoding seccomp profile failed: unexpected EOF");
  EXPECT_EQ(message_of(R"({"defaultAction": "SCMP_ACT_MAYBE"})"), "unknown seccomp action \"SCMP_ACT_MAYBE\"");
  EXPECT_EQ(message_of(R"({"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["X86"]})"),
            "unknown seccomp architecture \"X86\"");
  EXPECT_THAT(message_of(R"({"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86"],
                             "archMap": [{"architecture": "SCMP_ARCH_X86_64"}]})"),
              testing::HasSubstr("use either 'architectures' or 'archMap'"));
  EXPECT_THAT(message_of(R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
                             {"name": "a", "names": ["b"], "action": "SCMP_ACT_ERRNO"}]})"),
              testing::HasSubstr("use either 'name' or 'names'"));
  EXPECT_EQ(message_of(R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["a"], "action": "SCMP_ACT_ERRNO",
                          "args": [{"index": 6, "value": 0, "op": "SCMP_CMP_EQ"}]}]})"),
            "seccomp argument index 6 is not one of 0 to 5");
}

TEST(OciProfile, IsTakenAndNotifyIsNot) {
  oci::runtime::Seccomp seccomp;
  seccomp.defaultAction = "SCMP_ACT_ERRNO";
  seccomp.defaultErrnoRet = ENOSYS;
  seccomp.syscalls = std::vector<oci::runtime::SeccompRule>{{.names = {"read"}, .action = "SCMP_ACT_ALLOW"}};
  const auto profile = from_oci(seccomp, host);
  EXPECT_EQ(profile.default_verdict, fail_with(ENOSYS));
  EXPECT_EQ(profile.abis, std::vector{Abi::x86_64});
  EXPECT_EQ(profile.rules.size(), 1U);
  seccomp.syscalls[0].action = "SCMP_ACT_NOTIFY";
  EXPECT_THROW(from_oci(seccomp, host), Error);
}

}  // namespace
}  // namespace berth::seccomp

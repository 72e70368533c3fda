#include "seccomp/compile.hpp"

#include <gtest/gtest.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "bpf_machine.hpp"

namespace berth::seccomp {
namespace {

constexpr Host new_host{Abi::x86_64, 6, 1};

seccomp_data call(std::uint32_t arch, std::uint32_t number, std::uint64_t first = 0, std::uint64_t second = 0) {
  seccomp_data data{};
  data.arch = arch;
  data.nr = static_cast<int>(number);
  data.args[0] = first;
  data.args[1] = second;
  return data;
}

Profile one_rule(std::vector<Condition> conditions) {
  return {.default_verdict = fail_with(EPERM),
          .abis = {Abi::x86_64},
          .rules = {{.names = {"personality"}, .verdict = allow(), .conditions = std::move(conditions)}}};
}

bool passes(const Condition& condition, std::uint64_t argument) {
  return run(compile(one_rule({condition})), call(AUDIT_ARCH_X86_64, SYS_personality, argument)) == allow();
}

TEST(Compile, ComparesAllSixtyFourBits) {
  constexpr std::uint64_t value = 0x200000005;
  for (const std::uint64_t argument : {std::uint64_t{5}, std::uint64_t{0x100000006}, value - 1, value, value + 1,
                                       std::uint64_t{0x300000000}, ~std::uint64_t{0}}) {
    auto with = [&](Compare compare) { return passes({.compare = compare, .value = value}, argument); };
    EXPECT_EQ(with(Compare::equal), argument == value) << argument;
    EXPECT_EQ(with(Compare::not_equal), argument != value) << argument;
    EXPECT_EQ(with(Compare::less), argument < value) << argument;
    EXPECT_EQ(with(Compare::less_or_equal), argument <= value) << argument;
    EXPECT_EQ(with(Compare::greater), argument > value) << argument;
    EXPECT_EQ(with(Compare::greater_or_equal), argument >= value) << argument;
    const Condition masked{.compare = Compare::masked_equal, .value = 0xf00000000, .value_two = 0x200000000};
    EXPECT_EQ(passes(masked, argument), (argument & 0xf00000000) == 0x200000000) << argument;
  }
}

TEST(Compile, LowerHalfIgnoresTheUpperBits) {
  const Condition condition{.compare = Compare::greater, .value = 40, .lower_half = true};
  EXPECT_FALSE(passes(condition, 0x100000026));
  EXPECT_TRUE(passes(condition, 0x100000029));
}

TEST(Compile, AllConditionsOfARuleMustHold) {
  const auto program = compile(one_rule({{.index = 0, .value = 1}, {.index = 1, .value = 2}}));
  EXPECT_EQ(run(program, call(AUDIT_ARCH_X86_64, SYS_personality, 1, 2)), allow());
  EXPECT_EQ(run(program, call(AUDIT_ARCH_X86_64, SYS_personality, 1, 3)), fail_with(EPERM));
  EXPECT_EQ(run(program, call(AUDIT_ARCH_X86_64, SYS_personality, 0, 2)), fail_with(EPERM));
}

TEST(Compile, CallsNewerThanTheProfileDoNotExist) {
  const auto program = compile(one_rule({}));
  EXPECT_EQ(run(program, call(AUDIT_ARCH_X86_64, SYS_personality - 1)), fail_with(EPERM));
  EXPECT_EQ(run(program, call(AUDIT_ARCH_X86_64, SYS_personality + 1)), fail_with(ENOSYS));
}

TEST(Compile, ForeignArchitecturesAreNotServed) {
  const auto program = compile(one_rule({}));
  EXPECT_EQ(run(program, call(AUDIT_ARCH_I386, 136)), SECCOMP_RET_KILL_THREAD);
  EXPECT_EQ(run(program, call(AUDIT_ARCH_X86_64, 0x40000000 | SYS_personality)), fail_with(ENOSYS));
}

TEST(Compile, FarTargetsAreReached) {
  Profile profile{.default_verdict = fail_with(EPERM), .abis = {Abi::x86_64}};
  const char* names[] = {"read", "open", "stat", "poll", "mmap", "ioctl", "access", "select", "dup", "socket", "fork"};
  for (std::uint64_t value = 0; value < 40; ++value) {
    for (const auto* name : names) {
      profile.rules.push_back({{name}, fail_with(static_cast<int>(value) + 1), {{.index = 0, .value = value << 30U}}});
    }
  }
  const auto program = compile(profile);
  EXPECT_GT(program.size(), 1000U);
  for (const auto* name : names) {
    const auto number = static_cast<std::uint32_t>(seccomp_syscall_resolve_name(name));
    EXPECT_EQ(run(program, call(AUDIT_ARCH_X86_64, number, std::uint64_t{0} << 30U)), fail_with(1));
    EXPECT_EQ(run(program, call(AUDIT_ARCH_X86_64, number, std::uint64_t{39} << 30U)), fail_with(40));
    EXPECT_EQ(run(program, call(AUDIT_ARCH_X86_64, number, 1)), fail_with(EPERM));
  }
}

TEST(Compile, ADeniedSocketIsDeniedThroughSocketcallToo) {
  const Profile profile{
      .default_verdict = allow(),
      .abis = {Abi::x86_64, Abi::x86},
      .rules = {{{"socket"}, fail_with(EACCES), {{.value = 38}}}, {{"shmget"}, fail_with(EACCES), {}}}};
  const auto program = compile(profile);
  EXPECT_EQ(run(program, call(AUDIT_ARCH_I386, 359, 38)), fail_with(EACCES));
  EXPECT_EQ(run(program, call(AUDIT_ARCH_I386, 359, 2)), allow());
  EXPECT_EQ(run(program, call(AUDIT_ARCH_I386, 102, 1)), fail_with(EACCES)) << "CVE-2026-123876";
  EXPECT_EQ(run(program, call(AUDIT_ARCH_I386, 102, 2)), allow());
  EXPECT_EQ(run(program, call(AUDIT_ARCH_I386, 117, 23)), fail_with(EACCES));
  EXPECT_EQ(run(program, call(AUDIT_ARCH_I386, 117, 24)), allow());
}

TEST(Compile, TooLongAProgramIsRefused) {
  Profile profile{.default_verdict = fail_with(EPERM), .abis = {Abi::x86_64}};
  for (std::uint64_t value = 0; value < 2000; ++value) profile.rules.push_back({{"read"}, allow(), {{.value = value}}});
  EXPECT_THROW(compile(profile), Error);
}

/// The same profile through libseccomp's own compiler.
Program compile_with_library(const Profile& profile) {
  auto* context = seccomp_init(SCMP_ACT_ERRNO(EPERM));
  seccomp_arch_add(context, SCMP_ARCH_X86);
  seccomp_arch_add(context, SCMP_ARCH_X32);
  for (const auto& rule : profile.rules) {
    std::vector<scmp_arg_cmp> tests;
    for (const auto& c : rule.conditions) {
      constexpr scmp_compare compare[] = {SCMP_CMP_EQ, SCMP_CMP_NE, SCMP_CMP_LT,       SCMP_CMP_LE,
                                          SCMP_CMP_GT, SCMP_CMP_GE, SCMP_CMP_MASKED_EQ};
      tests.push_back({c.index, compare[static_cast<int>(c.compare)], c.value, c.value_two});
    }
    const auto action = rule.verdict == allow() ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(rule.verdict & SECCOMP_RET_DATA);
    for (const auto& name : rule.names) {
      const int number = seccomp_syscall_resolve_name(name.c_str());
      if (number == __NR_SCMP_ERROR) continue;
      seccomp_rule_add_array(context, action, number, static_cast<unsigned>(tests.size()), tests.data());
    }
  }
  const UniqueFd file{memfd_create("bpf", MFD_CLOEXEC)};
  seccomp_export_bpf(context, file.get());
  seccomp_release(context);
  lseek(file.get(), 0, SEEK_SET);
  const auto bytes = read_to_end(file, 1U << 20U);
  Program program(bytes.size() / sizeof(sock_filter));
  std::memcpy(program.data(), bytes.data(), bytes.size());
  return program;
}

TEST(Compile, AgreesWithLibseccomp) {
  const auto profile = default_profile(new_host, {"CAP_CHOWN"});
  const auto ours = compile(profile);
  const auto theirs = compile_with_library(profile);
  EXPECT_LT(ours.size(), theirs.size());
  for (const std::uint32_t arch : std::initializer_list<std::uint32_t>{AUDIT_ARCH_X86_64, AUDIT_ARCH_I386}) {
    for (std::uint32_t number = 0; number <= 450; ++number) {
      if (number == 335 && arch == AUDIT_ARCH_X86_64) continue;  // uretprobe: libseccomp lacks it
      if ((number == 102 || number == 117) && arch == AUDIT_ARCH_I386)
        continue;  // ours allows by operation, theirs all
      for (const std::uint64_t argument : {0ULL, 1ULL, 8ULL, 37ULL, 38ULL, 39ULL, 40ULL, 41ULL, 0x20000ULL,
                                           0xffffffffULL, 0x10000000ULL, 0x7e020000ULL}) {
        const auto data = call(arch, number, argument);
        EXPECT_EQ(run(ours, data), run(theirs, data)) << "call " << number << " of " << arch << " with " << argument;
      }
    }
  }
}

}  // namespace
}  // namespace berth::seccomp

#include <gtest/gtest.h>
#include <linux/audit.h>
#include <sys/syscall.h>

#include <cerrno>

#include "base/file.hpp"
#include "bpf_machine.hpp"
#include "seccomp/profile.hpp"

namespace berth::seccomp {
namespace {

constexpr Host new_host{Abi::x86_64, 6, 1};
constexpr std::uint32_t x32_bit = 0x40000000;

seccomp_data call(std::uint32_t arch, std::uint32_t number, std::uint64_t first = 0) {
  seccomp_data data{};
  data.arch = arch;
  data.nr = static_cast<int>(number);
  data.args[0] = first;
  return data;
}

TEST(DefaultProfile, CanBeAskedForSocketsOfOrdinaryFamiliesOnly) {
  const auto program = compile(default_profile(new_host, {}));
  const std::pair<std::uint32_t, std::uint32_t> sockets[] = {
      {AUDIT_ARCH_X86_64, 41}, {AUDIT_ARCH_X86_64, x32_bit | 41}, {AUDIT_ARCH_I386, 359}};
  for (const auto& [arch, number] : sockets) {
    for (const std::uint64_t family : {1U, 2U, 10U, 16U, 17U, 39U, 41U})
      EXPECT_EQ(run(program, call(arch, number, family)), allow());
    for (const std::uint64_t family : {38ULL, 40ULL, 0x100000026ULL, 0x100000028ULL, 0xffffffff00000026ULL}) {
      EXPECT_EQ(run(program, call(arch, number, family)), fail_with(EPERM)) << "CVE-2026-31431: family " << family;
    }
  }
}

TEST(DefaultProfile, MakesNoSocketThroughSocketcall) {
  const auto program = compile(default_profile(new_host, {}));
  EXPECT_EQ(run(program, call(AUDIT_ARCH_I386, 102, 1)), fail_with(EPERM));
  EXPECT_EQ(run(program, call(AUDIT_ARCH_I386, 102, 0x100000001)), fail_with(EPERM));
  EXPECT_EQ(run(program, call(AUDIT_ARCH_I386, 102, 3)), allow());
}

TEST(DefaultProfile, CloneMakesNoNamespaceWithoutSysAdmin) {
  const auto plain = compile(default_profile(new_host, {"CAP_CHOWN"}));
  EXPECT_EQ(run(plain, call(AUDIT_ARCH_X86_64, SYS_clone, 0x11)), allow());
  EXPECT_EQ(run(plain, call(AUDIT_ARCH_X86_64, SYS_clone, 0x10000011)), fail_with(EPERM));
  EXPECT_EQ(run(plain, call(AUDIT_ARCH_X86_64, SYS_clone3)), fail_with(ENOSYS));
  const auto admin = compile(default_profile(new_host, {"CAP_SYS_ADMIN"}));
  EXPECT_EQ(run(admin, call(AUDIT_ARCH_X86_64, SYS_clone, 0x10000011)), allow());
  EXPECT_EQ(run(admin, call(AUDIT_ARCH_X86_64, SYS_clone3)), allow());
  EXPECT_EQ(run(admin, call(AUDIT_ARCH_X86_64, SYS_mount)), allow());
}

TEST(DefaultProfile, PtraceNeedsAKernelThatFiltersAfterIt) {
  const auto old_kernel = compile(default_profile({Abi::x86_64, 4, 7}, {}));
  const auto new_kernel = compile(default_profile({Abi::x86_64, 4, 8}, {}));
  EXPECT_EQ(run(old_kernel, call(AUDIT_ARCH_X86_64, SYS_ptrace)), fail_with(EPERM));
  EXPECT_EQ(run(new_kernel, call(AUDIT_ARCH_X86_64, SYS_ptrace)), allow());
}

TEST(DefaultProfile, UnknownNewCallsDoNotExist) {
  const auto program = compile(default_profile(new_host, {}));
  EXPECT_EQ(run(program, call(AUDIT_ARCH_X86_64, 452)), allow()) << "fchmodat2";
  EXPECT_EQ(run(program, call(AUDIT_ARCH_X86_64, 500)), fail_with(ENOSYS));
  EXPECT_EQ(run(program, call(AUDIT_ARCH_I386, 500)), fail_with(ENOSYS));
}

TEST(DefaultProfile, ArmHasItsOwnCalls) {
  const auto program = compile(default_profile({Abi::aarch64, 6, 1}, {}));
  EXPECT_EQ(run(program, call(AUDIT_ARCH_AARCH64, 63)), allow()) << "read";
  EXPECT_EQ(run(program, call(AUDIT_ARCH_AARCH64, 40)), fail_with(EPERM)) << "mount";
  EXPECT_EQ(run(program, call(AUDIT_ARCH_ARM, 0xf0005)), allow()) << "set_tls";
  EXPECT_EQ(run(program, call(AUDIT_ARCH_ARM, 600)), fail_with(ENOSYS));
  EXPECT_EQ(run(program, call(AUDIT_ARCH_X86_64, 0)), SECCOMP_RET_KILL_THREAD);
}

/// Docker's table, if it lies beside the repository.
std::optional<std::string> reference() {
  return find_file(fs::path{__FILE__}.parent_path() / "../../../../shared/reference/seccomp-default.json");
}

bool is_stricter_on_purpose(const seccomp_data& data) {
  const auto number = static_cast<std::uint32_t>(data.nr);
  const bool socket = (data.arch == AUDIT_ARCH_X86_64 && (number & ~x32_bit) == 41) ||
                      (data.arch == AUDIT_ARCH_I386 && number == 359) ||
                      (data.arch == AUDIT_ARCH_AARCH64 && number == 198);
  if (socket) return data.args[0] > 0xffffffff;
  return data.arch == AUDIT_ARCH_I386 && number == 102 && (data.args[0] & 0xffffffff) == 1;
}

void expect_same(const Program& ours, const Program& theirs, const std::string& what) {
  for (const std::uint32_t arch :
       std::initializer_list<std::uint32_t>{AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64, AUDIT_ARCH_ARM}) {
    for (std::uint32_t number = 0; number < 600; ++number) {
      for (const std::uint32_t bit : {0U, x32_bit}) {
        for (const std::uint64_t argument : {0ULL, 1ULL, 8ULL, 38ULL, 39ULL, 40ULL, 41ULL, 0x20000ULL, 0x20008ULL,
                                             0xffffffffULL, 0x10000000ULL, 0x100000026ULL}) {
          const auto data = call(arch, number | bit, argument);
          if (is_stricter_on_purpose(data)) continue;
          ASSERT_EQ(run(ours, data), run(theirs, data))
              << what << ": call " << number << " of " << arch << (bit != 0 ? " x32" : "") << " with " << argument;
        }
      }
    }
  }
}

TEST(DefaultProfile, IsDockersApartFromWhatIsStricter) {
  const auto text = reference();
  if (!text) GTEST_SKIP() << "shared/reference/seccomp-default.json is not beside the repository";
  const CapabilitySet sets[] = {
      {},
      {"CAP_SYS_ADMIN"},
      {"CAP_DAC_READ_SEARCH"},
      {"CAP_SYS_BOOT"},
      {"CAP_SYS_CHROOT"},
      {"CAP_BPF"},
      {"CAP_SYS_MODULE"},
      {"CAP_SYS_PACCT"},
      {"CAP_SYS_PTRACE"},
      {"CAP_SYS_RAWIO"},
      {"CAP_SYSLOG"},
      {"CAP_SYS_TIME"},
      {"CAP_SYS_TTY_CONFIG"},
      {"CAP_SYS_NICE"},
      {"CAP_PERFMON"},
  };
  for (const auto& capabilities : sets) {
    const auto what = capabilities.empty() ? "no capability" : *capabilities.begin();
    expect_same(compile(default_profile(new_host, capabilities)),
                compile(parse_docker_profile(*text, new_host, capabilities)), what);
  }
  const Host arm{Abi::aarch64, 4, 5};
  expect_same(compile(default_profile(arm, {})), compile(parse_docker_profile(*text, arm, {})), "aarch64");
}

}  // namespace
}  // namespace berth::seccomp

#include "linux/device_filter.hpp"

#include <gtest/gtest.h>

namespace berth::kernel {
namespace {

/// What the program answers: the handful of instructions that it is made of, interpreted.
int answer(const std::vector<bpf_insn>& program, std::uint32_t type, std::uint32_t access, std::uint32_t major,
           std::uint32_t minor) {
  const std::uint32_t context[] = {access << 16U | type, major, minor};
  std::uint32_t registers[11] = {};
  for (std::size_t at = 0; at < program.size(); ++at) {
    const auto& step = program[at];
    auto& target = registers[step.dst_reg];
    const auto operand = (step.code & BPF_X) != 0 ? registers[step.src_reg] : static_cast<std::uint32_t>(step.imm);
    switch (step.code & ~BPF_X) {
      case BPF_LDX | BPF_MEM | BPF_W: target = context[step.off / 4]; break;
      case BPF_ALU | BPF_MOV:
      case BPF_ALU64 | BPF_MOV: target = operand; break;
      case BPF_ALU | BPF_AND: target &= operand; break;
      case BPF_ALU | BPF_RSH: target >>= operand; break;
      case BPF_JMP | BPF_JNE: at += target != operand ? static_cast<std::size_t>(step.off) : 0; break;
      case BPF_JMP | BPF_JEQ: at += target == operand ? static_cast<std::size_t>(step.off) : 0; break;
      case BPF_JMP | BPF_EXIT: return static_cast<int>(registers[0]);
      default: return -1;
    }
  }
  return -1;
}

const std::vector<DeviceRule> only_null = {{.allow = false},
                                           {.allow = true, .type = 'c', .major = 1, .minor = 3},
                                           {.allow = true, .type = 'c', .read = false, .write = false}};

constexpr std::uint32_t character = BPF_DEVCG_DEV_CHAR, block = BPF_DEVCG_DEV_BLOCK;
constexpr std::uint32_t mknod_access = BPF_DEVCG_ACC_MKNOD, read_access = BPF_DEVCG_ACC_READ,
                        write_access = BPF_DEVCG_ACC_WRITE;

TEST(DeviceFilter, AllowsWhatARuleNames) {
  const auto program = compile_device_rules(only_null);
  EXPECT_EQ(answer(program, character, read_access | write_access, 1, 3), 1);
  EXPECT_EQ(answer(program, character, mknod_access, 8, 1), 1);
}

TEST(DeviceFilter, RefusesTheRest) {
  const auto program = compile_device_rules(only_null);
  EXPECT_EQ(answer(program, character, read_access, 1, 1), 0);
  EXPECT_EQ(answer(program, block, read_access, 1, 3), 0);
  EXPECT_EQ(answer(program, block, mknod_access, 8, 0), 0);
  EXPECT_EQ(answer(program, character, mknod_access | read_access, 8, 1), 0);
}

TEST(DeviceFilter, TheLastRuleThatMatchesDecides) {
  const auto program = compile_device_rules(std::vector<DeviceRule>{
      {.allow = true}, {.allow = false, .type = 'c', .major = 10, .minor = 200, .read = false, .mknod = false}});
  EXPECT_EQ(answer(program, character, read_access, 10, 200), 1);
  EXPECT_EQ(answer(program, character, read_access | write_access, 10, 200), 0);
  EXPECT_EQ(answer(program, block, write_access, 8, 0), 1);
}

TEST(DeviceFilter, WithoutRulesNothingIsAllowed) {
  EXPECT_EQ(answer(compile_device_rules({}), character, read_access, 1, 3), 0);
}

}  // namespace
}  // namespace berth::kernel

#include "linux/device_filter.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <ranges>
#include <string>

#include "base/error.hpp"
#include "linux/bpf.hpp"

namespace berth::kernel {
namespace {

using bpf::instruction;

constexpr std::uint8_t result = BPF_REG_0, context = BPF_REG_1, type = BPF_REG_2, access = BPF_REG_3, major = BPF_REG_4,
                       minor = BPF_REG_5, scratch = BPF_REG_6;

bpf_insn load(std::uint8_t destination, int offset) {
  return instruction(BPF_LDX | BPF_MEM | BPF_W, destination, context, offset, 0);
}

std::int32_t access_bits(const DeviceRule& rule) {
  return (rule.mknod ? BPF_DEVCG_ACC_MKNOD : 0) | (rule.read ? BPF_DEVCG_ACC_READ : 0) |
         (rule.write ? BPF_DEVCG_ACC_WRITE : 0);
}

/// The instructions of one rule; a jump with offset 0 is filled in by the caller with the way to the next rule.
std::vector<bpf_insn> compile_rule(const DeviceRule& rule) {
  std::vector<bpf_insn> code;
  if (rule.type != 'a') {
    code.push_back(instruction(BPF_JMP | BPF_JNE | BPF_K, type, 0, 0,
                               rule.type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR));
  }
  if (access_bits(rule) != (BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE)) {
    // An allowing rule must cover all that is asked for, a denying one matches if it covers any of it.
    code.push_back(instruction(BPF_ALU | BPF_MOV | BPF_X, scratch, access, 0, 0));
    code.push_back(instruction(BPF_ALU | BPF_AND | BPF_K, scratch, 0, 0, access_bits(rule)));
    code.push_back(rule.allow ? instruction(BPF_JMP | BPF_JNE | BPF_X, scratch, access, 0, 0)
                              : instruction(BPF_JMP | BPF_JEQ | BPF_K, scratch, 0, 0, 0));
  }
  if (rule.major)
    code.push_back(instruction(BPF_JMP | BPF_JNE | BPF_K, major, 0, 0, static_cast<std::int32_t>(*rule.major)));
  if (rule.minor)
    code.push_back(instruction(BPF_JMP | BPF_JNE | BPF_K, minor, 0, 0, static_cast<std::int32_t>(*rule.minor)));
  code.push_back(instruction(BPF_ALU64 | BPF_MOV | BPF_K, result, 0, 0, rule.allow ? 1 : 0));
  code.push_back(instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
  for (std::size_t at = 0; at < code.size(); ++at) {
    const auto operation = code[at].code;
    const bool jump = (operation & 0x07U) == BPF_JMP && operation != (BPF_JMP | BPF_EXIT);
    if (jump) code[at].off = static_cast<std::int16_t>(code.size() - at - 1);
  }
  return code;
}

}  // namespace

std::vector<bpf_insn> compile_device_rules(std::span<const DeviceRule> rules) {
  std::vector<bpf_insn> program = {
      load(type, offsetof(bpf_cgroup_dev_ctx, access_type)),
      instruction(BPF_ALU | BPF_MOV | BPF_X, access, type, 0, 0),
      instruction(BPF_ALU | BPF_AND | BPF_K, type, 0, 0, 0xFFFF),
      instruction(BPF_ALU | BPF_RSH | BPF_K, access, 0, 0, 16),
      load(major, offsetof(bpf_cgroup_dev_ctx, major)),
      load(minor, offsetof(bpf_cgroup_dev_ctx, minor)),
  };
  for (const auto& rule : std::views::reverse(rules)) {
    const auto code = compile_rule(rule);
    program.insert(program.end(), code.begin(), code.end());
    const bool catches_all = rule.type == 'a' && !rule.major && !rule.minor && rule.read && rule.write && rule.mknod;
    if (catches_all) return program;  // the verifier refuses instructions that are never reached
  }
  program.push_back(instruction(BPF_ALU64 | BPF_MOV | BPF_K, result, 0, 0, 0));
  program.push_back(instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
  return program;
}

void attach_device_rules(FdRef cgroup_directory, std::span<const DeviceRule> rules) {
  const auto program = compile_device_rules(rules);
  const auto loaded =
      bpf::load_program(BPF_PROG_TYPE_CGROUP_DEVICE, BPF_CGROUP_DEVICE, program, "load the device filter");
  bpf_attr attach_request{};
  attach_request.target_fd = static_cast<std::uint32_t>(cgroup_directory.get());
  attach_request.attach_bpf_fd = static_cast<std::uint32_t>(loaded.get());
  attach_request.attach_type = BPF_CGROUP_DEVICE;
  attach_request.attach_flags = BPF_F_ALLOW_MULTI;
  if (::syscall(SYS_bpf, BPF_PROG_ATTACH, &attach_request, sizeof attach_request) < 0) {
    throw Error::from_errno(errno, "attach the device filter");
  }
}

}  // namespace berth::kernel

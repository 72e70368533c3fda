// Runs a seccomp program on a call that nobody makes.
#pragma once

#include <linux/seccomp.h>

#include <cstdint>
#include <cstring>
#include <stdexcept>

#include "seccomp/compile.hpp"

namespace berth::seccomp {

/// The program's verdict; throws on an instruction that the compiler never emits.
inline Verdict run(const Program& program, const seccomp_data& call) {
  std::uint32_t accumulator = 0;
  for (std::size_t pc = 0; pc < program.size(); ++pc) {
    const auto& instruction = program[pc];
    auto branch = [&](bool taken) { pc += taken ? instruction.jt : instruction.jf; };
    switch (instruction.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        std::memcpy(&accumulator, reinterpret_cast<const char*>(&call) + instruction.k, sizeof accumulator);
        break;
      case BPF_ALU | BPF_AND | BPF_K: accumulator &= instruction.k; break;
      case BPF_JMP | BPF_JA: pc += instruction.k; break;
      case BPF_JMP | BPF_JEQ | BPF_K: branch(accumulator == instruction.k); break;
      case BPF_JMP | BPF_JGT | BPF_K: branch(accumulator > instruction.k); break;
      case BPF_JMP | BPF_JGE | BPF_K: branch(accumulator >= instruction.k); break;
      case BPF_RET | BPF_K: return instruction.k;
      default: throw std::runtime_error("unexpected instruction");
    }
  }
  throw std::runtime_error("ran off the end");
}

}  // namespace berth::seccomp

// Numbers of system calls by name and ABI.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "seccomp/profile.hpp"

namespace berth::seccomp {

/// The number under which an ABI knows the call; nothing if it has no such call.
std::optional<std::uint32_t> find_number(Abi abi, const std::string& name);

/// Another way to the same call: `call` with `operation` as its first argument.
struct Multiplexed {
  const char* call;
  std::uint32_t operation;
};

/// i386 reaches sockets also through socketcall(2), and System V's IPC through ipc(2).
std::optional<Multiplexed> find_multiplexed(Abi abi, const std::string& name);

}  // namespace berth::seccomp

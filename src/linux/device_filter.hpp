// The device allow-list of cgroup v2: a BPF program on the cgroup's directory. (Version 1 has devices.allow and .deny.)
#pragma once

#include <linux/bpf.h>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/fd.hpp"

namespace berth::kernel {

struct DeviceRule {
  bool allow = false;
  char type = 'a';                     ///< a, c or b
  std::optional<std::uint32_t> major;  ///< absent: all
  std::optional<std::uint32_t> minor;
  bool read = true;
  bool write = true;
  bool mknod = true;
};

/// The program that answers 1 for what the rules allow: the last rule that matches decides, and without one it is no.
std::vector<bpf_insn> compile_device_rules(std::span<const DeviceRule> rules);

/// Loads the rules and attaches them to a v2 cgroup, in addition to those of the cgroups above. They leave with the
/// cgroup.
void attach_device_rules(FdRef cgroup_directory, std::span<const DeviceRule> rules);

}  // namespace berth::kernel

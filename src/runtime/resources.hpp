// linux.resources of a configuration as writes to control files: decided without touching a cgroup.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "linux/cgroup.hpp"
#include "linux/device_filter.hpp"
#include "oci/runtime_spec.hpp"

namespace berth::runtime {

struct ControlWrite {
  std::string controller;
  std::string file;
  std::string value;
  bool optional = false;  ///< going on without is right where the kernel has no such file (swap accounting off)
  bool operator==(const ControlWrite&) const = default;
};

struct ResourcePlan {
  std::vector<ControlWrite> writes;
  std::vector<kernel::DeviceRule> devices;  ///< version 2: for the BPF program; empty: everything is allowed
};

/// What to write, in the order that the kernel accepts on a new cgroup. Throws `invalid` on values that make no sense.
/// Source: runtime-spec 1.2 config-linux.md "Control groups"; the conversions to version 2 are runc's.
ResourcePlan plan_resources(const oci::runtime::Resources& resources, bool unified);

/// Device rules with the default devices added, as runc adds them; those that a later rule for all makes void are gone.
/// Empty if everything is allowed.
std::vector<kernel::DeviceRule> plan_device_rules(const std::vector<oci::runtime::DeviceRule>& rules);

/// Version 1 refuses a memory limit above that of memory and swap together, in every state in between: where the new
/// one is above the present limit of both, that is written first.
void order_memory_writes(std::vector<ControlWrite>& writes, std::uint64_t present_swap_limit);

/// Writes the plan to a cgroup.
void apply_resources(const kernel::Cgroup& cgroup, const ResourcePlan& plan);

}  // namespace berth::runtime

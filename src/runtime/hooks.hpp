// Programs that a configuration wants to be run at points of a container's life.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "oci/runtime_spec.hpp"
#include "runtime/plan.hpp"

namespace berth::runtime {

/// The state that hooks get on their standard input (runtime-spec "State").
std::string hook_state(const Plan& plan, std::string_view status, pid_t pid);

/// Runs them in order, in the calling process's namespaces; throws if one fails or takes longer than its timeout.
void run_hooks(const std::vector<oci::runtime::Hook>& hooks, const std::string& state);

}  // namespace berth::runtime

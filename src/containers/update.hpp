// The plan of `docker update`. Only for this folder.
#pragma once

#include "containers/config.hpp"
#include "containers/host_facts.hpp"
#include "oci/runtime_spec.hpp"

namespace berth::containers {

/// Puts what is asked for into the configuration; what is zero, empty or null there stays as it is. Of Docker's limits
/// those are ignored, as Docker does, that hold from the start: devices, ulimits, the cgroup's parent, the OOM killer.
/// Throws `conflict` or `invalid` with Docker's texts.
void merge_update(HostConfig& host, const UpdateRequest& request);

/// The limits to write to the cgroup of a container that runs; `merged` is its configuration after `merge_update`.
oci::runtime::Resources changed_limits(const HostConfig& merged, const UpdateRequest& request, const HostFacts& facts);

}  // namespace berth::containers

// `docker update`: other limits and another restart policy for a container that exists.
#include <string_view>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/undo.hpp"
#include "containers/internal.hpp"
#include "containers/spec_parts.hpp"
#include "containers/update.hpp"
#include "runtime/runtime.hpp"

namespace berth::containers {
namespace {

/// A quota can be said in two ways that exclude each other.
void check_cpu_conflicts(const Resources& present, const Resources& wanted) {
  const auto refuse = [](const char* what, const char* because) {
    throw Error{Kind::conflict, "Conflicting options: {} cannot be updated as {} has already been set", what, because};
  };
  if (wanted.NanoCpus > 0 && present.CpuPeriod > 0) refuse("Nano CPUs", "CPU Period");
  if (wanted.NanoCpus > 0 && present.CpuQuota > 0) refuse("Nano CPUs", "CPU Quota");
  if (wanted.CpuPeriod > 0 && present.NanoCpus > 0) refuse("CPU Period", "NanoCPUs");
  if (wanted.CpuQuota > 0 && present.NanoCpus > 0) refuse("CPU Quota", "NanoCPUs");
}

void merge_memory(Resources& present, const Resources& wanted) {
  if (wanted.Memory != 0 && wanted.MemorySwap == 0 && present.MemorySwap > 0 && wanted.Memory > present.MemorySwap) {
    throw Error{Kind::conflict,
                "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same "
                "time"};
  }
  if (wanted.Memory != 0) present.Memory = wanted.Memory;
  if (wanted.MemorySwap != 0) present.MemorySwap = wanted.MemorySwap;
  if (wanted.MemoryReservation != 0) present.MemoryReservation = wanted.MemoryReservation;
  if (wanted.MemorySwappiness) present.MemorySwappiness = wanted.MemorySwappiness;
  // As at creation: as much swap as memory again.
  if (present.Memory > 0 && present.MemorySwap == 0) present.MemorySwap = present.Memory * 2;
  if (present.MemorySwap > 0 && present.MemorySwap < present.Memory) {
    throw Error{Kind::invalid, "Minimum memoryswap limit should be larger than memory limit, see usage"};
  }
  if (present.Memory > 0 && present.Memory < present.MemoryReservation) {
    throw Error{Kind::invalid, "Minimum memory limit can not be less than memory reservation limit, see usage"};
  }
}

/// Devices that are named get new values, the others keep theirs.
template <class Device>
void merge_devices(json::Nullable<std::vector<Device>>& present, const json::Nullable<std::vector<Device>>& wanted) {
  if (!wanted || wanted->empty()) return;
  if (!present) present.emplace();
  for (const auto& device : *wanted) {
    std::erase_if(*present, [&](const Device& old) { return old.Path == device.Path; });
    present->push_back(device);
  }
}

template <class Member>
void merge(Member& present, const Member& wanted) {
  if (wanted != Member{}) present = wanted;
}

void restore_definition(RecordStore& records, const Record& record) noexcept {
  try {
    records.update_definition(record.id, record.definition);
  } catch (...) {
    log::error("limits that were refused stay recorded, they hold from the next start",
               {{"id", record.id}, {"error", current_error().message()}});
  }
}

}  // namespace

void merge_update(HostConfig& host, const UpdateRequest& request) {
  check_cpu_conflicts(host, request);
  merge(host.CpuShares, request.CpuShares);
  merge(host.NanoCpus, request.NanoCpus);
  merge(host.CpuPeriod, request.CpuPeriod);
  merge(host.CpuQuota, request.CpuQuota);
  merge(host.CpuRealtimePeriod, request.CpuRealtimePeriod);
  merge(host.CpuRealtimeRuntime, request.CpuRealtimeRuntime);
  merge(host.CpusetCpus, request.CpusetCpus);
  merge(host.CpusetMems, request.CpusetMems);
  merge_memory(host, request);
  if (request.PidsLimit) host.PidsLimit = request.PidsLimit;
  merge(host.BlkioWeight, request.BlkioWeight);
  merge_devices(host.BlkioWeightDevice, request.BlkioWeightDevice);
  merge_devices(host.BlkioDeviceReadBps, request.BlkioDeviceReadBps);
  merge_devices(host.BlkioDeviceWriteBps, request.BlkioDeviceWriteBps);
  merge_devices(host.BlkioDeviceReadIOps, request.BlkioDeviceReadIOps);
  merge_devices(host.BlkioDeviceWriteIOps, request.BlkioDeviceWriteIOps);
  if (request.RestartPolicy_.Name.empty()) return;
  if (host.AutoRemove && request.RestartPolicy_.Name != "no") {
    throw Error{Kind::conflict, "Restart policy cannot be updated because AutoRemove is enabled for the container"};
  }
  host.RestartPolicy_ = request.RestartPolicy_;
}

oci::runtime::Resources changed_limits(const HostConfig& merged, const UpdateRequest& request, const HostFacts& facts) {
  HostConfig change;
  static_cast<Resources&>(change) = request;
  // What the kernel keeps in one file, or checks together, is written together.
  if (request.Memory != 0 || request.MemorySwap != 0) {
    change.Memory = merged.Memory;
    change.MemorySwap = merged.MemorySwap;
  }
  if (request.NanoCpus != 0 || request.CpuPeriod != 0 || request.CpuQuota != 0) {
    change.NanoCpus = merged.NanoCpus;
    change.CpuPeriod = merged.CpuPeriod;
    change.CpuQuota = merged.CpuQuota;
  }
  change.OomKillDisable.reset();
  auto limits = resources_of(change, facts);
  if (request.PidsLimit && *request.PidsLimit <= 0 && facts.has_pids_limit) limits.pids = {.limit = -1};
  return limits;
}

Updated Containers::update(const std::string& name, UpdateRequest request) {
  if (request.PidsLimit && *request.PidsLimit < 0) request.PidsLimit = 0;  // both mean without limit
  Updated updated;
  if (auto warnings = validate_update(request); !warnings.empty()) updated.Warnings = std::move(warnings);
  const auto container = impl_->get(name);
  try {
    const std::lock_guard one_at_a_time{container->operation};  // no start or removal takes half of it
    auto record = container->record();
    if (container->with([](Record&, Container::Live& live) { return live.removing || live.removed; })) {
      throw Error{Kind::internal, "container is marked for removal and cannot be \"update\""};
    }
    auto definition = record.definition;
    merge_update(definition.host_config, request);
    // Recorded first: if the kernel refuses, the record can be taken back, and a full disk leaves all as it was.
    impl_->records.update_definition(record.id, definition);
    Undo undo;
    undo.add([&] { restore_definition(impl_->records, record); });
    if (record.state.pid != 0) {
      runtime::update_resources(cgroup_of(*container), changed_limits(definition.host_config, request, host_facts()));
    }
    undo.dismiss();
    container->with([&](Record& current, Container::Live&) { current.definition = std::move(definition); });
  } catch (Error& error) {
    throw error.in("Cannot update container {}", container->id);
  }
  impl_->publish(*container, "update");
  return updated;
}

}  // namespace berth::containers

// What an update makes of a container's limits, and what of it goes to the kernel.
#include "containers/update.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "base/error.hpp"

namespace berth::containers {
namespace {

constexpr std::int64_t mib = 1 << 20;

/// "<status> <message>" of the refusal.
std::string refusal(HostConfig host, const UpdateRequest& request) {
  try {
    merge_update(host, request);
    return "accepted";
  } catch (const Error& error) {
    return fmt::format("{} {}", http_status(error.kind()), error.message());
  }
}

UpdateRequest asking(const std::function<void(UpdateRequest&)>& change) {
  UpdateRequest request;
  change(request);
  return request;
}

TEST(MergeUpdate, WhatIsNotNamedStays) {
  HostConfig host;
  host.Memory = 64 * mib;
  host.CpuShares = 512;
  host.CpusetCpus = "0";
  host.PidsLimit = 5;
  host.RestartPolicy_ = {.Name = "always", .MaximumRetryCount = 0};
  merge_update(host, asking([](auto& r) { r.CpuShares = 100; }));
  EXPECT_EQ(host.CpuShares, 100);
  EXPECT_EQ(host.Memory, 64 * mib);
  EXPECT_EQ(host.CpusetCpus, "0");
  EXPECT_EQ(host.PidsLimit, 5);
  EXPECT_EQ(host.RestartPolicy_.Name, "always");
}

TEST(MergeUpdate, ProcessesWithoutLimitAreNamedByZero) {
  HostConfig host;
  host.PidsLimit = 5;
  merge_update(host, asking([](auto& r) { r.PidsLimit = 0; }));
  EXPECT_EQ(host.PidsLimit, 0);
}

TEST(MergeUpdate, MemoryAboveTheSwapLimitNeedsANewSwapLimit) {
  HostConfig host;
  host.Memory = 64 * mib;
  host.MemorySwap = 128 * mib;
  EXPECT_EQ(refusal(host, asking([](auto& r) { r.Memory = 256 * mib; })),
            "409 Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same "
            "time");
  EXPECT_EQ(refusal(host, asking([](auto& r) { r.Memory = 256 * mib, r.MemorySwap = 512 * mib; })), "accepted");
  EXPECT_EQ(refusal(host, asking([](auto& r) { r.MemorySwap = 32 * mib; })),
            "400 Minimum memoryswap limit should be larger than memory limit, see usage");
  EXPECT_EQ(refusal(host, asking([](auto& r) { r.MemorySwap = -1; })), "accepted");
}

TEST(MergeUpdate, TheTwoWaysToSayAQuotaExcludeEachOther) {
  HostConfig nano;
  nano.NanoCpus = 1'000'000'000;
  EXPECT_EQ(refusal(nano, asking([](auto& r) { r.CpuQuota = 5000; })),
            "409 Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set");
  HostConfig period;
  period.CpuPeriod = 100'000;
  EXPECT_EQ(refusal(period, asking([](auto& r) { r.NanoCpus = 1'000'000'000; })),
            "409 Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set");
}

TEST(MergeUpdate, RestartPolicyExcludesAutomaticRemoval) {
  HostConfig host;
  host.AutoRemove = true;
  const auto always = asking([](auto& r) { r.RestartPolicy_.Name = "always"; });
  EXPECT_EQ(refusal(host, always),
            "409 Restart policy cannot be updated because AutoRemove is enabled for the container");
  host.AutoRemove = false;
  merge_update(host, always);
  EXPECT_EQ(host.RestartPolicy_.Name, "always");
}

TEST(MergeUpdate, DevicesAreReplacedByTheirPaths) {
  HostConfig host;
  host.BlkioDeviceReadBps.emplace(std::vector<ThrottleDevice>{{"/dev/a", 1}, {"/dev/b", 2}});
  merge_update(host, asking([](auto& r) { r.BlkioDeviceReadBps.emplace(std::vector<ThrottleDevice>{{"/dev/a", 9}}); }));
  ASSERT_EQ(host.BlkioDeviceReadBps->size(), 2U);
  EXPECT_EQ(host.BlkioDeviceReadBps->front().Path, "/dev/b");
  EXPECT_EQ(host.BlkioDeviceReadBps->back().Rate, 9U);
}

TEST(ChangedLimits, OnlyWhatWasAskedForGoesToTheKernel) {
  HostConfig merged;
  merged.Memory = 64 * mib;
  merged.MemorySwap = 128 * mib;
  merged.CpuShares = 512;
  const auto limits = changed_limits(merged, asking([](auto& r) { r.CpuShares = 512; }), {});
  ASSERT_TRUE(limits.cpu.has_value());
  EXPECT_EQ(limits.cpu->shares, 512U);
  EXPECT_FALSE(limits.memory.has_value());
  EXPECT_FALSE(limits.pids.has_value());
}

TEST(ChangedLimits, MemoryAndSwapGoTogether) {
  HostConfig merged;
  merged.Memory = 64 * mib;
  merged.MemorySwap = 128 * mib;
  const auto limits = changed_limits(merged, asking([](auto& r) { r.Memory = 64 * mib; }), {});
  ASSERT_TRUE(limits.memory.has_value());
  EXPECT_EQ(limits.memory->limit, 64 * mib);
  EXPECT_EQ(limits.memory->swap, 128 * mib);
}

TEST(ChangedLimits, NoLimitOfProcessesIsWrittenAsSuch) {
  const auto limits = changed_limits({}, asking([](auto& r) { r.PidsLimit = 0; }), {});
  ASSERT_TRUE(limits.pids.has_value());
  EXPECT_EQ(limits.pids->limit, -1);
}

}  // namespace
}  // namespace berth::containers

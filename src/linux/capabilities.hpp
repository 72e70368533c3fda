// Capabilities by name, and the sets of the calling thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace berth::kernel {

/// Bit n stands for capability number n.
using CapabilitySet = std::uint64_t;

constexpr CapabilitySet capability_bit(int number) {
  return CapabilitySet{1} << static_cast<unsigned>(number);
}

/// The number of "CAP_NET_ADMIN"; "NET_ADMIN" and lower case are understood too.
std::optional<int> find_capability(std::string_view name);

/// Every name known to us, "CAP_CHOWN" first; the index is the number.
std::span<const std::string_view> capability_names();

/// The highest capability that the running kernel knows and we have a name for.
int last_capability();

/// All capabilities that this process may hand on: the bounding set.
CapabilitySet bounding_set();

/// Removes from the bounding set what is not in `keep`. Needs CAP_SETPCAP.
void limit_bounding_set(CapabilitySet keep);

struct CapabilitySets {
  CapabilitySet effective = 0;
  CapabilitySet permitted = 0;
  CapabilitySet inheritable = 0;
};

CapabilitySets capabilities();
void set_capabilities(const CapabilitySets& sets);

/// The ambient set becomes `wanted`: each of it must be permitted and inheritable.
void set_ambient_capabilities(CapabilitySet wanted);

}  // namespace berth::kernel

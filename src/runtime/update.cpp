// New limits for a container that runs.
#include <algorithm>
#include <limits>

#include "base/error.hpp"
#include "base/strings.hpp"
#include "base/undo.hpp"
#include "runtime/resources.hpp"
#include "runtime/runtime.hpp"

namespace berth::runtime {
namespace {

constexpr const char* memory_file = "memory.limit_in_bytes";
constexpr const char* swap_file = "memory.memsw.limit_in_bytes";

std::uint64_t number_of(std::string_view text) {
  return parse_number<std::uint64_t>(trim(text)).value_or(std::numeric_limits<std::uint64_t>::max());
}

}  // namespace

void order_memory_writes(std::vector<ControlWrite>& writes, std::uint64_t present_swap_limit) {
  const auto memory = std::ranges::find(writes, memory_file, &ControlWrite::file);
  const auto swap = std::ranges::find(writes, swap_file, &ControlWrite::file);
  if (memory == writes.end() || swap == writes.end()) return;
  if (number_of(memory->value) > present_swap_limit) std::iter_swap(memory, swap);
}

void update_resources(const std::string& cgroup, const oci::runtime::Resources& resources) {
  const auto& layout = kernel::cgroup_layout();
  auto writes = plan_resources(resources, layout.unified).writes;
  if (const auto present = kernel::find_control(layout, cgroup, "memory", swap_file)) {
    order_memory_writes(writes, number_of(*present));
  }
  Undo undo;
  for (const auto& write : writes) {
    const auto before = kernel::find_control(layout, cgroup, write.controller, write.file);
    try {
      kernel::write_cgroup(layout, cgroup, write.controller, write.file, write.value);
    } catch (const Error& error) {
      if (!write.optional || error.kind() != Kind::unsupported) throw;
      continue;
    }
    undo.add([&layout, &cgroup, &write, before] {
      try {
        if (before) kernel::write_cgroup(layout, cgroup, write.controller, write.file, trim(*before));
      } catch (const Error&) {
        // The limit that could be set stays: the error that is under way says what could not.
      }
    });
  }
  undo.dismiss();
}

}  // namespace berth::runtime

#include "containers/host_facts.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/strings.hpp"
#include "linux/capabilities.hpp"
#include "linux/cgroup.hpp"

namespace berth::containers {
namespace {

std::string line_of(const fs::path& path, std::string_view otherwise) {
  std::error_code missing;
  if (!fs::exists(path, missing)) return std::string{otherwise};
  const auto text = read_file(path);
  const auto line = trim(text);
  return std::string{line.empty() ? otherwise : line};
}

bool has_file(const kernel::CgroupLayout& layout, const char* controller, const char* file) {
  const auto* hierarchy = layout.find(controller);
  std::error_code missing;
  return hierarchy != nullptr && fs::exists(fs::path{hierarchy->mount_point} / file, missing);
}

std::vector<std::string> thermal_throttle(int cpus) {
  std::vector<std::string> found;
  for (int cpu = 0; cpu < cpus; ++cpu) {
    auto path = fmt::format("/sys/devices/system/cpu/cpu{}/thermal_throttle", cpu);
    std::error_code missing;
    if (fs::exists(path, missing)) found.push_back(std::move(path));
  }
  return found;
}

HostFacts read() {
  HostFacts facts;
  const auto& layout = kernel::cgroup_layout();
  facts.cgroup_v2 = layout.unified;
  const bool v1 = !layout.unified;
  facts.has_swap_limit = v1 ? has_file(layout, "memory", "memory.memsw.limit_in_bytes") : fs::exists("/proc/swaps");
  facts.has_swappiness = v1 && has_file(layout, "memory", "memory.swappiness");
  facts.has_oom_control = v1 && has_file(layout, "memory", "memory.oom_control");
  facts.has_pids_limit = layout.find("pids") != nullptr;
  facts.cpus = static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN));
  const auto* cpuset = layout.find("cpuset");
  const fs::path root = cpuset == nullptr ? fs::path{"/nonexistent"} : fs::path{cpuset->mount_point};
  facts.cpu_list =
      line_of(root / (v1 ? "cpuset.cpus" : "cpuset.cpus.effective"), line_of("/sys/devices/system/cpu/online", "0"));
  facts.memory_nodes =
      line_of(root / (v1 ? "cpuset.mems" : "cpuset.mems.effective"), line_of("/sys/devices/system/node/online", "0"));
  const auto set = kernel::bounding_set();
  for (int number = 0; number <= kernel::last_capability(); ++number) {
    if ((set & kernel::capability_bit(number)) == 0) continue;
    facts.capabilities.emplace_back(kernel::capability_names()[static_cast<std::size_t>(number)]);
  }
  facts.thermal_throttle = thermal_throttle(static_cast<int>(::sysconf(_SC_NPROCESSORS_CONF)));
  facts.has_unprivileged_ports = fs::exists("/proc/sys/net/ipv4/ip_unprivileged_port_start");
  facts.has_ping_group = fs::exists("/proc/sys/net/ipv4/ping_group_range");
  return facts;
}

}  // namespace

const HostFacts& host_facts() {
  static const HostFacts facts = read();
  return facts;
}

std::string host_name() {
  utsname name{};
  ::uname(&name);
  return name.nodename;
}

std::set<int> parse_number_list(const std::string& text) {
  constexpr int most = 8192;  // as many as the kernel can have processors
  std::set<int> numbers;
  for (const auto& part : split(text, ',')) {
    const auto ends = split_once(part, '-');
    const auto first = parse_number<int>(ends ? ends->first : std::string_view{part});
    const auto last = ends ? parse_number<int>(ends->second) : first;
    if (!first || !last || *first < 0 || *last < *first || *last >= most) {
      throw Error{Kind::invalid, "invalid list of numbers {}", quote(text)};
    }
    for (int number = *first; number <= *last; ++number) numbers.insert(number);
  }
  return numbers;
}

}  // namespace berth::containers

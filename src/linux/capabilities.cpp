#include "linux/capabilities.hpp"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

#include "base/error.hpp"
#include "base/strings.hpp"

namespace berth::kernel {
namespace {

constexpr std::array<std::string_view, 41> names = {
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
};

__user_cap_header_struct header() {
  return {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
}

constexpr __u32 low(CapabilitySet set) {
  return static_cast<__u32>(set);
}
constexpr __u32 high(CapabilitySet set) {
  return static_cast<__u32>(set >> 32U);
}
constexpr CapabilitySet whole(__u32 low_half, __u32 high_half) {
  return CapabilitySet{high_half} << 32U | low_half;
}

}  // namespace

std::optional<int> find_capability(std::string_view name) {
  std::string upper = to_upper(name);
  if (!upper.starts_with("CAP_")) upper = "CAP_" + upper;
  for (std::size_t number = 0; number < names.size(); ++number) {
    if (names[number] == upper) return static_cast<int>(number);
  }
  return std::nullopt;
}

std::span<const std::string_view> capability_names() {
  return names;
}

int last_capability() {
  for (int number = static_cast<int>(names.size()) - 1; number > 0; --number) {
    if (::prctl(PR_CAPBSET_READ, number, 0, 0, 0) >= 0) return number;
  }
  return 0;
}

CapabilitySet bounding_set() {
  CapabilitySet set = 0;
  for (int number = 0; number < static_cast<int>(names.size()); ++number) {
    if (::prctl(PR_CAPBSET_READ, number, 0, 0, 0) == 1) set |= capability_bit(number);
  }
  return set;
}

void limit_bounding_set(CapabilitySet keep) {
  // Beyond our names too: what a newer kernel knows is dropped as well. EINVAL says that there are no more.
  for (int number = 0; number < 64; ++number) {
    if ((keep & capability_bit(number)) != 0 || ::prctl(PR_CAPBSET_DROP, number, 0, 0, 0) == 0) continue;
    if (errno == EINVAL) return;
    throw Error::from_errno(errno, "drop capability {} from the bounding set", number);
  }
}

CapabilitySets capabilities() {
  auto head = header();
  std::array<__user_cap_data_struct, 2> data{};
  if (::syscall(SYS_capget, &head, data.data()) < 0) throw Error::from_errno(errno, "get capabilities");
  return {.effective = whole(data[0].effective, data[1].effective),
          .permitted = whole(data[0].permitted, data[1].permitted),
          .inheritable = whole(data[0].inheritable, data[1].inheritable)};
}

void set_capabilities(const CapabilitySets& sets) {
  auto head = header();
  const std::array<__user_cap_data_struct, 2> data = {{
      {.effective = low(sets.effective), .permitted = low(sets.permitted), .inheritable = low(sets.inheritable)},
      {.effective = high(sets.effective), .permitted = high(sets.permitted), .inheritable = high(sets.inheritable)},
  }};
  if (::syscall(SYS_capset, &head, data.data()) < 0) throw Error::from_errno(errno, "set capabilities");
}

void set_ambient_capabilities(CapabilitySet wanted) {
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0) {
    throw Error::from_errno(errno, "clear ambient capabilities");
  }
  for (int number = 0; number < 64; ++number) {
    if ((wanted & capability_bit(number)) == 0) continue;
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0) < 0) {
      throw Error::from_errno(errno, "raise ambient capability {}", number);
    }
  }
}

}  // namespace berth::kernel

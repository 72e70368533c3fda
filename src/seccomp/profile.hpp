// What a seccomp profile says, whichever notation it came in: Docker's JSON, an OCI configuration, or our default
// table.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "oci/runtime_spec.hpp"

namespace berth::seccomp {

/// A system call interface of the kernel: its own numbers, sizes of arguments and calling instruction.
enum class Abi { x86_64, x86, x32, aarch64, arm };

/// What the kernel does with a call: a SECCOMP_RET_... value, with the errno in its lower half.
using Verdict = std::uint32_t;
Verdict allow() noexcept;
Verdict fail_with(int errno_value) noexcept;

enum class Compare { equal, not_equal, less, less_or_equal, greater, greater_or_equal, masked_equal };

/// One test of an argument, unsigned. `masked_equal`: (argument & value) == value_two.
struct Condition {
  std::uint32_t index = 0;  ///< 0 to 5
  Compare compare = Compare::equal;
  std::uint64_t value = 0;
  std::uint64_t value_two = 0;
  /// Look at the lower 32 bits only, for an argument that the kernel takes as an int: it drops the upper bits, so a
  /// filter that looks at them can be walked around by setting one.
  bool lower_half = false;

  friend bool operator==(const Condition&, const Condition&) = default;
};

/// The verdict on some calls if all conditions hold. Of several rules for a call those with conditions are tried first,
/// in order, then the first one without; if none holds, the profile's default verdict stands.
struct Rule {
  std::vector<std::string> names;  ///< names that an ABI does not have are left out there
  Verdict verdict = 0;
  std::vector<Condition> conditions;
};

struct Profile {
  Verdict default_verdict = 0;
  /// The native one first. Calls through others kill the thread; x32's do not exist then, as on most kernels.
  std::vector<Abi> abis;
  std::vector<Rule> rules;
};

/// What conditional parts of a profile depend on besides the capabilities.
struct Host {
  Abi native = Abi::x86_64;
  int kernel_major = 0;
  int kernel_minor = 0;
  bool has_x32 = true;  ///< without, a third of the filter is left out: loading it costs the start of every container
};
/// The machine this program runs on; throws `unsupported` on an architecture that Berth does not know.
Host current_host();

/// Names as in a runtime configuration: "CAP_SYS_ADMIN".
using CapabilitySet = std::set<std::string, std::less<>>;

/// The profile of a container that asked for none.
///
/// Docker's default of the 28 series (reference: moby/profiles seccomp/default.json), and stricter in two places:
/// AF_ALG and AF_VSOCK stay out of reach through socketcall(2) of i386, and through families with bits above the
/// lower 32.
Profile default_profile(const Host& host, const CapabilitySet& capabilities);

/// A profile in Docker's format, as in `--security-opt seccomp=<json>`. Throws `invalid`.
Profile parse_docker_profile(std::string_view text, const Host& host, const CapabilitySet& capabilities);

/// linux.seccomp of an OCI configuration. Throws `invalid`, and `unsupported` for SCMP_ACT_NOTIFY.
Profile from_oci(const oci::runtime::Seccomp& seccomp, const Host& host);

}  // namespace berth::seccomp

// A profile as a program for the kernel's seccomp machine.
#pragma once

#include <linux/filter.h>

#include <vector>

#include "seccomp/profile.hpp"

namespace berth::seccomp {

using Program = std::vector<sock_filter>;

/// Compiles a profile to classic BPF that looks up the call's number in a binary tree of ranges.
///
/// Calls newer than all that the profile names for an ABI fail with ENOSYS instead of a refusing default verdict (as
/// with runc), so that programs built for newer kernels use their fallback. Throws `invalid` if the program is longer
/// than the kernel takes (4096 instructions).
Program compile(const Profile& profile);

}  // namespace berth::seccomp

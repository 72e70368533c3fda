// Mount options as words ("ro", "rbind", "mode=755") turned into what the kernel's calls take.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "linux/mount.hpp"

namespace berth::runtime {

struct MountOptions {
  bool bind = false;
  bool recursive = false;  ///< rbind: with the mounts below
  bool copy_up = false;    ///< tmpcopyup: a tmpfs starts with what the image has at that place
  bool remount = false;
  kernel::MountAttributes attributes;
  kernel::MountAttributes recursive_attributes;  ///< rro, rnosuid...: for the mounts below too
  std::uint64_t propagation = 0;                 ///< MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE
  bool recursive_propagation = false;
  /// Options of the file system itself in their order; a flag has an empty value and no '='.
  std::vector<std::pair<std::string, std::string>> data;
};

/// Reads options as runc does; what is no known word goes to the file system. Throws `invalid` on what is asked for and
/// cannot be had (idmap).
MountOptions parse_mount_options(std::span<const std::string> words);

/// "slave", "rshared"... of linux.rootfsPropagation; empty: none. Throws `invalid` on another word.
MountOptions parse_propagation(const std::string& word);

/// The words that are options of mounts, not of file systems; for `features`.
std::vector<std::string> known_mount_options();

}  // namespace berth::runtime

// seccomp: which system calls a container may make, as a program for the kernel.
//
// A profile (profile.hpp: our default table, Docker's JSON, an OCI configuration) is compiled (compile.hpp) when a
// container is created, and kept here as a file that berth-shim loads: nothing is compiled when a container starts.
//
// Uses: base, oci.   Used by: containers, engine, bin (berth-runtime).   Threads: any.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/file.hpp"
#include "base/guarded.hpp"
#include "seccomp/profile.hpp"

namespace berth::seccomp {

/// Compiled filters in a directory, each named after its own digest: an array of sock_filter, as the kernel takes it.
///
/// A filter is compiled once per distinct question while the object lives, and written once for ever. The directory is
/// trusted: it is made 0700.
class FilterCache {
 public:
  explicit FilterCache(fs::path directory);

  /// The path of the default profile's filter for a process with this bounding set.
  fs::path default_filter(const CapabilitySet& capabilities);

  /// The same for a profile in Docker's notation. Throws `invalid` if it is none.
  fs::path docker_filter(std::string_view profile, const CapabilitySet& capabilities);

 private:
  fs::path store(const Profile& profile) const;
  template <class Make>
  fs::path remembered(std::string question, Make&& make);

  fs::path directory_;
  Host host_;
  Guarded<std::map<std::string, fs::path>> paths_;
};

}  // namespace berth::seccomp

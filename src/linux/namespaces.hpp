// Namespaces by the names that the runtime-spec uses, and what a new network namespace needs before it is of use.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/fd.hpp"

namespace berth::kernel {

struct NamespaceType {
  std::string_view name;  ///< "network"
  std::string_view file;  ///< of /proc/<pid>/ns: "net"
  std::uint64_t flag;     ///< CLONE_NEWNET
};

std::span<const NamespaceType> namespace_types();
std::optional<NamespaceType> find_namespace_type(std::string_view name);

/// Enters the namespace that is open as `fd`.
void enter_namespace(FdRef fd, std::uint64_t flag, std::string_view what);
/// The same by path, "/proc/123/ns/net". Throws if it is not one of this type.
void enter_namespace(const std::string& path, std::uint64_t flag);

/// Sets the loopback interface of the calling process's network namespace up.
void set_loopback_up();

/// A new network namespace with its loopback interface up, the caller's own being left as it is.
UniqueFd make_network_namespace();

}  // namespace berth::kernel

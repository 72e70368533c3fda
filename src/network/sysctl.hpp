// Settings of the host's own network, in /proc/sys/net.
#pragma once

#include <string>
#include <string_view>

namespace berth::network {

/// Writes it unless it has this value. Throws what the kernel says.
void set_host_sysctl(const std::string& name, std::string_view value);
/// The same; a failure is a warning in the log that says what will not work.
void try_set_host_sysctl(const std::string& name, std::string_view value, std::string_view consequence);

}  // namespace berth::network

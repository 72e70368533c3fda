// HostConfig.NetworkMode in words: default, bridge, none, host, container:NAME, or a network's name or ID.
#pragma once

#include <string>
#include <string_view>

namespace berth::containers {

inline constexpr std::string_view default_network = "bridge";
inline constexpr std::string_view container_mode_prefix = "container:";

/// The network of another container; `target_of` says whose.
inline bool is_container_mode(std::string_view mode) {
  return mode.starts_with(container_mode_prefix);
}
inline std::string_view target_of(std::string_view mode) {
  return mode.substr(container_mode_prefix.size());
}

/// A network namespace that is the container's own.
inline bool has_own_network(std::string_view mode) {
  return mode != "host" && !is_container_mode(mode);
}

/// A network that somebody has created: it has names, and its containers may ask for addresses.
inline bool is_user_defined(std::string_view network) {
  return network != "" && network != "default" && network != default_network && network != "none" &&
         network != "host" && !is_container_mode(network);
}

/// The network that a mode stands for.
inline std::string network_of(std::string_view mode) {
  return std::string{mode.empty() || mode == "default" ? default_network : mode};
}

}  // namespace berth::containers

// Listening sockets from the addresses that -H takes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hpp"
#include "base/file.hpp"

namespace berth::api {

struct Listener {
  UniqueFd socket;
  bool tcp = false;
  fs::path path;  ///< of a unix socket that we made, removed when we stop
};

/// Opens what an address names.
///
/// `unix:///path`: mode 0660, group docker or berth if there is one; a socket that nobody answers on is replaced, a
/// live one is `conflict`. `tcp://host:port`: all addresses of the host. `fd://`: the sockets that systemd handed over
/// (LISTEN_FDS); `fd://N`: that descriptor.
std::vector<Listener> listen_on(std::string_view address);

}  // namespace berth::api

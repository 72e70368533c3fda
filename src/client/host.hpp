// Where the daemon listens.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.hpp"

namespace berth::client {

inline constexpr std::string_view default_host = "unix:///run/berth/berth.sock";

/// An address of a daemon: `unix://<path>` or `tcp://<host>[:<port>]` (default port 2375).
struct Host {
  enum class Transport { unix_socket, tcp };

  Transport transport = Transport::unix_socket;
  std::string path;  ///< of the unix socket
  std::string name;  ///< name or address of the tcp host
  std::uint16_t port = 0;
  std::string text;  ///< as the user wrote it, for messages
};

/// Throws `invalid`, worded as docker does, on a scheme that is not ours.
Host parse_host(std::string_view text);

/// A blocking stream socket; throws `unavailable` if nobody listens there.
UniqueFd connect(const Host& host);

}  // namespace berth::client

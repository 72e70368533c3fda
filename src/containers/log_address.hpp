// Addresses of log receivers, as users write them and as a shim takes them. Only for this folder.
#pragma once

#include <string>

#include "shim/bundle.hpp"

namespace berth::containers {

/// The parts of "scheme://host:port/path" that name a receiver. "[::1]" loses its brackets.
struct ReceiverUrl {
  std::string scheme;
  std::string host;
  std::string port;
  std::string path;
};

/// Throws `invalid` with the text of Go's url.Parse.
ReceiverUrl parse_receiver_url(const std::string& text);

/// "host:port", an IPv6 address in brackets. Throws `invalid` beyond port 65535.
std::string host_and_port(const ReceiverUrl& url, int default_port);

inline constexpr const char* journald_socket = "/run/systemd/journal/socket";

/// What Docker looks at on the host when a container is created: a socket that was named must be there. Throws
/// `invalid` with its text.
void check_receiver(const shim::LogSettings& settings);

/// Turns names into numbers: a shim has no resolver. Throws `internal` with Docker's text if a name is unknown, or if
/// nobody listens where the driver has to send.
void resolve_receiver(shim::LogSettings& settings);

}  // namespace berth::containers

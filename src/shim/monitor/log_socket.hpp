// Sockets to receivers of logs.
#pragma once

#include <chrono>

#include "base/fd.hpp"
#include "shim/bundle.hpp"

namespace berth::shim {

/// A socket that does not block, and what is to come of it.
struct LogSocket {
  UniqueFd fd;
  bool is_connected = false;  ///< otherwise it will be writable once it is, or has failed: ask `take_error`
};

/// Begins to connect. Throws if it fails at once, in the words of Go's dialer, as Docker's users know them.
LogSocket begin_connection(const LogAddress& address);

/// Waits until the connection is there; throws in the same words.
UniqueFd connect_to(const LogAddress& address, std::chrono::milliseconds patience);

/// The errno that a socket has met since it was asked last; 0: none.
int take_error(FdRef socket) noexcept;

/// Whether a message is one packet, and there is no end of file to see.
bool is_datagram(const LogAddress& address);

}  // namespace berth::shim

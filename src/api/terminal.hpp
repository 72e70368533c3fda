// What requests about standard streams have in common, of containers and of further processes.
#pragma once

#include <string_view>

#include "api/request.hpp"

namespace berth::api {

/// The media type that says whether frames with headers follow.
std::string_view stream_type(bool tty, ApiVersion version);

/// `h` and `w` of a request to resize.
struct TerminalSize {
  unsigned height = 0;
  unsigned width = 0;
};
/// Throws `invalid` with Docker's text.
TerminalSize parse_terminal_size(const Request& request);

/// Waits until the client of a hijacked connection has read the answer's head, 100 ms at most.
///
/// python3-docker reads the head through a buffer that it drops afterwards: of output that comes right behind the head
/// it would lose the beginning.
void let_client_read_head(FdRef connection);

}  // namespace berth::api

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

}  // namespace berth::api

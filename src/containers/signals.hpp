// Names of signals.
#pragma once

#include <string_view>

namespace berth::containers {

/// "KILL", "SIGKILL", "sigkill", "RTMIN+3" or "9"; throws `invalid` with Docker's text.
int parse_signal(std::string_view text);

}  // namespace berth::containers

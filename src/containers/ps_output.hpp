// What the host's ps prints, as `docker top` shows it. Only for this folder.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "containers/containers.hpp"

namespace berth::containers {

/// Throws with Docker's text if a column other than the process ID is renamed to "PID...": it would be taken for it.
void check_ps_args(std::string_view ps_args);

/// The lines of these processes and of their threads; text beyond the last title belongs to the last column. Throws
/// with Docker's texts if there is no column PID.
Processes parse_ps_output(std::string_view output, const std::vector<pid_t>& pids);

}  // namespace berth::containers

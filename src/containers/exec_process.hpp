// What a further process of a container is made of, for those that users ask for and for probes. Only for this folder.
#pragma once

#include <string>

#include "base/error.hpp"
#include "base/file.hpp"
#include "containers/container.hpp"
#include "containers/exec.hpp"
#include "shim/bundle.hpp"

namespace berth::containers {

/// The process as process 1's bundle describes it, changed by what was asked for. `links`: the variables of --link.
/// `info` is left to the caller.
shim::ExecSettings exec_settings(Container& container, const ExecConfig& config, const ExecStart& start,
                                 const fs::path& bundle, const std::vector<std::string>& links);

/// The command as events show it.
std::string command_of(const ExecConfig& config);

/// Docker's words around the runtime's, which clients and scripts look into.
Error exec_failure(const Error& error);

}  // namespace berth::containers

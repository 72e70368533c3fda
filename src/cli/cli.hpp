// cli: the docker-compatible command line.
//
// One file per command, named as the group and the verb (container_run.cpp); commands.cpp lists them. A command
// declares its flags (command.hpp), calls the daemon through client/, and prints what docker prints (formatter.hpp).
// Knows nothing of the engine that is not in the Engine API.
//
// Uses: base, templates, client.   Used by: bin/berth.   Threads: one.
#pragma once

#include <string>
#include <vector>

#include "cli/session.hpp"

namespace berth::cli {

/// Runs `berth` with these arguments (the program's name first) and returns its exit code.
int run(const std::vector<std::string>& arguments, const Console& console);

}  // namespace berth::cli

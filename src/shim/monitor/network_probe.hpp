// A question that is asked over the container's network without any program of the container: a TCP connection, and an
// HTTP request over it.
#pragma once

#include <sys/types.h>

#include "base/fd.hpp"
#include "runtime/runtime.hpp"
#include "shim/bundle.hpp"

namespace berth::shim {

/// Starts a process that asks in the network namespace of process `init`, writes one line about the answer to `output`
/// and ends with 0 if all is well, or 1. It runs our own code, as nobody; what the container answers is not trusted.
runtime::Exec start_network_probe(pid_t init, const NetworkProbe& probe, FdRef output);

}  // namespace berth::shim

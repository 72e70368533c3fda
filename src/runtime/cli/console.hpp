// The container's terminal at the command line: handed to whoever listens at --console-socket, or joined with ours.
#pragma once

#include <string>

#include "base/fd.hpp"

namespace berth::runtime::cli {

/// Sends the master side over a unix socket, as containerd and podman expect it.
void send_console(const std::string& socket_path, FdRef console);

/// Copies between our terminal, which is made raw meanwhile, and the container's until the process has ended and its
/// output is drained. Signals that we get are passed on, and changes of size. `console` may be empty: then it only
/// waits. Returns the exit code, 128+n for a signal. Reaps the process.
int attend(pid_t pid, FdRef pidfd, FdRef console);

}  // namespace berth::runtime::cli

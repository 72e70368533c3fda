// The one way to start another program.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "base/fd.hpp"

namespace berth {

struct SpawnOptions {
  std::string program;                   ///< absolute path, or a path of the form /proc/self/fd/N
  std::vector<std::string> arguments;    ///< argv, program's name included
  std::vector<std::string> environment;  ///< exactly this, nothing is inherited
  std::vector<std::pair<int, int>> fds;  ///< {descriptor here, number there}; all others are closed on exec
  bool new_session = false;              ///< setsid: survives the terminal and the process group of the parent
};

/// A started child, known by pid and pidfd. Whoever holds it waits for it.
struct Spawned {
  pid_t pid = -1;
  UniqueFd pidfd;
};

/// Starts a program from a multi-threaded process without running any code of ours between fork and exec.
///
/// Standard input, output and error are /dev/null unless listed in `fds`. Signals are reset. Throws `not_found` and
/// others with the errno if exec fails.
Spawned spawn(const SpawnOptions& options);

/// Reaps a child; returns its exit code, 128+n for a signal. Blocks.
int wait_for_exit(pid_t pid);

}  // namespace berth

// Process 1 of a container between clone and exec.
#pragma once

#include <utility>
#include <vector>

#include "base/fd.hpp"
#include "runtime/plan.hpp"

namespace berth::runtime {

/// {descriptor here, number in the container}
using ExtraFds = std::vector<std::pair<int, int>>;

/// Descriptors that the container's program gets; the numbers are those of this process.
struct Streams {
  FdRef in{-1};
  FdRef out{-1};
  FdRef err{-1};
  ExtraFds extra;
};

struct InitRequest {
  Plan& plan;
  Streams streams;
  FdRef channel{-1};            ///< to the process that made us
  FdRef network_namespace{-1};  ///< made in advance; entered in place of making one
  FdRef start_listener{-1};     ///< wait for `start` on a connection to this socket; else on the channel
  bool wait_for_start = false;
  bool has_hooks = false;  ///< the parent runs hooks before the root is entered
};

/// Makes the container around this process and executes its program; failures are told through the channel.
[[noreturn]] void run_init(InitRequest request) noexcept;

/// Puts the streams to 0, 1 and 2 and gives them to `owner`; `null` stands in for what is missing.
void install_streams(const Streams& streams, FdRef null, uid_t owner);

/// A copy of a descriptor above all numbers that the program gets.
FdRef move_up(FdRef fd, const ExtraFds& extra);

/// Puts the extra descriptors to their numbers. What this process still needs has been moved up.
void install_extra(const ExtraFds& extra);

/// Makes the terminal's slave the controlling terminal of this session and streams 0 to 2.
void install_terminal(FdRef slave, uid_t owner);

}  // namespace berth::runtime

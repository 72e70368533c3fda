// berth-shim: the monitor of one container. Takes its work from descriptor 3; see shim/protocol.hpp.
#include <fmt/core.h>

#include <cstdlib>

#include "runtime/runtime.hpp"
#include "shim/monitor/monitor.hpp"

int main() {
  using namespace berth;
  try {
    UniqueFd control{shim::control_fd};
    set_cloexec(control, true);
    shim::prepare_process();
    const shim::RuntimeCalls calls{.create = runtime::create,
                                   .exec = runtime::exec,
                                   .destroy_cgroup = runtime::destroy_cgroup,
                                   .oom_killed = runtime::oom_killed,
                                   .warm_up = runtime::warm_up};
    shim::Monitor monitor{std::move(control), calls};
    monitor.run();
    return EXIT_SUCCESS;
  } catch (const std::exception& error) {
    fmt::print(stderr, "berth-shim: {}\n", error.what());
    return EXIT_FAILURE;
  }
}

// What the invocations of the command line share: <root>/<id>/, mode 0700, with state.json and, until the start, the
// socket at which process 1 waits.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "runtime/cli/command_line.hpp"

namespace berth::runtime::cli {

enum class Status { creating, created, running, paused, stopped };
std::string_view to_string(Status status);

/// state.json. Times are text as RFC 3339 has it.
struct State {
  std::string id;
  pid_t pid = 0;
  std::uint64_t start_time = 0;  ///< field 22 of /proc/<pid>/stat: tells the process from a later one of its number
  std::string bundle;
  std::string rootfs;
  std::string cgroup;
  std::string created;
  std::string seccomp_filter;
  unsigned seccomp_flags = 0;
  std::map<std::string, std::string> annotations;
};
BOOST_DESCRIBE_STRUCT(State, (),
                      (id, pid, start_time, bundle, rootfs, cgroup, created, seccomp_filter, seccomp_flags,
                       annotations))

/// The directory of a container that exists. Throws `not_found`: `container "x" does not exist`.
fs::path state_directory(const Settings& settings, const std::string& id);

/// Makes the directory of a new container; throws `conflict` if there is one.
fs::path make_state_directory(const Settings& settings, const std::string& id);

State read_state(const Settings& settings, const std::string& id);
void write_state(const fs::path& directory, const State& state);
std::vector<State> all_states(const Settings& settings);

Status status_of(const Settings& settings, const State& state);
std::uint64_t start_time_of(pid_t pid);
inline bool is_alive(const State& state) {
  return state.pid > 0 && start_time_of(state.pid) == state.start_time;
}

/// The state as the runtime-spec has it, for `state` and for hooks.
json::Object public_state(const State& state, Status status);

inline constexpr const char* start_socket = "start.sock";

}  // namespace berth::runtime::cli

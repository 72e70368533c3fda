// runtime: makes one container out of an OCI runtime configuration, on linux/.
//
// `create` makes namespaces, cgroup, mounts and process 1 in one pass; the process either runs at once or waits for
// `start`. Works from a single-threaded program (berth-shim, berth-runtime), because it clones. Knows nothing of
// images, logs or the daemon: whoever calls it owns the standard streams, waits for the process and decides what an
// exit means.
//
// Uses: base, oci, linux.   Used by: shim, bin (berth-runtime).   Threads: one.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "base/file.hpp"
#include "oci/runtime_spec.hpp"

namespace berth::runtime {

/// An overlay root that is mounted inside the container's own mount namespace, so that the host never sees it.
struct Overlay {
  std::vector<std::string> lower;  ///< absolute, topmost layer first; any number
  std::string upper;
  std::string work;
};

struct CreateRequest {
  std::string id;
  fs::path bundle;
  oci::runtime::Spec spec;
  std::optional<Overlay> overlay;  ///< instead of spec.root.path
  /// "user[:group]" as Docker's `User`, resolved in the /etc/passwd and /etc/group of the image; empty:
  /// spec.process.user.
  std::string user;
  std::vector<std::string> additional_groups;  ///< Docker's GroupAdd: names or numbers
  std::string seccomp_filter;  ///< path of a compiled filter (array of sock_filter); empty: none. spec.linux.seccomp is
                               ///< compiled elsewhere
  unsigned seccomp_flags = 0;  ///< SECCOMP_FILTER_FLAG_...
  FdRef stdin_fd{-1};          ///< what the container gets as 0, 1, 2 without a terminal; /dev/null where -1
  FdRef stdout_fd{-1};
  FdRef stderr_fd{-1};
  std::vector<std::pair<int, int>> extra_fds;  ///< {descriptor here, number in the container}, e.g. LISTEN_FDS
  bool wait_for_start = false;                 ///< OCI `create`: process 1 waits until `start`
  /// With wait_for_start: a listening SOCK_SEQPACKET socket to whose connections `start_at` speaks, for a program other
  /// than the maker. Without it `start` speaks through Init::start_gate.
  FdRef start_listener{-1};
  /// One with its loopback up that was made in advance; taken if the configuration asks for a new one.
  FdRef network_namespace{-1};
};

/// How far a failed start had come: Docker answers with different exit codes.
enum class StartFailure {
  setup,           ///< the container could not be made (exit code 128 or 125 at the command line)
  not_found,       ///< the program is not in the image (127)
  not_executable,  ///< the program cannot be executed (126)
};

/// Thrown by `create` and `start` in place of a plain Error when the program itself was the problem.
class ExecError : public Error {
 public:
  ExecError(StartFailure failure, Error error) : Error(std::move(error)), failure_(failure) {}
  [[nodiscard]] StartFailure failure() const noexcept { return failure_; }

 private:
  StartFailure failure_;
};

/// A created container's process 1 and what belongs to it.
struct Init {
  pid_t pid = -1;
  UniqueFd pidfd;
  UniqueFd console;     ///< master side of the container's terminal if spec.process.terminal
  std::string cgroup;   ///< path of the container's cgroup, relative to each hierarchy's root
  UniqueFd start_gate;  ///< with wait_for_start: what `start` opens
  /// Keeps the mounts until it is closed, so that taking them down does not delay the exit of the last process. Close
  /// it when the exit has been reported.
  UniqueFd mounts;
};

/// Makes the container. Nothing is left behind if it throws: no process, cgroup or mount.
/// Throws ExecError with Docker's wording: `exec: "foo": executable file not found in $PATH`.
Init create(const CreateRequest& request);

/// Lets a waiting process 1 go on; returns when it has exec'ed, throws ExecError if it could not.
void start(Init& init);
/// The same for a process that waits at CreateRequest::start_listener; `connection` is connected to it.
void start_at(FdRef connection);

/// Reads once what every start needs to know of this machine: for a program that waits for its work anyway.
void warm_up();

/// A further process in a running container.
struct ExecRequest {
  pid_t init = -1;  ///< process 1 of the container
  std::string cgroup;
  oci::runtime::Process process;
  std::string user;  ///< as in CreateRequest
  std::vector<std::string> additional_groups;
  std::string seccomp_filter;
  unsigned seccomp_flags = 0;
  FdRef stdin_fd{-1};
  FdRef stdout_fd{-1};
  FdRef stderr_fd{-1};
  std::vector<std::pair<int, int>> extra_fds;
};

struct Exec {
  pid_t pid = -1;
  UniqueFd pidfd;
  UniqueFd console;
};

/// Starts a process in all namespaces and the cgroup of the container; returns when it has exec'ed. Throws as `create`,
/// `conflict` if process 1 has ended, and `not_found` if it has been reaped.
Exec exec(const ExecRequest& request);

/// Changes limits of a running container; absent ones stay, and device rules are not looked at. Throws what the kernel
/// says (on cgroup version 1 EBUSY for a memory limit below what cannot be reclaimed); the limits are as before then.
void update_resources(const std::string& cgroup, const oci::runtime::Resources& resources);

/// Ends whatever is left in the container's cgroup and removes the cgroup. Never throws; returns false if something
/// stayed.
bool destroy_cgroup(const std::string& cgroup) noexcept;

/// Stops all processes of the container, or lets them go on. Throws if they do not stop within a second.
void set_paused(const std::string& cgroup, bool paused);

/// The processes of the container, numbered as this process sees them.
std::vector<pid_t> processes_of(const std::string& cgroup);

/// True if the kernel killed a process of this cgroup for lack of memory since it was made.
bool oom_killed(const std::string& cgroup) noexcept;

}  // namespace berth::runtime

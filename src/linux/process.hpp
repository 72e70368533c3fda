// Processes by pidfd: clone3, signals, and what a process inherits (limits, namespaces, a system call filter).
#pragma once

#include <linux/filter.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/fd.hpp"

namespace berth::kernel {

/// A child that is killed and reaped by its owner unless released.
class Child {
 public:
  Child() = default;
  Child(pid_t pid, UniqueFd pidfd) noexcept : pid_(pid), pidfd_(std::move(pidfd)) {}
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)), pidfd_(std::move(other.pidfd_)) {}
  Child& operator=(Child&&) = delete;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  [[nodiscard]] FdRef pidfd() const noexcept { return pidfd_; }
  /// Somebody else reaps it now.
  UniqueFd release() noexcept {
    pid_ = -1;
    return std::move(pidfd_);
  }

 private:
  pid_t pid_ = -1;
  UniqueFd pidfd_;
};

/// clone3 with a copy of the address space, handlers of signals cleared, and `flags` (CLONE_NEW...) added. In a v2
/// cgroup if `cgroup` is a descriptor of its directory. Returns nothing in the child. For programs with one thread:
/// whatever another thread held stays locked in the child.
std::optional<Child> clone_process(std::uint64_t flags, FdRef cgroup = FdRef{-1});

/// pidfd_open; throws `not_found` if the process has gone.
UniqueFd open_pidfd(pid_t pid);

/// True once the process has begun to end, or has gone. Process 1 of a PID namespace cannot be reaped as long as others
/// live there, but it has given up its own namespaces.
bool is_ending(pid_t pid);

/// Sends a signal; false if the process has gone.
bool send_signal(FdRef pidfd, int signal);

/// A descriptor of the process's mount namespace, which lives on while it is held. Empty if the process has gone.
UniqueFd mount_namespace_of(FdRef pidfd, pid_t pid);

/// The number of "RLIMIT_NOFILE".
std::optional<int> find_rlimit(std::string_view name);

/// Sets a limit of this process. Where a hard limit may not be raised (no CAP_SYS_RESOURCE) the highest allowed is set.
void set_rlimit(int resource, std::uint64_t soft, std::uint64_t hard);

/// Loads a seccomp filter for all threads to come. Needs no_new_privs or CAP_SYS_ADMIN.
void load_syscall_filter(std::span<const sock_filter> program, unsigned flags);

/// Executes this program again from a read-only mount of its own file, unless it already runs from one: a container
/// that gets hold of /proc/<pid>/exe of a process entering it cannot write to the runtime then (CVE-2019-5736). Goes on
/// without where it may not mount.
void protect_own_program(char** argv) noexcept;

/// Clears the effects of signal masks that the parent may have set.
void unblock_all_signals();

}  // namespace berth::kernel

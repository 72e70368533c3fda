#include "linux/process.hpp"

#include <fcntl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>

#include "base/error.hpp"

#ifndef PIDFD_GET_MNT_NAMESPACE
#define PIDFD_GET_MNT_NAMESPACE _IO(0xFF, 3)  // Linux 6.11
#endif

namespace berth::kernel {
namespace {

struct RlimitName {
  std::string_view name;
  int resource;
};

constexpr RlimitName rlimit_names[] = {
    {"RLIMIT_AS", RLIMIT_AS},
    {"RLIMIT_CORE", RLIMIT_CORE},
    {"RLIMIT_CPU", RLIMIT_CPU},
    {"RLIMIT_DATA", RLIMIT_DATA},
    {"RLIMIT_FSIZE", RLIMIT_FSIZE},
    {"RLIMIT_LOCKS", __RLIMIT_LOCKS},
    {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
    {"RLIMIT_MSGQUEUE", __RLIMIT_MSGQUEUE},
    {"RLIMIT_NICE", __RLIMIT_NICE},
    {"RLIMIT_NOFILE", RLIMIT_NOFILE},
    {"RLIMIT_NPROC", __RLIMIT_NPROC},
    {"RLIMIT_RSS", __RLIMIT_RSS},
    {"RLIMIT_RTPRIO", __RLIMIT_RTPRIO},
    {"RLIMIT_RTTIME", __RLIMIT_RTTIME},
    {"RLIMIT_SIGPENDING", __RLIMIT_SIGPENDING},
    {"RLIMIT_STACK", RLIMIT_STACK},
};

}  // namespace

Child::~Child() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

std::optional<Child> clone_process(std::uint64_t flags, FdRef cgroup) {
  int pidfd = -1;
  clone_args arguments{};
  arguments.flags = flags | CLONE_PIDFD | CLONE_CLEAR_SIGHAND;
  arguments.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
  arguments.exit_signal = SIGCHLD;
  if (cgroup) {
    arguments.flags |= CLONE_INTO_CGROUP;
    arguments.cgroup = static_cast<unsigned>(cgroup.get());
  }
  const auto pid = ::syscall(SYS_clone3, &arguments, sizeof arguments);
  if (pid < 0) throw Error::from_errno(errno, "clone");
  if (pid == 0) return std::nullopt;
  return Child{static_cast<pid_t>(pid), UniqueFd{pidfd}};
}

UniqueFd open_pidfd(pid_t pid) {
  UniqueFd fd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
  if (!fd) throw Error::from_errno(errno, "open process {}", pid).as(errno == ESRCH ? Kind::not_found : Kind::internal);
  return fd;
}

bool is_ending(pid_t pid) {
  return ::access(fmt::format("/proc/{}/ns/mnt", pid).c_str(), F_OK) < 0;
}

bool send_signal(FdRef pidfd, int signal) {
  if (::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0) == 0) return true;
  if (errno == ESRCH) return false;
  throw Error::from_errno(errno, "send signal {}", signal);
}

UniqueFd mount_namespace_of(FdRef pidfd, pid_t pid) {
  UniqueFd fd{::ioctl(pidfd.get(), PIDFD_GET_MNT_NAMESPACE, 0)};
  if (!fd) fd.reset(::open(fmt::format("/proc/{}/ns/mnt", pid).c_str(), O_RDONLY | O_CLOEXEC));
  return fd;
}

std::optional<int> find_rlimit(std::string_view name) {
  const auto* found = std::ranges::find(rlimit_names, name, &RlimitName::name);
  return found == std::end(rlimit_names) ? std::nullopt : std::optional{found->resource};
}

void set_rlimit(int resource, std::uint64_t soft, std::uint64_t hard) {
  const auto which = static_cast<__rlimit_resource_t>(resource);
  rlimit wanted{.rlim_cur = soft, .rlim_max = hard};
  if (::setrlimit(which, &wanted) == 0) return;
  rlimit present{};
  if (errno != EPERM || ::getrlimit(which, &present) < 0)
    throw Error::from_errno(errno, "set resource limit {}", resource);
  wanted.rlim_max = std::min(wanted.rlim_max, present.rlim_max);
  wanted.rlim_cur = std::min(wanted.rlim_cur, wanted.rlim_max);
  if (::setrlimit(which, &wanted) < 0) throw Error::from_errno(errno, "set resource limit {}", resource);
}

void load_syscall_filter(std::span<const sock_filter> program, unsigned flags) {
  // The kernel only reads it; its structure was made before const was thought of.
  const sock_fprog description{.len = static_cast<unsigned short>(program.size()),
                               .filter = const_cast<sock_filter*>(program.data())};
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &description) < 0) {
    throw Error::from_errno(errno, "load the seccomp filter");
  }
}

void protect_own_program(char** argv) noexcept {
  const UniqueFd own{::open("/proc/self/exe", O_PATH | O_CLOEXEC)};
  struct statvfs status {};
  if (!own || ::fstatvfs(own.get(), &status) < 0 || (status.f_flag & ST_RDONLY) != 0) return;
  const UniqueFd mount{::open_tree(own.get(), "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH)};
  mount_attr change{};
  change.attr_set = MOUNT_ATTR_RDONLY;
  if (!mount || ::mount_setattr(mount.get(), "", AT_EMPTY_PATH, &change, sizeof change) < 0) return;
  ::execveat(mount.get(), "", argv, environ, AT_EMPTY_PATH);
}

void unblock_all_signals() {
  sigset_t none{};
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace berth::kernel

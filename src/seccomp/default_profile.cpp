// The default profile: what a container may call, grouped by purpose.
//
// The facts are those of Docker's default profile (moby/profiles seccomp/default.json); tests compare the two when that
// file is at hand. What is not listed is refused with EPERM: among others io_uring, userfaultfd, the keyring, kexec,
// swapping, and all that changes mounts or namespaces.
#include <linux/seccomp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "base/error.hpp"
#include "seccomp/profile.hpp"

namespace berth::seccomp {
namespace {

constexpr const char* always_allowed[] = {
    // Files: open, read, write, position
    "open openat openat2 creat close close_range read write readv writev pread64 pwrite64 preadv pwritev preadv2 "
    "pwritev2 "
    "lseek _llseek dup dup2 dup3 fcntl fcntl64 flock ioctl sendfile sendfile64 splice tee vmsplice copy_file_range "
    "readahead fadvise64 fadvise64_64 fallocate truncate truncate64 ftruncate ftruncate64 sync syncfs fsync fdatasync "
    "sync_file_range name_to_handle_at",
    // Files: names, directories, attributes
    "access faccessat faccessat2 chdir fchdir getcwd chmod fchmod fchmodat fchmodat2 chown chown32 fchown fchown32 "
    "fchownat "
    "lchown lchown32 getdents getdents64 link linkat symlink symlinkat readlink readlinkat unlink unlinkat rename "
    "renameat "
    "renameat2 mkdir mkdirat rmdir mknod mknodat umask stat stat64 fstat fstat64 lstat lstat64 fstatat64 newfstatat "
    "statx "
    "statfs statfs64 fstatfs fstatfs64 statmount listmount utime utimes utimensat utimensat_time64 futimesat",
    "getxattr fgetxattr lgetxattr getxattrat setxattr fsetxattr lsetxattr setxattrat listxattr flistxattr llistxattr "
    "listxattrat removexattr fremovexattr lremovexattr removexattrat",
    // Files: asynchronous and notified
    "io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents io_pgetevents_time64 inotify_init "
    "inotify_init1 "
    "inotify_add_watch inotify_rm_watch fanotify_mark",
    // Memory
    "brk mmap mmap2 munmap mremap mprotect madvise mincore msync mlock mlock2 mlockall munlock munlockall mseal "
    "remap_file_pages memfd_create memfd_secret membarrier pkey_alloc pkey_free pkey_mprotect map_shadow_stack",
    // Processes and threads
    "fork vfork execve execveat exit exit_group wait4 waitid waitpid kill tkill tgkill pidfd_open pidfd_send_signal "
    "process_mrelease getpid getppid gettid getpgid getpgrp setpgid getsid setsid set_tid_address set_thread_area "
    "get_thread_area set_robust_list get_robust_list rseq futex futex_time64 futex_wait futex_waitv futex_wake "
    "futex_requeue "
    "restart_syscall uretprobe prctl seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self",
    // Signals
    "rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait "
    "rt_sigtimedwait_time64 rt_tgsigqueueinfo sigaltstack sigprocmask sigreturn signalfd signalfd4 pause",
    // Users, groups, capabilities
    "getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32 getgroups getgroups32 getresuid getresuid32 "
    "getresgid getresgid32 setuid setuid32 setgid setgid32 setgroups setgroups32 setreuid setreuid32 setregid "
    "setregid32 "
    "setresuid setresuid32 setresgid setresgid32 setfsuid setfsuid32 setfsgid setfsgid32 capget capset",
    // Scheduling and limits
    "sched_yield sched_getaffinity sched_setaffinity sched_getattr sched_setattr sched_getparam sched_setparam "
    "sched_getscheduler sched_setscheduler sched_get_priority_max sched_get_priority_min sched_rr_get_interval "
    "sched_rr_get_interval_time64 getpriority setpriority ioprio_get ioprio_set getcpu getrlimit ugetrlimit setrlimit "
    "prlimit64 getrusage times sysinfo uname cachestat riscv_hwprobe",
    // Time
    "time gettimeofday clock_gettime clock_gettime64 clock_getres clock_getres_time64 clock_nanosleep "
    "clock_nanosleep_time64 clock_adjtime clock_adjtime64 adjtimex nanosleep alarm getitimer setitimer timer_create "
    "timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create "
    "timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64",
    // Waiting
    "select _newselect pselect6 pselect6_time64 poll ppoll ppoll_time64 epoll_create epoll_create1 epoll_ctl "
    "epoll_ctl_old "
    "epoll_wait epoll_wait_old epoll_pwait epoll_pwait2 eventfd eventfd2 pipe pipe2",
    // Sockets; socket itself and i386's socketcall depend on their arguments, see `Sockets` below
    "socketpair bind connect listen accept accept4 getsockname getpeername getsockopt setsockopt shutdown send sendto "
    "sendmsg "
    "sendmmsg recv recvfrom recvmsg recvmmsg recvmmsg_time64",
    // System V and POSIX messages, semaphores, shared memory
    "ipc msgctl msgget msgrcv msgsnd semctl semget semop semtimedop semtimedop_time64 shmat shmctl shmdt shmget "
    "mq_open "
    "mq_unlink mq_notify mq_getsetattr mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 "
    "getrandom",
};

struct CapabilityCalls {
  std::string_view capability;
  const char* names;
};

constexpr CapabilityCalls allowed_with_capability[] = {
    {"CAP_SYS_ADMIN",
     "bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr lsm_list_modules "
     "lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd setdomainname "
     "sethostname setns syslog umount umount2 unshare"},
    {"CAP_DAC_READ_SEARCH", "open_by_handle_at"},
    {"CAP_SYS_BOOT", "reboot"},
    {"CAP_SYS_CHROOT", "chroot"},
    {"CAP_SYS_MODULE", "delete_module init_module finit_module"},
    {"CAP_SYS_PACCT", "acct"},
    {"CAP_SYS_PTRACE", "kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace"},
    {"CAP_SYS_RAWIO", "iopl ioperm"},
    {"CAP_SYS_TIME", "settimeofday stime clock_settime clock_settime64"},
    {"CAP_SYS_TTY_CONFIG", "vhangup"},
    {"CAP_SYS_NICE", "get_mempolicy mbind set_mempolicy set_mempolicy_home_node"},
    {"CAP_SYSLOG", "syslog"},
    {"CAP_BPF", "bpf"},
    {"CAP_PERFMON", "perf_event_open"},
};

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> found;
  while (!text.empty()) {
    const auto end = text.find(' ');
    if (end != 0) found.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return found;
}

class Builder {
 public:
  void permit(std::string_view names, std::vector<Condition> conditions = {}) {
    rules_.push_back({words(names), allow(), std::move(conditions)});
  }
  void refuse(std::string_view names, int errno_value) { rules_.push_back({words(names), fail_with(errno_value), {}}); }
  std::vector<Rule> take() { return std::move(rules_); }

 private:
  std::vector<Rule> rules_;
};

/// All families but AF_ALG (CVE-2026-31431) and AF_VSOCK (reaches the hypervisor past all network namespaces).
void add_sockets(Builder& builder) {
  auto family = [](Compare compare, int value) {
    return Condition{.compare = compare, .value = static_cast<std::uint64_t>(value), .lower_half = true};
  };
  static_assert(AF_ALG + 2 == AF_VSOCK);
  builder.permit("socket", {family(Compare::less, AF_ALG)});
  builder.permit("socket", {family(Compare::equal, AF_ALG + 1)});
  builder.permit("socket", {family(Compare::greater, AF_VSOCK)});
  // socketcall keeps the family in memory, where a filter cannot look: what makes sockets has to be refused whole.
  // glibc and musl have used the direct call since Linux 4.3.
  constexpr std::uint64_t sys_socket = 1;
  builder.permit("socketcall", {{.compare = Compare::not_equal, .value = sys_socket, .lower_half = true}});
}

/// Execution domains that switch no protection off: Linux, BSD's short inodes, uname 2.6, 32-bit uname, and asking.
void add_personalities(Builder& builder) {
  constexpr std::uint64_t per_linux32 = 0x0008;
  constexpr std::uint64_t uname26 = 0x0020000;
  constexpr std::uint64_t ask = 0xffffffff;
  for (const auto domain : {std::uint64_t{0}, per_linux32, uname26, uname26 | per_linux32, ask}) {
    builder.permit("personality", {{.value = domain}});
  }
}

/// New processes, but no new namespaces. clone3's flags are in memory: ENOSYS makes the C library fall back to clone.
void add_clone(Builder& builder) {
  constexpr std::uint64_t namespace_flags = 0x7e020000;  // CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET}
  builder.permit("clone", {{.compare = Compare::masked_equal, .value = namespace_flags, .value_two = 0}});
  builder.refuse("clone3", ENOSYS);
}

void add_architecture(Builder& builder, Abi native) {
  if (native == Abi::x86_64) builder.permit("arch_prctl modify_ldt");
  if (native == Abi::aarch64) {
    builder.permit("arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls");
  }
}

std::vector<Abi> abis_of(const Host& host) {
  if (host.native == Abi::aarch64) return {Abi::aarch64, Abi::arm};
  std::vector<Abi> abis{Abi::x86_64, Abi::x86};
  if (host.has_x32) abis.push_back(Abi::x32);
  return abis;
}

}  // namespace

Host current_host() {
  utsname name{};
  if (uname(&name) != 0) throw Error::from_errno(errno, "uname");
  Host host{.has_x32 = false};
#if defined(__x86_64__)
  host.native = Abi::x86_64;
  constexpr long x32_bit = 0x40000000;
  host.has_x32 = ::syscall(x32_bit | SYS_getpid) > 0;
#elif defined(__aarch64__)
  host.native = Abi::aarch64;
#else
#error "the table of system calls does not cover this architecture"
#endif
  if (std::sscanf(name.release, "%d.%d", &host.kernel_major, &host.kernel_minor) != 2) {
    throw Error{Kind::internal, "cannot read the kernel's version {}", quote(name.release)};
  }
  return host;
}

Verdict allow() noexcept {
  return SECCOMP_RET_ALLOW;
}

Verdict fail_with(int errno_value) noexcept {
  return SECCOMP_RET_ERRNO | (static_cast<Verdict>(errno_value) & SECCOMP_RET_DATA);
}

Profile default_profile(const Host& host, const CapabilitySet& capabilities) {
  Builder builder;
  for (const auto* names : always_allowed) builder.permit(names);
  for (const auto& [capability, names] : allowed_with_capability) {
    if (capabilities.contains(capability)) builder.permit(names);
  }
  // Before 4.8 ptrace could change a call after the filter had seen it.
  if (std::pair{host.kernel_major, host.kernel_minor} >= std::pair{4, 8}) {
    builder.permit("ptrace process_vm_readv process_vm_writev");
  }
  add_sockets(builder);
  add_personalities(builder);
  if (!capabilities.contains("CAP_SYS_ADMIN")) add_clone(builder);
  add_architecture(builder, host.native);
  return {.default_verdict = fail_with(EPERM), .abis = abis_of(host), .rules = builder.take()};
}

}  // namespace berth::seccomp

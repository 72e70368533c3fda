// A further process in a running container. Nothing of the container is trusted: it may have replaced what is in its
// /dev and /proc, and it can see this process as soon as that has entered.
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <csignal>

#include "base/error.hpp"
#include "linux/cgroup.hpp"
#include "linux/namespaces.hpp"
#include "linux/process.hpp"
#include "runtime/channel.hpp"
#include "runtime/init.hpp"
#include "runtime/plan.hpp"
#include "runtime/program.hpp"
#include "runtime/runtime.hpp"

namespace berth::runtime {
namespace {

constexpr std::uint64_t joined_namespaces[] = {CLONE_NEWUSER, CLONE_NEWIPC,    CLONE_NEWUTS,
                                               CLONE_NEWNET,  CLONE_NEWCGROUP, CLONE_NEWNS};

/// The namespaces in which the container differs from us; entering one that we are in already fails for user
/// namespaces. Throws if process 1 has ended: the process must not run in ours then.
std::uint64_t foreign_namespaces(pid_t init) {
  std::uint64_t flags = 0;
  for (const auto& type : kernel::namespace_types()) {
    struct stat own {};
    struct stat theirs {};
    if (::stat(fmt::format("/proc/self/ns/{}", type.file).c_str(), &own) < 0) continue;  // the kernel has none of it
    if (::stat(fmt::format("/proc/{}/ns/{}", init, type.file).c_str(), &theirs) < 0) {
      throw Error::from_errno(errno, "look at the {} namespace of process {}", type.name, init);
    }
    if (own.st_ino != theirs.st_ino) flags |= type.flag;
  }
  return flags;
}

/// A terminal of the container's devpts, which is checked to be one.
UniqueFd open_terminal(const ProcessPlan& process, UniqueFd& slave) {
  UniqueFd master{::open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC)};
  struct statfs status {};
  if (!master || ::fstatfs(master.get(), &status) < 0) throw Error::from_errno(errno, "open a terminal");
  if (status.f_type != DEVPTS_SUPER_MAGIC)
    throw Error{Kind::invalid, "/dev/pts/ptmx of the container is not a terminal"};
  const int unlocked = 0;
  if (::ioctl(master.get(), TIOCSPTLCK, &unlocked) < 0) throw Error::from_errno(errno, "unlock the terminal");
  slave.reset(::ioctl(master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!slave) throw Error::from_errno(errno, "open the other side of the terminal");
  if (process.rows != 0 && process.columns != 0) {
    winsize size{};
    size.ws_row = process.rows;
    size.ws_col = process.columns;
    ::ioctl(slave.get(), TIOCSWINSZ, &size);
  }
  return master;
}

void enter_container(const ExecRequest& request, FdRef init, std::uint64_t namespaces) {
  kernel::join_cgroup(kernel::cgroup_layout(), request.cgroup);
  for (const auto flag : joined_namespaces) {
    if ((namespaces & flag) != 0) kernel::enter_namespace(init, flag, "of the container");
  }
  if ((namespaces & CLONE_NEWUSER) != 0 && (::setresgid(0, 0, 0) < 0 || ::setresuid(0, 0, 0) < 0)) {
    throw Error::from_errno(errno, "become root of the user namespace");
  }
}

void run_process(const ExecRequest& request, ProcessPlan& process, FdRef init, std::uint64_t namespaces,
                 FdRef channel) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  // Processes of the container must not look into this one, a copy of the runtime, before it has exec'ed
  // (CVE-2016-9962).
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) throw Error::from_errno(errno, "hide from the container");
  kernel::unblock_all_signals();
  ::umask(0);
  if (::setsid() < 0) throw Error::from_errno(errno, "make a session");
  const UniqueFd null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  auto filter = read_seccomp_filter(request.seccomp_filter);
  if (process.oom_score_adj) set_oom_score_adj(*process.oom_score_adj);
  set_apparmor_profile(process.apparmor_profile);
  enter_container(request, init, namespaces);
  const UniqueFd root{::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  resolve_process_user(process, root);
  if (process.terminal) {
    UniqueFd slave;
    const auto master = open_terminal(process, slave);
    send_message(channel, MessageType::console, {}, master);
    install_terminal(slave, process.uid);
  } else {
    install_streams({.in = request.stdin_fd, .out = request.stdout_fd, .err = request.stderr_fd}, null, process.uid);
  }
  if (::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) < 0) throw Error::from_errno(errno, "hide descriptors");
  install_extra(request.extra_fds);
  Program program{process, std::move(filter), request.seccomp_flags};
  program.prepare();
  ::prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
  program.execute();
}

Exec exec_beside(const ExecRequest& request, FdRef init) {
  auto process = make_process_plan(request.process);
  process.user = request.user;
  process.extra_groups = request.additional_groups;
  const auto namespaces = foreign_namespaces(request.init);
  auto [ours, theirs] = make_socket_pair(SOCK_SEQPACKET);
  // Children belong to the PID namespace that was entered last; it is left again when this one is made.
  UniqueFd own_pid_namespace;
  if ((namespaces & CLONE_NEWPID) != 0) {
    own_pid_namespace = open_file("/proc/self/ns/pid", O_RDONLY);
    kernel::enter_namespace(init, CLONE_NEWPID, "of the container");
  }
  auto child = [&] {
    try {
      return kernel::clone_process(0);
    } catch (...) {
      if (own_pid_namespace) ::setns(own_pid_namespace.get(), CLONE_NEWPID);
      throw;
    }
  }();
  if (!child) {
    FdRef channel = theirs;
    try {
      if (!request.extra_fds.empty()) channel = move_up(channel, request.extra_fds);
      run_process(request, process, init, namespaces, channel);
    } catch (...) {
      send_failure(channel);
    }
    ::_exit(1);
  }
  if (own_pid_namespace) kernel::enter_namespace(own_pid_namespace, CLONE_NEWPID, "of the host");
  theirs.reset();
  Exec started{.pid = child->pid(), .pidfd = {}, .console = {}};
  while (auto message = receive_message(ours)) {
    if (message->type == MessageType::failed) throw_failure(message->text);
    if (message->type == MessageType::console) started.console = std::move(message->fd);
  }
  started.pidfd = child->release();
  return started;
}

}  // namespace

Exec exec(const ExecRequest& request) {
  const auto init = kernel::open_pidfd(request.init);
  try {
    return exec_beside(request, init);
  } catch (...) {
    // Whatever step it was that failed: there is no container any more.
    if (kernel::is_ending(request.init)) throw Error{Kind::conflict, "container is not running"};
    throw;
  }
}

}  // namespace berth::runtime

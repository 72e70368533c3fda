#include "runtime/init.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/strings.hpp"
#include "linux/cgroup.hpp"
#include "linux/namespaces.hpp"
#include "linux/process.hpp"
#include "runtime/channel.hpp"
#include "runtime/hooks.hpp"
#include "runtime/program.hpp"
#include "runtime/rootfs.hpp"

namespace berth::runtime {
namespace {

/// A failure after the gate is told to whoever opened it; the first maker may have left.
struct Reporter {
  FdRef socket;
};

void begin_session() {
  // Until the program runs nobody but the maker knows of us: if it dies, so do we.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  kernel::unblock_all_signals();
  ::umask(0);
  if (::setsid() < 0) throw Error::from_errno(errno, "make a session");
  // A session keyring of its own, or keys of the daemon's session would be there to read. Fails where the kernel has
  // none.
  ::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr, 0, 0, 0);
}

void enter_namespaces(const InitRequest& request) {
  const auto& plan = request.plan.namespaces;
  if (plan.makes(CLONE_NEWUSER)) {
    expect_message(request.channel, MessageType::user_mapped);
    if (::setresgid(0, 0, 0) < 0 || ::setresuid(0, 0, 0) < 0)
      throw Error::from_errno(errno, "become root of the user namespace");
  }
  for (const auto& joined : plan.joined) {
    if (joined.flag != CLONE_NEWPID) kernel::enter_namespace(joined.path, joined.flag);
  }
  if (request.network_namespace) {
    kernel::enter_namespace(request.network_namespace, CLONE_NEWNET, "made in advance");
  } else if (plan.makes(CLONE_NEWNET)) {
    kernel::set_loopback_up();
  }
}

void enter_cgroup(const InitRequest& request) {
  const auto& layout = kernel::cgroup_layout();
  expect_message(request.channel, MessageType::cgroup_ready);
  // On version 2 clone3 has put us there, and in a user namespace the maker. The cgroup namespace comes after it: its
  // root is where we are.
  const bool is_inside = layout.unified || request.plan.namespaces.makes(CLONE_NEWUSER);
  if (!is_inside) kernel::join_cgroup(layout, request.plan.cgroup);
  if (request.plan.namespaces.makes(CLONE_NEWCGROUP) && ::unshare(CLONE_NEWCGROUP) < 0) {
    throw Error::from_errno(errno, "make cgroup namespace");
  }
}

void set_names(const Plan& plan) {
  if (!plan.hostname.empty() && ::sethostname(plan.hostname.data(), plan.hostname.size()) < 0) {
    throw Error::from_errno(errno, "set hostname {}", quote(plan.hostname));
  }
  if (!plan.domainname.empty() && ::setdomainname(plan.domainname.data(), plan.domainname.size()) < 0) {
    throw Error::from_errno(errno, "set domain name {}", quote(plan.domainname));
  }
}

void run_hooks(const InitRequest& request) {
  if (!request.has_hooks) return;
  send_message(request.channel, MessageType::namespaces_made);
  // Our number as the host sees it comes with the answer.
  const auto answer = expect_message(request.channel, MessageType::hooks_done);
  const auto pid = parse_number<pid_t>(answer.text).value_or(0);
  runtime::run_hooks(request.plan.hooks.createContainer, hook_state(request.plan, "creating", pid));
}

/// The container's root with all that is in it; the process stands in it afterwards.
void make_root(const InitRequest& request) {
  Plan& plan = request.plan;
  Rootfs root{plan};
  bool in_cgroup = false;
  for (const auto& mount : plan.mounts) {
    // As late as can be: the maker makes the cgroup's directories meanwhile.
    if (mount.kind == MountPlan::Kind::cgroup && !in_cgroup) {
      enter_cgroup(request);
      in_cgroup = true;
    }
    root.mount(mount, plan);
  }
  if (!in_cgroup) enter_cgroup(request);
  root.make_devices(plan);
  run_hooks(request);
  root.write_sysctls(plan);
  root.make_working_directory(plan.process.cwd);
  resolve_process_user(plan.process, root.fd());
  if (plan.process.terminal) {
    const auto terminal = root.make_terminal(plan.process);
    send_message(request.channel, MessageType::console, {}, terminal.master);
    install_terminal(terminal.slave, plan.process.uid);
  } else {
    install_streams(request.streams, root.open_null(), plan.process.uid);
  }
  root.restrict_paths(plan);
  root.enter(plan);
}

/// Waits until `start` is asked for; returns who asked, and is told of failures from then on.
UniqueFd wait_at_gate(const InitRequest& request) {
  // Who created us may leave before somebody else starts us, and does so as soon as it is told.
  ::prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
  send_message(request.channel, MessageType::created);
  if (!request.start_listener) {
    expect_message(request.channel, MessageType::start);
    return {};
  }
  for (;;) {
    UniqueFd connection{::accept4(request.start_listener.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    if (!connection) throw Error::from_errno(errno, "wait for the start");
    const auto message = receive_message(connection);
    if (message && message->type == MessageType::start) return connection;
  }
}

void make_container(const InitRequest& request, Reporter& reporter) {
  Plan& plan = request.plan;
  begin_session();
  // Before a user namespace takes away the right to read it.
  auto filter = read_seccomp_filter(plan.seccomp_filter);
  enter_namespaces(request);
  set_names(plan);
  if (plan.process.oom_score_adj) set_oom_score_adj(*plan.process.oom_score_adj);
  set_apparmor_profile(plan.process.apparmor_profile);
  make_root(request);
  if (::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) < 0) throw Error::from_errno(errno, "hide descriptors");
  install_extra(request.streams.extra);
  Program program{plan.process, std::move(filter), plan.seccomp_flags};
  program.prepare();
  UniqueFd starter;
  if (request.wait_for_start) {
    starter = wait_at_gate(request);
    if (starter) reporter.socket = starter;
    runtime::run_hooks(plan.hooks.startContainer, hook_state(plan, "created", ::getpid()));
  } else {
    runtime::run_hooks(plan.hooks.startContainer, hook_state(plan, "created", ::getpid()));
    ::prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
  }
  // `starter` must outlive the failure's report; exec closes it.
  try {
    program.execute();
  } catch (...) {
    send_failure(reporter.socket);
    ::_exit(1);
  }
}

/// Containers' programs that reopen /dev/stdout as another user need to own what is behind it.
void give(int fd, uid_t owner) {
  struct stat status {};
  if (owner == 0 || ::fstat(fd, &status) < 0 || S_ISREG(status.st_mode) || status.st_uid == owner) return;
  if (S_ISCHR(status.st_mode) && !::isatty(fd)) return;
  // Not ours to give (EPERM), a read-only file system or no file at all: the program has the open descriptor anyway.
  if (::fchown(fd, owner, static_cast<gid_t>(-1)) < 0) return;
}

}  // namespace

void install_streams(const Streams& streams, FdRef null, uid_t owner) {
  std::array<int, 3> sources = {streams.in.get(), streams.out.get(), streams.err.get()};
  // First out of the way of the numbers that are about to be overwritten.
  for (auto& source : sources) source = ::fcntl(source < 0 ? null.get() : source, F_DUPFD_CLOEXEC, 256);
  for (int number = 0; number < 3; ++number) {
    if (::dup2(sources[static_cast<std::size_t>(number)], number) < 0)
      throw Error::from_errno(errno, "install standard stream {}", number);
    ::close(sources[static_cast<std::size_t>(number)]);
    give(number, owner);
  }
}

FdRef move_up(FdRef fd, const ExtraFds& extra) {
  int above = 0;
  for (const auto& [source, number] : extra) above = std::max(above, number + 1);
  return fd ? FdRef{::fcntl(fd.get(), F_DUPFD_CLOEXEC, above)} : fd;
}

void install_extra(const ExtraFds& extra) {
  // All sources first leave the numbers that are about to be overwritten.
  std::vector<FdRef> sources;
  for (const auto& [source, number] : extra) sources.push_back(move_up(FdRef{source}, extra));
  for (std::size_t index = 0; index < extra.size(); ++index) {
    const int number = extra[index].second;
    if (::dup2(sources[index].get(), number) < 0) throw Error::from_errno(errno, "install descriptor {}", number);
  }
}

void install_terminal(FdRef slave, uid_t owner) {
  if (::ioctl(slave.get(), TIOCSCTTY, 0) < 0) throw Error::from_errno(errno, "make the terminal the controlling one");
  for (int number = 0; number < 3; ++number) {
    if (::dup2(slave.get(), number) < 0) throw Error::from_errno(errno, "install standard stream {}", number);
  }
  give(0, owner);
}

void run_init(InitRequest request) noexcept {
  if (!request.streams.extra.empty()) {
    request.channel = move_up(request.channel, request.streams.extra);
    request.start_listener = move_up(request.start_listener, request.streams.extra);
  }
  Reporter reporter{request.channel};
  try {
    make_container(request, reporter);
  } catch (...) {
    send_failure(reporter.socket);
  }
  ::_exit(1);
}

}  // namespace berth::runtime

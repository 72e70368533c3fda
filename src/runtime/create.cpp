// The maker's side of a container: what process 1 cannot do for itself, and the wait for its exec.
#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.hpp"
#include "linux/cgroup.hpp"
#include "linux/namespaces.hpp"
#include "linux/process.hpp"
#include "runtime/channel.hpp"
#include "runtime/hooks.hpp"
#include "runtime/init.hpp"
#include "runtime/runtime.hpp"

namespace berth::runtime {
namespace {

/// Children are made in the PID namespace that was entered last: entered for one clone, and left again.
class ForeignPidNamespace {
 public:
  explicit ForeignPidNamespace(const NamespacePlan& plan) {
    for (const auto& joined : plan.joined) {
      if (joined.flag != CLONE_NEWPID) continue;
      own_ = open_file("/proc/self/ns/pid", O_RDONLY);
      kernel::enter_namespace(joined.path, CLONE_NEWPID);
    }
  }
  ForeignPidNamespace(const ForeignPidNamespace&) = delete;
  ForeignPidNamespace& operator=(const ForeignPidNamespace&) = delete;
  ~ForeignPidNamespace() {
    if (own_) ::setns(own_.get(), CLONE_NEWPID);
  }

 private:
  UniqueFd own_;
};

std::string mapping_text(const std::vector<oci::runtime::IdMapping>& mappings) {
  std::string text;
  for (const auto& mapping : mappings)
    text += fmt::format("{} {} {}\n", mapping.containerID, mapping.hostID, mapping.size);
  return text;
}

void map_users(const Plan& plan, pid_t pid) {
  const auto process = open_directory(fmt::format("/proc/{}", pid));
  if (::geteuid() != 0) write_control(process, "setgroups", "deny");
  write_control(process, "gid_map", mapping_text(plan.gid_mappings));
  write_control(process, "uid_map", mapping_text(plan.uid_mappings));
}

bool has_hooks(const oci::runtime::Hooks& hooks) {
  return !hooks.prestart.empty() || !hooks.createRuntime.empty() || !hooks.createContainer.empty();
}

/// One container in the making; everything is undone unless it gets to the end.
class Creation {
 public:
  explicit Creation(const CreateRequest& request)
      : request_(request), layout_(kernel::cgroup_layout()), plan_(make_plan(request, layout_.unified)) {}

  Init run() {
    if (layout_.unified) make_cgroup();  // clone3 starts process 1 inside it
    auto child = clone_init();
    Init init;
    init.pid = child.pid();
    init.mounts = kernel::mount_namespace_of(child.pidfd(), child.pid());
    if (plan_.namespaces.makes(CLONE_NEWUSER)) {
      map_users(plan_, child.pid());
      send_message(channel_, MessageType::user_mapped);
    }
    // Version 1: the directories are made here while process 1 mounts; it joins when it is told that they are there.
    if (!layout_.unified) {
      make_cgroup();
      // The root of a user namespace may not write to the cgroups.
      if (plan_.namespaces.makes(CLONE_NEWUSER)) kernel::join_cgroup(layout_, plan_.cgroup, child.pid());
    }
    tell_init(MessageType::cgroup_ready);
    if (has_hooks(plan_.hooks)) run_runtime_hooks(child.pid());
    follow(init, child);
    init.pidfd = child.release();
    init.cgroup = cgroup_.release();
    return init;
  }

 private:
  void make_cgroup() {
    cgroup_ = kernel::Cgroup{layout_, plan_.cgroup};
    apply_resources(cgroup_, plan_.resources);
  }

  kernel::Child clone_init() {
    auto [ours, theirs] = make_socket_pair(SOCK_SEQPACKET);
    const bool network_ready = plan_.namespaces.makes(CLONE_NEWNET) && request_.network_namespace &&
                               !plan_.namespaces.makes(CLONE_NEWUSER);  // which must own what it contains
    // The cgroup namespace is made by process 1 when it is in its cgroup.
    auto flags = plan_.namespaces.made & ~std::uint64_t{CLONE_NEWCGROUP};
    if (network_ready) flags &= ~std::uint64_t{CLONE_NEWNET};
    const auto directory = cgroup_.directory();
    const ForeignPidNamespace pid_namespace{plan_.namespaces};
    auto child = kernel::clone_process(flags, directory);
    if (!child) {
      ours.reset();
      run_init({.plan = plan_,
                .streams = {.in = request_.stdin_fd,
                            .out = request_.stdout_fd,
                            .err = request_.stderr_fd,
                            .extra = request_.extra_fds},
                .channel = theirs,
                .network_namespace = network_ready ? request_.network_namespace : FdRef{-1},
                .start_listener = request_.start_listener,
                .wait_for_start = request_.wait_for_start,
                .has_hooks = has_hooks(plan_.hooks)});
    }
    channel_ = std::move(ours);
    return std::move(*child);
  }

  /// If process 1 has failed and gone, what it said about it counts, not that it cannot be told anything.
  void tell_init(MessageType type, std::string_view text = {}) {
    try {
      send_message(channel_, type, text);
    } catch (const Error& error) {
      if (error.errno_value() != EPIPE && error.errno_value() != ECONNRESET) throw;
    }
  }

  void run_runtime_hooks(pid_t pid) {
    expect_message(channel_, MessageType::namespaces_made);
    const auto state = hook_state(plan_, "creating", pid);
    run_hooks(plan_.hooks.prestart, state);
    run_hooks(plan_.hooks.createRuntime, state);
    tell_init(MessageType::hooks_done, std::to_string(pid));
  }

  /// Listens until the program runs, or waits for its start.
  void follow(Init& init, const kernel::Child& child) {
    while (auto message = receive_message(channel_)) {
      switch (message->type) {
        case MessageType::console: init.console = std::move(message->fd); break;
        case MessageType::created: init.start_gate = std::move(channel_); return;
        case MessageType::failed: throw_failure(message->text);
        default: throw Error{Kind::internal, "unexpected message in the container's start"};
      }
    }
    check_alive(child);
  }

  /// The end of the stream is exec's, unless the kernel killed process 1 before: with a memory limit too low to start.
  void check_alive(const kernel::Child& child) const {
    siginfo_t status{};
    if (::waitid(P_PID, static_cast<id_t>(child.pid()), &status, WEXITED | WNOHANG | WNOWAIT) < 0 || status.si_pid == 0)
      return;
    if (status.si_code == CLD_KILLED && status.si_status == SIGKILL &&
        kernel::oom_kill_count(layout_, plan_.cgroup) > 0) {
      throw Error{Kind::invalid, "container init was OOM-killed (memory limit too low?)"};
    }
  }

  const CreateRequest& request_;
  const kernel::CgroupLayout& layout_;
  Plan plan_;
  kernel::Cgroup cgroup_;
  UniqueFd channel_;
};

}  // namespace

Init create(const CreateRequest& request) {
  return Creation{request}.run();
}

void start(Init& init) {
  const auto gate = std::move(init.start_gate);
  start_at(gate);
}

void start_at(FdRef connection) {
  send_message(connection, MessageType::start);
  if (const auto message = receive_message(connection)) {
    if (message->type == MessageType::failed) throw_failure(message->text);
    throw Error{Kind::internal, "unexpected message in the container's start"};
  }
}

void warm_up() {
  kernel::cgroup_layout();
}

bool destroy_cgroup(const std::string& cgroup) noexcept {
  return kernel::remove_cgroup(kernel::cgroup_layout(), cgroup);
}

void set_paused(const std::string& cgroup, bool paused) {
  kernel::set_frozen(kernel::cgroup_layout(), cgroup, paused);
}

std::vector<pid_t> processes_of(const std::string& cgroup) {
  return kernel::processes_of(kernel::cgroup_layout(), cgroup);
}

bool oom_killed(const std::string& cgroup) noexcept {
  return kernel::oom_kill_count(kernel::cgroup_layout(), cgroup) > 0;
}

}  // namespace berth::runtime

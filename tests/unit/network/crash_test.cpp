// A daemon that is killed at any of its system calls leaves nothing that the next one does not repair.
#include <gmock/gmock.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdlib>
#include <thread>

#include "fixture.hpp"

namespace berth::network {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// Those that change something: messages to the kernel, and writes of the database.
bool changes_something(std::uint64_t call) {
  return call == SYS_sendto || call == SYS_sendmsg || call == SYS_pwrite64 || call == SYS_write;
}

/// Runs `steps` in a process of its own and kills it where it enters the `count`th such call; true if it came to its
/// end.
template <class Steps>
bool run_until_call(int count, Steps&& steps) {
  const auto child = ::fork();
  if (child == 0) {
    ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    ::raise(SIGSTOP);
    try {
      steps();
    } catch (...) {
      std::_Exit(1);
    }
    std::_Exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ::ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
  bool entering = true;
  for (int seen = 0;;) {
    ::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
    ::waitpid(child, &status, __WALL);
    if (WIFEXITED(status)) {
      EXPECT_EQ(WEXITSTATUS(status), 0);
      return true;
    }
    if (!WIFSTOPPED(status) || WSTOPSIG(status) != (SIGTRAP | 0x80)) continue;
    user_regs_struct registers{};
    ::ptrace(PTRACE_GETREGS, child, nullptr, &registers);
    if (entering && changes_something(registers.orig_rax) && ++seen == count) {
      ::kill(child, SIGKILL);
      ::waitpid(child, &status, __WALL);
      return false;
    }
    entering = !entering;
  }
}

class CrashTest : public NetworkTest {
 protected:
  /// What a daemon does for a container with two networks and a port.
  void life() {
    start();
    create("mine", "10.9.0.0/24");
    auto sandbox = Sandbox::make();
    const PortRequest port{.container_first = 80, .container_last = 80, .host_first = 8080, .host_last = 8080};
    networks_->join(sandbox, {member(), {{"bridge", {}}}, {port}, {}});
    networks_->connect(sandbox, member(), {"mine", {}});
    networks_->disconnect(&sandbox, "c1", "bridge");
    networks_->leave("c1");
    networks_->remove("mine");
  }

  /// Links go with the namespaces of a process that was killed, a little later.
  void expect_no_pairs() {
    const auto has_pairs = [&] {
      return std::ranges::any_of(links(*host_), [](const std::string& name) { return name.starts_with("veth"); });
    };
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    while (has_pairs() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    EXPECT_FALSE(has_pairs());
  }

  /// The next daemon, whose containers have all ended.
  void expect_all_is_well() {
    start();
    for (const auto& id : networks_->members()) networks_->leave(id);
    EXPECT_THAT(networks_->members(), IsEmpty());
    expect_no_pairs();
    if (networks_->find("mine")) networks_->remove("mine");
    auto sandbox = Sandbox::make();
    const PortRequest port{.container_first = 80, .container_last = 80, .host_first = 8080, .host_last = 8080};
    const auto made = networks_->join(sandbox, {member("c2"), {{"bridge", {}}}, {port}, {}});
    EXPECT_EQ(to_string(*made.endpoints[0].v4), "172.17.0.2/16");
    networks_->leave("c2");
    host_->apply(netlink::Request{}.remove_link(made.endpoints[0].host_link));
    networks_.reset();
    database_.reset();
  }
};

TEST_F(CrashTest, NothingIsLeftWhereverTheDaemonDies) {
  networks_.reset();
  database_.reset();
  constexpr int step = 3;  // with 1 it takes twenty seconds, and passes
  int count = 1;
  for (; !run_until_call(count, [&] { life(); }); count += step) {
    SCOPED_TRACE(fmt::format("killed at call {}", count));
    expect_all_is_well();
    EXPECT_THAT(links(*host_), ElementsAre("docker0"));
    if (HasFailure()) return;
  }
  EXPECT_GT(count, 3 * step);
}

}  // namespace
}  // namespace berth::network

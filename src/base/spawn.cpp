#include "base/spawn.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/error.hpp"

namespace berth {
namespace {

struct FileActions {
  posix_spawn_file_actions_t value{};
  FileActions() { ::posix_spawn_file_actions_init(&value); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  ~FileActions() { ::posix_spawn_file_actions_destroy(&value); }
};

struct Attributes {
  posix_spawnattr_t value{};
  Attributes() { ::posix_spawnattr_init(&value); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  ~Attributes() { ::posix_spawnattr_destroy(&value); }
};

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (const auto& string : strings) result.push_back(const_cast<char*>(string.c_str()));
  result.push_back(nullptr);
  return result;
}

}  // namespace

Spawned spawn(const SpawnOptions& options) {
  FileActions actions;
  for (int fd = 0; fd < 3; ++fd) {
    const bool listed = std::any_of(options.fds.begin(), options.fds.end(), [&](auto& p) { return p.second == fd; });
    if (!listed) ::posix_spawn_file_actions_addopen(&actions.value, fd, "/dev/null", O_RDWR, 0);
  }
  // A source may have the number of another's target: first lift all sources above every target.
  std::vector<UniqueFd> lifted;
  for (const auto& [from, to] : options.fds) {
    lifted.emplace_back(::fcntl(from, F_DUPFD_CLOEXEC, 64));
    if (!lifted.back()) throw Error::from_errno(errno, "duplicate descriptor {}", from);
    ::posix_spawn_file_actions_adddup2(&actions.value, lifted.back().get(), to);
  }
  int highest = 2;
  for (const auto& [from, to] : options.fds) highest = std::max(highest, to);
  ::posix_spawn_file_actions_addclosefrom_np(&actions.value, highest + 1);
  Attributes attributes;
  sigset_t none;
  sigset_t all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes.value, &none);
  ::posix_spawnattr_setsigdefault(&attributes.value, &all);
  const int session = options.new_session ? POSIX_SPAWN_SETSID : 0;
  ::posix_spawnattr_setflags(&attributes.value,
                             static_cast<short>(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | session));
  auto arguments = pointers(options.arguments);
  auto environment = pointers(options.environment);
  Spawned child;
  const int error = ::posix_spawn(&child.pid, options.program.c_str(), &actions.value, &attributes.value,
                                  arguments.data(), environment.data());
  if (error != 0) {
    auto failure = Error::from_errno(error, "start {}", quote(options.program));
    if (error == ENOENT) failure.as(Kind::not_found);
    throw failure;
  }
  child.pidfd = UniqueFd{static_cast<int>(::syscall(SYS_pidfd_open, child.pid, 0))};
  return child;
}

int wait_for_exit(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) throw Error::from_errno(errno, "wait for process {}", pid);
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace berth

// Loads real filters into child processes: what a container would meet.
#include "seccomp/filter_cache.hpp"

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>

#include "base/error.hpp"

namespace berth::seccomp {
namespace {

bool load(const fs::path& path) {
  auto bytes = read_file(path);
  sock_fprog program{static_cast<unsigned short>(bytes.size() / sizeof(sock_filter)),
                     reinterpret_cast<sock_filter*>(bytes.data())};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

/// The errno of a call made under a filter, 0 if it went well, 255 if the filter does not load, 128+n for a signal.
int errno_under(const fs::path& filter, const std::function<long()>& make_call) {
  const pid_t child = fork();
  if (child == 0) {
    if (!load(filter)) _exit(255);
    _exit(make_call() >= 0 ? 0 : errno);
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

struct FilterCacheTest : testing::Test {
  TempDir directory{fs::temp_directory_path(), "berth-seccomp-"};
  FilterCache cache{directory.path()};
  fs::path filter = cache.default_filter({"CAP_CHOWN", "CAP_NET_RAW"});
};

TEST_F(FilterCacheTest, OrdinaryCallsWork) {
  EXPECT_EQ(errno_under(filter, [] { return syscall(SYS_getpid); }), 0);
  EXPECT_EQ(errno_under(filter, [] { return socket(AF_UNIX, SOCK_STREAM, 0); }), 0);
  EXPECT_EQ(errno_under(filter, [] { return syscall(SYS_clone3, nullptr, 0); }), ENOSYS);
  EXPECT_EQ(errno_under(filter,
                        [] {
                          const pid_t child = fork();
                          if (child == 0) _exit(0);
                          return static_cast<long>(waitpid(child, nullptr, 0));
                        }),
            0);
}

TEST_F(FilterCacheTest, CVE_2026_31431_NoAlgorithmSockets) {
  EXPECT_EQ(errno_under(filter, [] { return socket(AF_ALG, SOCK_SEQPACKET, 0); }), EPERM);
  EXPECT_EQ(errno_under(filter, [] { return syscall(SYS_socket, 0x100000000L | AF_ALG, SOCK_SEQPACKET, 0); }), EPERM);
  EXPECT_EQ(errno_under(filter, [] { return socket(AF_VSOCK, SOCK_STREAM, 0); }), EPERM);
}

TEST_F(FilterCacheTest, NoMountsNamespacesKeysOrRings) {
  EXPECT_EQ(errno_under(filter, [] { return mount("none", "/", "tmpfs", 0, nullptr); }), EPERM);
  EXPECT_EQ(errno_under(filter, [] { return unshare(CLONE_NEWUSER); }), EPERM);
  EXPECT_EQ(errno_under(filter, [] { return syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0); }), EPERM);
  EXPECT_EQ(errno_under(filter, [] { return syscall(SYS_keyctl, 0, -3, 0); }), EPERM);
  EXPECT_EQ(errno_under(filter, [] { return syscall(SYS_add_key, "user", "a", "b", 1, -3); }), EPERM);
  EXPECT_EQ(errno_under(filter, [] { return syscall(SYS_io_uring_setup, 1, nullptr); }), EPERM);
  EXPECT_EQ(errno_under(filter, [] { return syscall(SYS_userfaultfd, 0); }), EPERM);
  EXPECT_EQ(errno_under(filter, [] { return syscall(SYS_open_by_handle_at, 0, nullptr, 0); }), EPERM);
  EXPECT_EQ(errno_under(filter, [] { return syscall(600); }), ENOSYS);
}

#if defined(__x86_64__)
/// A 32-bit system call from a 64-bit program; the result as errno convention has it.
long int80(unsigned long number, unsigned long a = 0, unsigned long b = 0, unsigned long c = 0) {
  long result = 0;
  asm volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory", "r8", "r9", "r10", "r11");
  const auto answer = static_cast<int>(result);
  if (answer >= 0) return answer;
  errno = -answer;
  return -1;
}

bool has_ia32() {
  const pid_t child = fork();
  if (child == 0) _exit(int80(20) > 0 ? 0 : 1);  // getpid
  int status = 0;
  waitpid(child, &status, 0);
  return status == 0;
}

TEST_F(FilterCacheTest, I386CallsAreFilteredToo) {
  if (!has_ia32()) GTEST_SKIP() << "this kernel has no 32-bit system calls (CONFIG_IA32_EMULATION)";
  EXPECT_EQ(errno_under(filter, [] { return int80(20); }), 0);
  EXPECT_EQ(errno_under(filter, [] { return int80(359, AF_UNIX, SOCK_STREAM, 0); }), 0);
  EXPECT_EQ(errno_under(filter, [] { return int80(359, AF_ALG, SOCK_SEQPACKET, 0); }), EPERM);
  EXPECT_EQ(errno_under(filter, [] { return int80(359, 0x100000000UL | AF_ALG, SOCK_SEQPACKET, 0); }), EPERM);
  EXPECT_EQ(errno_under(filter, [] { return int80(102, 1, 0); }), EPERM) << "socketcall";
  EXPECT_EQ(errno_under(filter, [] { return int80(102, 0x100000001UL, 0); }), EPERM) << "socketcall";
  EXPECT_EQ(errno_under(filter, [] { return int80(21); }), EPERM) << "mount";
  EXPECT_EQ(errno_under(filter, [] { return int80(310, CLONE_NEWUSER); }), EPERM) << "unshare";
}

TEST_F(FilterCacheTest, X32CallsAreFilteredToo) {
  const auto refusal = current_host().has_x32 ? EPERM : ENOSYS;
  EXPECT_EQ(errno_under(filter, [] { return syscall(0x40000000 | SYS_socket, AF_ALG, SOCK_SEQPACKET, 0); }), refusal);
  EXPECT_EQ(errno_under(filter, [] { return syscall(0x40000000 | SYS_mount, 0, 0, 0, 0, 0); }), refusal);
}
#endif

TEST_F(FilterCacheTest, AFilterIsWrittenOnce) {
  const auto written = fs::last_write_time(filter);
  EXPECT_EQ(cache.default_filter({"CAP_CHOWN", "CAP_NET_RAW"}), filter);
  FilterCache second{directory.path()};
  EXPECT_EQ(second.default_filter({"CAP_KILL"}), filter) << "these capabilities unlock no call";
  EXPECT_EQ(fs::last_write_time(filter), written);
  EXPECT_NE(second.default_filter({"CAP_SYS_ADMIN"}), filter);
}

TEST_F(FilterCacheTest, ATornFilterIsWrittenAgain) {
  fs::resize_file(filter, 8);
  FilterCache second{directory.path()};
  EXPECT_EQ(second.default_filter({}), filter);
  EXPECT_GT(fs::file_size(filter), 8U);
}

TEST_F(FilterCacheTest, AUsersProfileIsObeyed) {
  const auto path = cache.docker_filter(
      R"({"defaultAction": "SCMP_ACT_ALLOW",
          "syscalls": [{"names": ["getppid"], "action": "SCMP_ACT_ERRNO", "errnoRet": 5}]})",
      {});
  EXPECT_EQ(errno_under(path, [] { return syscall(SYS_getppid); }), EIO);
  EXPECT_EQ(errno_under(path, [] { return syscall(SYS_getpid); }), 0);
}

}  // namespace
}  // namespace berth::seccomp

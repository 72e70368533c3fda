// Real containers from a busybox root, looked at from inside and from the host.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.hpp"
#include "base/id.hpp"
#include "base/spawn.hpp"
#include "linux/cgroup.hpp"
#include "runtime/runtime.hpp"

namespace berth::runtime {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr const char* busybox = "/bin/busybox";

constexpr const char* config = R"({
  "process": {"args": ["/bin/true"], "cwd": "/", "env": ["PATH=/bin"],
    "capabilities": {"bounding": ["CAP_CHOWN", "CAP_KILL"], "effective": ["CAP_CHOWN", "CAP_KILL"], "permitted": ["CAP_CHOWN", "CAP_KILL"]}},
  "root": {"path": "rootfs"},
  "hostname": "inside",
  "mounts": [
    {"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"]},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
    {"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]},
    {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
    {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["ro", "nosuid", "noexec", "nodev"]}],
  "linux": {
    "namespaces": [{"type": "mount"}, {"type": "pid"}, {"type": "ipc"}, {"type": "uts"}, {"type": "network"}, {"type": "cgroup"}],
    "maskedPaths": ["/proc/keys", "/sys/firmware", "/proc/not-there"],
    "readonlyPaths": ["/proc/sys"]}})";

class Container : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: containers are made";
    if (::access(busybox, X_OK) != 0) GTEST_SKIP() << "needs " << busybox << ", static (package busybox-static)";
    make_directories(root() / "bin");
    make_directories(root() / "etc");
    fs::copy_file(busybox, root() / "bin/busybox");
    for (const char* name : {"sh", "true", "cat", "id", "ls", "pwd", "sleep", "hostname", "stat", "touch", "tty",
                             "readlink", "grep", "head", "tail"}) {
      fs::create_symlink("busybox", root() / "bin" / name);
    }
    write_file(root() / "etc/passwd", "root:x:0:0::/root:/bin/sh\nfoo:x:1000:1001::/home/foo:/bin/sh\n");
    write_file(root() / "etc/group", "root:x:0:\nfoo:x:1001:\naudio:x:29:foo\n");
    request_.id = "test-" + random_hex(8);
    request_.bundle = bundle_->path();
    request_.spec = json::parse<oci::runtime::Spec>(config);
  }

  void TearDown() override {
    for (const auto& hierarchy : kernel::cgroup_layout().hierarchies) {
      EXPECT_FALSE(fs::exists(kernel::cgroup_directory(hierarchy, "/berth/" + request_.id))) << "a cgroup is left";
    }
    EXPECT_THAT(read_file("/proc/self/mountinfo"), Not(HasSubstr(bundle_->path().native()))) << "a mount is left";
  }

  [[nodiscard]] fs::path root() const { return bundle_->path() / "rootfs"; }

  void command(std::vector<std::string> args) { request_.spec.process->args = std::move(args); }
  void shell(const std::string& script) { command({"sh", "-c", script}); }

  oci::runtime::Mount mount(const std::string& source, const std::string& destination,
                            std::vector<std::string> options) {
    oci::runtime::Mount entry;
    entry.source = source;
    entry.destination = destination;
    entry.type = std::string{"bind"};
    entry.options = std::move(options);
    return entry;
  }

  /// Runs to the end; the output, with "exit N" behind it unless 0.
  std::string run() {
    auto output = make_pipe();
    request_.stdout_fd = output.write_end;
    request_.stderr_fd = output.write_end;
    auto init = create(request_);
    output.write_end.reset();
    auto text = read_to_end(output.read_end, 1U << 20U);
    const int code = wait_for_exit(init.pid);
    oom_killed_ = oom_killed(init.cgroup);
    init.mounts.reset();
    EXPECT_TRUE(destroy_cgroup(init.cgroup));
    return code == 0 ? text : text + "exit " + std::to_string(code);
  }

  std::string refusal() {
    try {
      return "ran: " + run();
    } catch (const Error& error) {
      return error.message();
    }
  }

  StartFailure failure() {
    try {
      run();
    } catch (const ExecError& error) {
      return error.failure();
    }
    return StartFailure::setup;
  }

  std::optional<TempDir> bundle_{std::in_place, "/tmp", "berth-runtime-test-"};
  CreateRequest request_;
  bool oom_killed_ = false;
};

TEST_F(Container, RunsAloneInItsNamespaces) {
  shell("echo $$; hostname; ls /proc | grep -c '^[0-9]'; cat /proc/1/cgroup | head -1; ls /sys/class/net");
  const auto output = run();
  EXPECT_THAT(output, StartsWith("1\ninside\n"));
  EXPECT_THAT(output, HasSubstr(":/\n"));
  EXPECT_THAT(output, Not(HasSubstr("eth")));
}

TEST_F(Container, ExitCodesAndSignalsArrive) {
  shell("exit 7");
  EXPECT_EQ(run(), "exit 7");
}

TEST_F(Container, MissingProgramsAreToldInDockersWords) {
  command({"nope"});
  EXPECT_EQ(refusal(), "exec: \"nope\": executable file not found in $PATH");
  EXPECT_EQ(failure(), StartFailure::not_found);
  command({"/x"});
  EXPECT_EQ(refusal(), "exec: \"/x\": stat /x: no such file or directory");
  EXPECT_EQ(failure(), StartFailure::not_found);
}

TEST_F(Container, WhatCannotBeExecutedIsToldApart) {
  command({"/etc/passwd"});
  EXPECT_EQ(refusal(), "exec: \"/etc/passwd\": permission denied");
  EXPECT_EQ(failure(), StartFailure::not_executable);
  command({"/etc"});
  EXPECT_EQ(refusal(), "exec: \"/etc\": is a directory");
  write_file(root() / "bin/garbage", "\x01\x02", 0755);
  command({"/bin/garbage"});
  EXPECT_EQ(refusal(), "exec /bin/garbage: exec format error");
  EXPECT_EQ(failure(), StartFailure::not_executable);
}

// CVE-2022-24769 (inheritable capabilities), CVE-2022-36109 (supplementary groups).
TEST_F(Container, UserGroupsAndCapabilitiesAreExact) {
  request_.user = "foo";
  shell("id -u; id -G; echo $HOME; grep Cap /proc/self/status");
  EXPECT_EQ(
      run(),
      "1000\n1001 29\n/home/foo\nCapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"
      "CapBnd:\t0000000000000021\nCapAmb:\t0000000000000000\n");
  request_.user = "0";
  shell("grep Cap /proc/self/status | head -2");
  EXPECT_EQ(run(), "CapInh:\t0000000000000000\nCapPrm:\t0000000000000021\n");
}

TEST_F(Container, UnknownUsersAreRefused) {
  request_.user = "bar";
  EXPECT_EQ(refusal(), "unable to find user bar: no matching entries in passwd file");
}

// CVE-2024-21626: a descriptor of the host in the container, and as its working directory.
TEST_F(Container, NoDescriptorOfTheHostIsLeft) {
  const auto leak = open_directory("/");
  const int inheritable = ::dup(leak.get());
  shell("ls /proc/self/fd | tail -1; readlink /proc/self/fd/3");
  EXPECT_THAT(run(), StartsWith("3\n"));  // 3 is ls's own
  for (int fd = 0; fd <= inheritable + 4; ++fd) {
    request_.spec.process->cwd = "/proc/self/fd/" + std::to_string(fd);
    command({"pwd"});
    EXPECT_THAT(refusal(), Not(StartsWith("ran"))) << request_.spec.process->cwd;
  }
  ::close(inheritable);
}

TEST_F(Container, TheWorkingDirectoryIsMade) {
  request_.spec.process->cwd = "/a/b";
  shell("pwd; stat -c '%u:%g %a' /a/b");
  EXPECT_EQ(run(), "/a/b\n0:0 755\n");
}

TEST_F(Container, AWorkingDirectoryThatIsAFileIsRefused) {
  request_.spec.process->cwd = "/etc/passwd";
  EXPECT_THAT(refusal(), HasSubstr("not a directory"));
}

// CVE-2019-19921, CVE-2023-27561: /proc and /sys led elsewhere, where later writes have no effect.
TEST_F(Container, AnImageWhoseProcIsALinkIsRefused) {
  make_directories(root() / "elsewhere");
  fs::create_symlink("elsewhere", root() / "proc");
  EXPECT_THAT(refusal(), HasSubstr("\"/proc\" must be on an ordinary directory"));
}

// CVE-2019-16884: a volume over /proc, and over a file in it, by its name and through a link of the image.
TEST_F(Container, NothingIsMountedOverProc) {
  make_directories(bundle_->path() / "volume");
  const auto volume = (bundle_->path() / "volume").native();
  const auto mounts = request_.spec.mounts;
  fs::create_symlink("/proc/sys", root() / "link");
  for (const char* place : {"/proc", "/proc/sys", "/proc/../proc", "/link", "/link/kernel"}) {
    request_.spec.mounts = mounts;
    request_.spec.mounts.push_back(mount(volume, place, {"rbind"}));
    EXPECT_THAT(refusal(), HasSubstr("proc")) << place;
    EXPECT_THAT(refusal(), Not(StartsWith("ran"))) << place;
  }
  request_.spec.mounts = mounts;
  request_.spec.mounts.insert(request_.spec.mounts.begin(), mount(volume, "/proc", {"rbind"}));
  EXPECT_THAT(refusal(), HasSubstr("not of type proc"));
}

// CVE-2026-41579: an image ships /dev as a link to a directory of the host.
TEST_F(Container, ADevThatIsALinkStaysInTheImage) {
  const TempDir outside{"/tmp", "berth-outside-"};
  fs::create_symlink(outside.path(), root() / "dev");
  run();
  EXPECT_TRUE(fs::is_empty(outside.path()));
}

// CVE-2021-30465, CVE-2024-45310: targets of mounts through links end inside the root.
TEST_F(Container, TargetsOfMountsAreResolvedInsideTheRoot) {
  const TempDir outside{"/tmp", "berth-outside-"};
  make_directories(bundle_->path() / "volume");
  write_file(bundle_->path() / "volume/file", "text");
  fs::create_symlink(outside.path(), root() / "data");
  fs::create_symlink("../../../../../../etc", root() / "up");
  request_.spec.mounts.push_back(mount((bundle_->path() / "volume").native(), "/data/deep", {"rbind", "ro"}));
  request_.spec.mounts.push_back(mount((bundle_->path() / "volume/file").native(), "/up/berth-file", {"bind"}));
  shell("cat /data/deep/file /etc/berth-file; touch /data/deep/x");
  EXPECT_THAT(run(), StartsWith("texttext"));
  EXPECT_TRUE(fs::is_empty(outside.path()));
  EXPECT_FALSE(fs::exists("/etc/berth-file"));
}

// CVE-2025-31133: the image's /dev/null is not what masked paths are covered with.
TEST_F(Container, MaskedPathsAreEmptyAndOthersReadOnly) {
  shell("cat /proc/keys; ls /sys/firmware; echo x > /proc/sys/kernel/domainname || echo refused");
  EXPECT_THAT(run(), HasSubstr("refused"));
  shell("cat /proc/keys; ls /sys/firmware");
  EXPECT_EQ(run(), "");
}

TEST_F(Container, DevicesAreThoseOfADefaultContainer) {
  shell(
      "ls /dev; readlink /dev/fd; readlink /dev/ptmx; stat -c '%t:%T %a' /dev/null; echo x > /dev/null; head -c 4 "
      "/dev/zero | wc "
      "-c");
  EXPECT_THAT(run(), StartsWith("core\nfd\nfull\nnull\nptmx\npts\nrandom\nstderr\nstdin\nstdout\ntty\nurandom\nzero\n"
                                "/proc/self/fd\npts/ptmx\n1:3 666\n"));
}

TEST_F(Container, ATerminalIsOfTheContainersOwn) {
  request_.spec.process->terminal = true;
  request_.spec.process->consoleSize = oci::runtime::Box{.height = 24, .width = 80};
  shell("tty; stat -c %T /dev/console");
  auto init = create(request_);
  ASSERT_TRUE(init.console);
  std::string text;
  char buffer[256];
  for (ssize_t size = 0; (size = ::read(init.console.get(), buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(size));
  EXPECT_THAT(text, StartsWith("/dev/pts/0\r\n"));
  wait_for_exit(init.pid);
  init.mounts.reset();
  EXPECT_TRUE(destroy_cgroup(init.cgroup));
}

TEST_F(Container, AnOverlayMayHaveManyLayers) {
  Overlay overlay;
  for (int layer = 0; layer < 150; ++layer) {
    const auto path = bundle_->path() / "layers" / std::to_string(layer);
    make_directories(path);
    write_file(path / ("file-" + std::to_string(layer)), "");
    overlay.lower.push_back(path.native());
  }
  overlay.lower.push_back(root().native());
  overlay.upper = (bundle_->path() / "upper").native();
  overlay.work = (bundle_->path() / "work").native();
  make_directories(overlay.upper);
  make_directories(overlay.work);
  request_.overlay = overlay;
  shell("ls / | grep -c file-; touch /new");
  EXPECT_EQ(run(), "150\n");
  EXPECT_TRUE(fs::exists(fs::path{overlay.upper} / "new"));
}

TEST_F(Container, AReadOnlyRootStaysAsItIs) {
  request_.spec.root->readonly = true;
  // The mount points have to be there already.
  for (const char* directory : {"proc", "dev", "sys"}) make_directories(root() / directory);
  shell("touch /x 2>/dev/null || echo refused; touch /dev/x && echo made");
  EXPECT_EQ(run(), "refused\nmade\n");
}

TEST_F(Container, ATmpfsCanStartWithWhatTheImageHas) {
  make_directories(root() / "data/inner");
  write_file(root() / "data/inner/file", "text", 0640);
  oci::runtime::Mount tmpfs;
  tmpfs.destination = "/data";
  tmpfs.type = std::string{"tmpfs"};
  tmpfs.options = std::vector<std::string>{"tmpcopyup", "size=1m"};
  request_.spec.mounts.push_back(tmpfs);
  shell("cat /data/inner/file; stat -c %a /data/inner/file; touch /data/x");
  EXPECT_EQ(run(), "text640\n");
  EXPECT_FALSE(fs::exists(root() / "data/x"));
}

TEST_F(Container, LackOfMemoryIsNoticed) {
  auto& memory = request_.spec.linux->resources.emplace().memory.emplace();
  memory.limit = 16 << 20;
  memory.swap = 16 << 20;
  shell("x=y; while true; do x=$x$x; done");
  run();
  EXPECT_TRUE(oom_killed_);
}

TEST_F(Container, ACreatedOneWaitsForItsStart) {
  request_.wait_for_start = true;
  auto output = make_pipe();
  request_.stdout_fd = output.write_end;
  shell("echo started");
  auto init = create(request_);
  output.write_end.reset();
  set_nonblocking(output.read_end, true);
  char byte = 0;
  EXPECT_LT(::read(output.read_end.get(), &byte, 1), 0);
  set_nonblocking(output.read_end, false);
  start(init);
  EXPECT_EQ(read_to_end(output.read_end, 100), "started\n");
  wait_for_exit(init.pid);
  init.mounts.reset();
  EXPECT_TRUE(destroy_cgroup(init.cgroup));
}

TEST_F(Container, AFurtherProcessIsInTheSameContainer) {
  command({"sleep", "100"});
  auto init = create(request_);
  auto output = make_pipe();
  ExecRequest request;
  request.init = init.pid;
  request.cgroup = init.cgroup;
  request.process = *request_.spec.process;
  request.process.args = {
      "sh", "-c", "hostname; id -u; cat /proc/1/comm; grep CapInh /proc/self/status; ls /proc/self/fd | tail -1"};
  request.user = "foo";
  request.stdout_fd = output.write_end;
  const auto process = exec(request);
  output.write_end.reset();
  EXPECT_EQ(read_to_end(output.read_end, 1000), "inside\n1000\nsleep\nCapInh:\t0000000000000000\n3\n");
  EXPECT_EQ(wait_for_exit(process.pid), 0);
  request.process.args = {"nope"};
  EXPECT_THROW(exec(request), ExecError);
  EXPECT_TRUE(destroy_cgroup(init.cgroup));
  EXPECT_EQ(wait_for_exit(init.pid), 128 + SIGKILL);
}

TEST_F(Container, NoFurtherProcessIsStartedOnceProcess1HasEnded) {
  // With the PID namespace of the host nothing but a check keeps the process out of the host's other namespaces.
  std::vector<oci::runtime::Namespace>& namespaces = request_.spec.linux->namespaces;
  std::erase_if(namespaces, [](const auto& entry) { return entry.type == "pid"; });
  std::vector<oci::runtime::Mount>& mounts = request_.spec.mounts;
  std::erase_if(mounts, [](const auto& entry) { return entry.type == "proc"; });
  command({"true"});
  auto init = create(request_);
  pollfd ended{.fd = init.pidfd.get(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&ended, 1, 10'000), 1);
  ExecRequest request;
  request.init = init.pid;
  request.cgroup = init.cgroup;
  request.process = *request_.spec.process;
  try {
    exec(request);
    FAIL() << "a process was started";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::conflict) << error.message();
  }
  wait_for_exit(init.pid);
  EXPECT_THROW(exec(request), Error);
  init.mounts.reset();
  EXPECT_TRUE(destroy_cgroup(init.cgroup));
}

}  // namespace
}  // namespace berth::runtime

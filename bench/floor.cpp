// floor: what the kernel alone costs for one container.
//
//   floor [--network none|host|bridge] [-n NUMBER] LOWER SCRATCH     prints one JSON object per container:
//   {"run":us,"cleanup":us}
//
// Makes, runs and removes a container with the isolation that Berth and Docker give by default, by exactly the system
// calls which that takes, and nothing else: no JSON, no log, no socket, no allocation worth the name. Whatever an
// engine takes beyond this is the engine's. LOWER is a root file system with a static /bin/busybox; SCRATCH is a
// directory on a file system that can hold an overlay's upper directory.
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "floor_network.hpp"

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "floor: %s: %s\n", what, std::strerror(errno));
  _exit(125);
}

template <class Result>
Result check(Result result, const char* what) {
  if (result < 0) fail(what);
  return result;
}

void write_text(const std::string& path, std::string_view text, int flags = O_WRONLY) {
  const int fd = check(::open(path.c_str(), flags | O_CLOEXEC, 0644), path.c_str());
  if (::write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) fail(path.c_str());
  ::close(fd);
}

struct Options {
  bool host_network = false;
  bool bridge = false;
  int number = 1;
  std::string lower;
  std::string scratch;
};

// --- cgroups
// -----------------------------------------------------------------------------------------------------------

constexpr std::array controllers{"cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids"};

// Docker's default list: nodes may be made, and these may be used.
constexpr std::array allowed_devices{"c *:* m",   "b *:* m",   "c 1:3 rwm", "c 1:5 rwm",   "c 1:7 rwm",   "c 1:8 rwm",
                                     "c 1:9 rwm", "c 5:0 rwm", "c 5:2 rwm", "c 136:* rwm", "c 10:200 rwm"};

bool has_cgroup_v1() {
  return ::access("/sys/fs/cgroup/pids", F_OK) == 0;
}

struct Cgroups {
  bool v1 = has_cgroup_v1();
  std::vector<std::string> paths;
};

Cgroups make_cgroups(int sequence) {
  Cgroups cgroups;
  const auto name = "/floor-" + std::to_string(::getpid()) + "-" + std::to_string(sequence);
  if (!cgroups.v1) {
    cgroups.paths.push_back("/sys/fs/cgroup" + name);
    check(::mkdir(cgroups.paths[0].c_str(), 0755), "mkdir cgroup");
    write_text(cgroups.paths[0] + "/pids.max", "1024");
    return cgroups;
  }
  for (const std::string_view controller : controllers) {
    const auto parent = "/sys/fs/cgroup/" + std::string{controller};
    const auto& path = cgroups.paths.emplace_back(parent + name);
    check(::mkdir(path.c_str(), 0755), "mkdir cgroup");
    if (controller == "cpuset") {
      write_text(path + "/cpuset.cpus", "0-" + std::to_string(::sysconf(_SC_NPROCESSORS_ONLN) - 1));
      write_text(path + "/cpuset.mems", "0");
    } else if (controller == "devices") {
      write_text(path + "/devices.deny", "a");
      for (const auto* device : allowed_devices) write_text(path + "/devices.allow", device);
    } else if (controller == "pids") {
      write_text(path + "/pids.max", "1024");
    }
  }
  return cgroups;
}

// A process that writes itself into `tasks` skips a lock that the parent would take for cgroup.procs.
void join_cgroups(const Cgroups& cgroups) {
  if (cgroups.v1) {
    for (const auto& path : cgroups.paths) write_text(path + "/tasks", "0");
  }
  check(::unshare(CLONE_NEWCGROUP), "unshare cgroup");
}

// --- mounts
// ------------------------------------------------------------------------------------------------------------

int new_mount(const char* type, std::initializer_list<std::pair<const char*, const char*>> settings,
              unsigned attributes) {
  const int context = check(::fsopen(type, FSOPEN_CLOEXEC), type);
  for (const auto& [key, value] : settings) check(::fsconfig(context, FSCONFIG_SET_STRING, key, value, 0), key);
  check(::fsconfig(context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0), type);
  const int mount = check(::fsmount(context, FSMOUNT_CLOEXEC, attributes), "fsmount");
  ::close(context);
  return mount;
}

void attach(int mount, const char* path) {
  check(::move_mount(mount, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH), path);
  ::close(mount);
}

void bind(const char* source, const char* target, std::uint64_t attributes) {
  const int tree = ::open_tree(AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  if (tree < 0 && errno == ENOENT) return;  // e.g. /proc/asound on a machine without sound
  check(tree, source);
  mount_attr change{};
  change.attr_set = attributes;
  if (attributes != 0) check(::mount_setattr(tree, "", AT_EMPTY_PATH, &change, sizeof change), source);
  attach(tree, target);
}

void make_devices() {
  constexpr unsigned attributes = MOUNT_ATTR_NOSUID;
  attach(new_mount("tmpfs", {{"mode", "755"}, {"size", "65536k"}}, attributes), "dev");
  struct Node {
    const char* path;
    unsigned minor_of_1;
  };
  for (const auto& [path, minor] :
       {Node{"dev/null", 3}, Node{"dev/zero", 5}, Node{"dev/full", 7}, Node{"dev/random", 8}, Node{"dev/urandom", 9}}) {
    check(::mknod(path, S_IFCHR | 0666, makedev(1, minor)), path);
  }
  check(::mknod("dev/tty", S_IFCHR | 0666, makedev(5, 0)), "dev/tty");
  check(::symlink("/proc/self/fd", "dev/fd"), "dev/fd");
  check(::symlink("/proc/self/fd/0", "dev/stdin"), "dev/stdin");
  check(::symlink("/proc/self/fd/1", "dev/stdout"), "dev/stdout");
  check(::symlink("/proc/self/fd/2", "dev/stderr"), "dev/stderr");
  check(::symlink("pts/ptmx", "dev/ptmx"), "dev/ptmx");
  constexpr unsigned strict = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;
  for (const char* path : {"dev/pts", "dev/shm", "dev/mqueue"}) check(::mkdir(path, 0755), path);
  attach(new_mount("devpts", {{"ptmxmode", "0666"}, {"mode", "620"}, {"gid", "5"}}, strict), "dev/pts");
  attach(new_mount("tmpfs", {{"mode", "1777"}, {"size", "65536k"}}, strict | MOUNT_ATTR_NODEV), "dev/shm");
  attach(new_mount("mqueue", {}, strict | MOUNT_ATTR_NODEV), "dev/mqueue");
}

void mount_cgroups(const Cgroups& cgroups) {
  constexpr unsigned attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  if (!cgroups.v1) {
    attach(new_mount("cgroup2", {}, attributes | MOUNT_ATTR_RDONLY), "sys/fs/cgroup");
    return;
  }
  attach(new_mount("tmpfs", {{"mode", "755"}}, attributes), "sys/fs/cgroup");
  for (std::size_t index = 0; index < controllers.size(); ++index) {
    const auto target = "sys/fs/cgroup/" + std::string{controllers[index]};
    check(::mkdir(target.c_str(), 0755), "mkdir sys/fs/cgroup");
    bind(cgroups.paths[index].c_str(), target.c_str(), attributes | MOUNT_ATTR_RDONLY);
  }
  mount_attr read_only{};
  read_only.attr_set = MOUNT_ATTR_RDONLY;
  check(::mount_setattr(AT_FDCWD, "sys/fs/cgroup", 0, &read_only, sizeof read_only), "sys/fs/cgroup read-only");
}

void hide_paths() {
  // One empty read-only file system serves all masked directories, the container's /dev/null all masked files.
  for (const char* path : {"proc/kcore", "proc/keys", "proc/latency_stats", "proc/timer_list", "proc/sched_debug"}) {
    if (::access(path, F_OK) == 0) bind("dev/null", path, 0);
  }
  const int empty = new_mount("tmpfs", {}, MOUNT_ATTR_RDONLY);
  for (const char* path :
       {"proc/asound", "proc/acpi", "proc/scsi", "proc/interrupts", "sys/firmware", "sys/devices/virtual/powercap"}) {
    struct stat status {};
    if (::stat(path, &status) != 0) continue;
    const bool directory = S_ISDIR(status.st_mode);
    const int tree = directory ? ::open_tree(empty, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)
                               : ::open_tree(AT_FDCWD, "dev/null", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    attach(check(tree, path), path);
  }
  ::close(empty);
  for (const char* path : {"proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger"}) {
    bind(path, path, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
  }
}

void enter_root(const Options& options, const Cgroups& cgroups) {
  check(::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr), "make / a slave");
  const auto upper = options.scratch + "/upper";
  const auto work = options.scratch + "/work";
  const auto root = options.scratch + "/root";
  attach(new_mount("overlay",
                   {{"lowerdir", options.lower.c_str()}, {"upperdir", upper.c_str()}, {"workdir", work.c_str()}}, 0),
         root.c_str());
  check(::chdir(root.c_str()), "chdir");
  constexpr unsigned strict = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  attach(new_mount("proc", {}, strict), "proc");
  make_devices();
  attach(new_mount("sysfs", {}, strict | MOUNT_ATTR_RDONLY), "sys");
  mount_cgroups(cgroups);
  for (const char* name : {"hostname", "hosts", "resolv.conf"}) {
    const auto source = options.scratch + "/" + name;
    const auto target = std::string{"etc/"} + name;
    bind(source.c_str(), target.c_str(), 0);
  }
  hide_paths();
  check(static_cast<int>(::syscall(SYS_pivot_root, ".", ".")), "pivot_root");
  check(::umount2(".", MNT_DETACH), "umount old root");
  check(::chdir("/"), "chdir /");
}

// --- privileges
// --------------------------------------------------------------------------------------------------------

// Docker's fourteen.
constexpr std::array kept_capabilities{
    CAP_CHOWN,  CAP_DAC_OVERRIDE, CAP_FSETID,  CAP_FOWNER,     CAP_MKNOD, CAP_NET_RAW,          CAP_SETGID,
    CAP_SETUID, CAP_SETFCAP,      CAP_SETPCAP, CAP_SYS_CHROOT, CAP_KILL,  CAP_NET_BIND_SERVICE, CAP_AUDIT_WRITE};

void drop_capabilities() {
  std::array<__user_cap_data_struct, 2> data{};
  for (const auto capability : kept_capabilities) {
    auto& half = data[static_cast<std::size_t>(capability) / 32];
    half.effective |= 1U << (static_cast<unsigned>(capability) % 32U);
    half.permitted = half.effective;
  }
  for (int capability = 0; capability <= CAP_LAST_CAP; ++capability) {
    if (std::ranges::find(kept_capabilities, capability) == kept_capabilities.end()) {
      ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
    }
  }
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  check(static_cast<int>(::syscall(SYS_capset, &header, data.data())), "capset");
}

// A filter as a good compiler writes Docker's: the allowed numbers are about sixty ranges, found by a binary search,
// and a few calls look at an argument. Which numbers are denied does not matter for the time it takes to load.
std::vector<sock_filter> make_filter() {
  std::vector<unsigned> bounds;  // ranges [bounds[i], bounds[i + 1]) alternate between allowed and denied
  for (unsigned number = 0; number < 462; number += 4) bounds.push_back(number);
  constexpr sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  constexpr sock_filter deny = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
  // What busybox needs is allowed in either kind of range: those numbers are few, and low.
  const auto leaf = [&](std::size_t index) { return bounds[index] < 335 || index % 2 == 0 ? allow : deny; };
  const auto tree = [&](const auto& self, std::size_t first, std::size_t last) -> std::vector<sock_filter> {
    if (last - first == 1) return {leaf(first)};
    const auto middle = (first + last) / 2;
    auto left = self(self, first, middle);
    const auto right = self(self, middle, last);
    const auto skip = static_cast<unsigned char>(left.size());
    left.insert(left.begin(), sock_filter BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, bounds[middle], skip, 0));
    left.insert(left.end(), right.begin(), right.end());
    return left;
  };
  std::vector<sock_filter> filter {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
#if defined(__x86_64__)
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
#else
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_AARCH64, 1, 0),
#endif
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))
  };
  const auto search = tree(tree, 0, bounds.size());
  filter.insert(filter.end(), search.begin(), search.end());
  return filter;
}

void load_filter(const std::vector<sock_filter>& filter) {
  const sock_fprog program{.len = static_cast<unsigned short>(filter.size()),
                           .filter = const_cast<sock_filter*>(filter.data())};
  check(static_cast<int>(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program)), "seccomp");
}

// --- the container
// -----------------------------------------------------------------------------------------------------

/// Lets the container's half of its network wait for the host's: a pipe that the host closes.
struct Gate {
  std::array<int, 2> ends{-1, -1};

  void make() { check(::pipe2(ends.data(), O_CLOEXEC), "pipe"); }
  void open() { ::close(ends[0]), ::close(ends[1]); }
  void await() {
    ::close(ends[1]);
    char byte = 0;
    check(::read(ends[0], &byte, 1), "read pipe");
  }
};

[[noreturn]] void run_init(const Options& options, const Cgroups& cgroups, const std::vector<sock_filter>& filter,
                           Gate& gate) {
  join_cgroups(cgroups);
  check(::setsid(), "setsid");
  ::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, "floor");
  enter_root(options, cgroups);
  if (options.bridge) {
    gate.await();
    floor_network::configure();
  }
  check(::sethostname("floor", 5), "sethostname");
  check(::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC), "close_range");
  load_filter(filter);  // while CAP_SYS_ADMIN is there: no_new_privs is not part of Docker's default
  check(::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), "keepcaps");
  check(::setgroups(0, nullptr), "setgroups");
  check(::setresgid(0, 0, 0), "setresgid");
  check(::setresuid(0, 0, 0), "setresuid");
  drop_capabilities();
  const char* const arguments[] = {"true", nullptr};
  const char* const environment[] = {"PATH=/bin", "HOME=/root", nullptr};
  ::execve("/bin/busybox", const_cast<char**>(arguments), const_cast<char**>(environment));
  fail("execve /bin/busybox");
}

void make_scratch(const Options& options) {
  for (const char* name : {"/upper", "/work", "/root"}) check(::mkdir((options.scratch + name).c_str(), 0755), name);
  for (const char* name : {"/hostname", "/hosts", "/resolv.conf"}) {
    write_text(options.scratch + name, "127.0.0.1 localhost\n", O_WRONLY | O_CREAT | O_TRUNC);
  }
}

void clean_up(const Options& options, const Cgroups& cgroups) {
  for (const auto& path : cgroups.paths) check(::rmdir(path.c_str()), "rmdir cgroup");
  ::rmdir((options.scratch + "/work/work").c_str());
  for (const char* name : {"/hostname", "/hosts", "/resolv.conf"}) ::unlink((options.scratch + name).c_str());
  for (const char* name : {"/upper", "/work", "/root"}) check(::rmdir((options.scratch + name).c_str()), name);
}

void run_one(const Options& options, int sequence, const std::vector<sock_filter>& filter) {
  const auto started = Clock::now();
  const auto cgroups = make_cgroups(sequence);
  make_scratch(options);
  int pidfd = -1;
  clone_args arguments{};
  arguments.flags = CLONE_PIDFD | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS;
  if (!options.host_network) arguments.flags |= CLONE_NEWNET;
  arguments.pidfd = reinterpret_cast<std::uint64_t>(&pidfd);
  arguments.exit_signal = SIGCHLD;
  int cgroup = -1;
  if (!cgroups.v1) {
    cgroup = check(::open(cgroups.paths[0].c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC), "open cgroup");
    arguments.flags |= CLONE_INTO_CGROUP;
    arguments.cgroup = static_cast<__u64>(cgroup);
  }
  Gate gate;
  if (options.bridge) gate.make();
  const auto pid = check(::syscall(SYS_clone3, &arguments, sizeof arguments), "clone3");
  if (pid == 0) run_init(options, cgroups, filter, gate);
  if (options.bridge) {
    floor_network::connect(static_cast<pid_t>(pid));
    gate.open();
  }
  siginfo_t status{};
  check(::waitid(P_PIDFD, static_cast<id_t>(pidfd), &status, WEXITED), "waitid");
  if (status.si_code != CLD_EXITED || status.si_status != 0) {
    std::fprintf(stderr, "floor: the container ended with %d\n", status.si_status);
    clean_up(options, cgroups);
    std::exit(1);
  }
  const auto exited = Clock::now();
  clean_up(options, cgroups);
  ::close(pidfd);
  if (cgroup >= 0) ::close(cgroup);
  const auto us = [](auto duration) { return std::chrono::duration<double, std::micro>(duration).count(); };
  std::printf("{\"run\":%.1f,\"cleanup\":%.1f}\n", us(exited - started), us(Clock::now() - exited));
}

Options parse(int argc, char** argv) {
  Options options;
  std::vector<std::string> paths;
  for (int index = 1; index < argc; ++index) {
    const std::string_view word{argv[index]};
    if (word == "--network" && index + 1 < argc) {
      const std::string_view network{argv[++index]};
      options.host_network = network == "host";
      options.bridge = network == "bridge";
    } else if (word == "-n" && index + 1 < argc) {
      options.number = std::atoi(argv[++index]);
    } else {
      paths.emplace_back(word);
    }
  }
  if (paths.size() != 2) {
    std::fputs("usage: floor [--network none|host|bridge] [-n NUMBER] LOWER SCRATCH\n", stderr);
    std::exit(2);
  }
  options.lower = paths[0];
  options.scratch = paths[1];
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = parse(argc, argv);
  const auto filter = make_filter();
  if (options.bridge) floor_network::make_bridge();
  for (int sequence = 0; sequence < options.number; ++sequence) run_one(options, sequence, filter);
}

// The plan of a container, in its important parts, against what Docker gives.
#include "containers/spec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"

namespace berth::containers {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Not;

HostFacts two_cpus() {
  HostFacts facts;
  facts.cpus = 2;
  facts.cpu_list = "0-1";
  facts.capabilities = {"CAP_CHOWN", "CAP_KILL", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_SYS_ADMIN", "CAP_SYS_TIME"};
  facts.thermal_throttle = {"/sys/devices/system/cpu/cpu0/thermal_throttle"};
  return facts;
}

struct SpecTest : testing::Test {
  TempDir directory{fs::temp_directory_path(), "berth-spec-"};
  seccomp::FilterCache filters{directory.path()};
  HostFacts facts = two_cpus();
  Config config;
  HostConfig host;
  std::vector<std::string> args{"sh", "-c", "true"};
  std::vector<oci::runtime::Device> devices;

  RuntimeBundle bundle() {
    const std::string id(64, 'a');
    return make_bundle({.id = id,
                        .config = config,
                        .host_config = host,
                        .args = args,
                        .directory = "/data/containers/" + id,
                        .network_files = "/data/containers/" + id,
                        .layers = {"/layers/top", "/layers/base"},
                        .init_program = "/usr/libexec/tini",
                        .devices = devices,
                        .facts = facts},
                       filters);
  }
  oci::runtime::Spec spec() { return bundle().spec; }

  /// "type source options" of the mount at a place, "" if there is none.
  std::string mount_at(const std::string& target) {
    for (const auto& mount : spec().mounts) {
      if (mount.destination != target) continue;
      std::string text = mount.type + " " + mount.source + " ";
      for (const auto& option : mount.options) text += (text.ends_with(' ') ? "" : ",") + option;
      return text;
    }
    return "";
  }
  std::string namespaces() {
    std::string text;
    const auto made = spec();
    for (const auto& ns : made.linux->namespaces) text += (text.empty() ? "" : " ") + ns.type;
    return text;
  }
};

TEST_F(SpecTest, EnvironmentIsDockersThenTheUsers) {
  config.Hostname = "web";
  config.Tty = true;
  config.Env = {"A=1", "TERM=dumb", "A=2", "HOSTNAME"};
  EXPECT_THAT(spec().process->env,
              ElementsAre("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=dumb", "A=2"));
}

TEST_F(SpecTest, ProcessIsWhatWasAskedFor) {
  config.Tty = true;
  config.User = "www:www";
  host.GroupAdd = {{"audio"}};
  host.ConsoleSize = {24, 80};
  host.Ulimits = {{{"nofile", 100, 200}, {"core", -1, -1}}};
  host.OomScoreAdj = 7;
  const auto made = bundle();
  const auto& process = *made.spec.process;
  EXPECT_EQ(process.args, args);
  EXPECT_EQ(process.cwd, "/");
  EXPECT_TRUE(process.terminal);
  EXPECT_EQ(process.consoleSize->width, 80U);
  EXPECT_EQ(process.oomScoreAdj, 7);
  ASSERT_EQ(process.rlimits.size(), 2U);
  EXPECT_EQ(process.rlimits[0].type, "RLIMIT_NOFILE");
  EXPECT_EQ(process.rlimits[0].hard, 200U);
  EXPECT_EQ(process.rlimits[1].soft, ~std::uint64_t{0});
  EXPECT_EQ(made.settings.user, "www:www");
  EXPECT_THAT(made.settings.group_add, ElementsAre("audio"));
  EXPECT_THAT(made.settings.rootfs.lower, ElementsAre("/layers/top", "/layers/base"));
  EXPECT_THAT(made.settings.rootfs.upper, testing::EndsWith("/upper"));
  EXPECT_TRUE(made.settings.tty);
}

TEST_F(SpecTest, InitStandsInFrontUnlessPidsAreTheHosts) {
  host.Init = true;
  EXPECT_THAT(spec().process->args, ElementsAre("/sbin/docker-init", "--", "sh", "-c", "true"));
  EXPECT_EQ(mount_at("/sbin/docker-init"), "bind /usr/libexec/tini bind,ro");
  host.PidMode = "host";
  EXPECT_EQ(spec().process->args, args);
}

TEST_F(SpecTest, CapabilitiesAreDockersFourteen) {
  const auto capabilities = *spec().process->capabilities;
  EXPECT_THAT(capabilities.bounding,
              ElementsAre("CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW",
                          "CAP_SETGID", "CAP_SETUID", "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE",
                          "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE"));
  EXPECT_EQ(capabilities.effective, capabilities.bounding);
  EXPECT_THAT(capabilities.inheritable, IsEmpty()) << "CVE-2022-24769";
  EXPECT_THAT(capabilities.ambient, IsEmpty());
}

TEST_F(SpecTest, CapabilitiesAreAddedAndDropped) {
  auto bounding = [&](std::vector<std::string> add, std::vector<std::string> drop) {
    host.CapAdd = StringList{std::move(add)};
    host.CapDrop = StringList{std::move(drop)};
    return std::vector<std::string>{spec().process->capabilities->bounding};
  };
  EXPECT_THAT(bounding({"net_admin"}, {"CAP_CHOWN"}), Contains("CAP_NET_ADMIN"));
  EXPECT_THAT(bounding({"net_admin"}, {"CAP_CHOWN"}), Not(Contains("CAP_CHOWN")));
  EXPECT_THAT(bounding({"NET_RAW", "SYS_TIME"}, {"all"}), ElementsAre("CAP_NET_RAW", "CAP_SYS_TIME"));
  EXPECT_THAT(bounding({}, {"ALL"}), IsEmpty());
  EXPECT_THAT(bounding({"ALL"}, {"SYS_ADMIN"}),
              ElementsAre("CAP_CHOWN", "CAP_KILL", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_SYS_TIME"));
}

TEST_F(SpecTest, SystemMountsAreDockers) {
  EXPECT_EQ(mount_at("/proc"), "proc proc nosuid,noexec,nodev");
  EXPECT_EQ(mount_at("/dev"), "tmpfs tmpfs nosuid,strictatime,mode=755,size=65536k");
  EXPECT_EQ(mount_at("/dev/pts"), "devpts devpts nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5");
  EXPECT_EQ(mount_at("/sys"), "sysfs sysfs nosuid,noexec,nodev,ro");
  EXPECT_EQ(mount_at("/sys/fs/cgroup"), "cgroup cgroup ro,nosuid,noexec,nodev");
  EXPECT_EQ(mount_at("/dev/mqueue"), "mqueue mqueue nosuid,noexec,nodev");
  EXPECT_EQ(mount_at("/dev/shm"), "tmpfs shm nosuid,noexec,nodev,mode=1777,size=67108864");
  EXPECT_EQ(mount_at("/etc/hosts"), "bind /data/containers/" + std::string(64, 'a') + "/hosts rbind,rprivate");
  EXPECT_EQ(spec().mounts.size(), 10U);
}

TEST_F(SpecTest, BindsAreTaken) {
  host.Binds = {{"/srv:/data/deep:ro", "/a:/b:rw,z,rslave", "/my/hosts:/etc/hosts"}};
  Mount mount{.Type = "bind", .Source = std::string{"/tmp"}, .Target = "/mnt/"};
  mount.BindOptions_ = BindOptions{.NonRecursive = true};
  mount.ReadOnly = true;
  host.Mounts = std::vector{mount};
  EXPECT_EQ(mount_at("/data/deep"), "bind /srv rbind,ro,rro,rprivate");
  EXPECT_EQ(mount_at("/b"), "bind /a rbind,rslave");
  EXPECT_EQ(mount_at("/etc/hosts"), "bind /my/hosts rbind,rprivate");
  EXPECT_EQ(mount_at("/mnt"), "bind /tmp bind,ro,rprivate");
  EXPECT_EQ(spec().linux->rootfsPropagation, "rslave");
}

TEST_F(SpecTest, DeeperMountsComeLater) {
  host.Binds = {{"/x:/a/b/c", "/y:/a"}};
  std::vector<std::string> order;
  for (const auto& mount : spec().mounts) order.push_back(mount.destination);
  EXPECT_LT(std::ranges::find(order, "/a") - order.begin(), std::ranges::find(order, "/a/b/c") - order.begin());
}

TEST_F(SpecTest, TmpfsHasDockersDefaultsUnderTheUsersWords) {
  host.Tmpfs = {{{"/tmp", ""}, {"/run", "size=64m,exec,mode=1777"}}};
  Mount mount{.Type = "tmpfs", .Target = "/cache"};
  mount.TmpfsOptions_ = TmpfsOptions{.SizeBytes = 1024, .Mode = 0700};
  host.Mounts = std::vector{mount};
  EXPECT_EQ(mount_at("/tmp"), "tmpfs tmpfs noexec,nosuid,nodev,rprivate");
  EXPECT_EQ(mount_at("/run"), "tmpfs tmpfs nosuid,nodev,rprivate,size=64m,exec,mode=1777");
  EXPECT_EQ(mount_at("/cache"), "tmpfs tmpfs noexec,nosuid,nodev,rprivate,mode=700,size=1024");
}

TEST_F(SpecTest, AMountOfTheUsersTakesThePlaceOfOurs) {
  host.Binds = {{"/dev:/dev"}};
  EXPECT_EQ(mount_at("/dev"), "bind /dev rbind,rprivate");
  EXPECT_EQ(mount_at("/dev/pts"), "");
  EXPECT_EQ(mount_at("/dev/shm"), "");
}

TEST_F(SpecTest, IpcModesDecideAboutSharedMemory) {
  host.IpcMode = "none";
  EXPECT_EQ(mount_at("/dev/shm"), "");
  host.IpcMode = "host";
  EXPECT_EQ(mount_at("/dev/shm"), "bind /dev/shm rbind,rprivate");
  host.IpcMode = "shareable";
  host.ShmSize = 1 << 20;
  EXPECT_EQ(mount_at("/dev/shm"), "tmpfs shm nosuid,noexec,nodev,mode=1777,size=1048576");
}

TEST_F(SpecTest, EachNamespaceCanBeTheHosts) {
  EXPECT_EQ(namespaces(), "mount network uts pid ipc cgroup");
  host.NetworkMode = "host";
  EXPECT_EQ(namespaces(), "mount uts pid ipc cgroup");
  host.UTSMode = host.PidMode = host.IpcMode = host.CgroupnsMode = "host";
  config.Hostname = "web";
  EXPECT_EQ(namespaces(), "mount");
  EXPECT_EQ(spec().hostname, "");
}

TEST_F(SpecTest, SysctlsLetUsersBindAndPingOnlyInANetworkOfTheirOwn) {
  host.Sysctls = {{{"net.core.somaxconn", "1024"}}};
  const std::map<std::string, std::string> expected{{"net.core.somaxconn", "1024"},
                                                    {"net.ipv4.ip_unprivileged_port_start", "0"},
                                                    {"net.ipv4.ping_group_range", "0 2147483647"}};
  EXPECT_EQ((std::map<std::string, std::string>{spec().linux->sysctl}), expected);
  host.NetworkMode = "host";
  host.Sysctls.reset();
  EXPECT_TRUE(spec().linux->sysctl.empty());
}

TEST_F(SpecTest, GHSA_jq35_85cj_fj4p_And_6fw5_f8r9_fgfm_PathsAreMasked) {
  EXPECT_THAT(
      spec().linux->maskedPaths,
      ElementsAre("/proc/asound", "/proc/acpi", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
                  "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware",
                  "/sys/devices/virtual/powercap", "/sys/devices/system/cpu/cpu0/thermal_throttle"));
  EXPECT_THAT(spec().linux->readonlyPaths,
              ElementsAre("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"));
  host.SecurityOpt = {{"systempaths=unconfined"}};
  EXPECT_THAT(spec().linux->maskedPaths, IsEmpty());
  EXPECT_THAT(spec().linux->readonlyPaths, IsEmpty());
}

TEST_F(SpecTest, DevicesAreRefusedButForTheUsual) {
  auto rules = [&] {
    std::vector<std::string> lines;
    const auto made = spec();
    for (const auto& rule : made.linux->resources->devices) {
      auto number = [](const std::optional<std::int64_t>& n) { return n ? std::to_string(*n) : std::string{"*"}; };
      lines.push_back(fmt::format("{} {} {}:{} {}", rule.allow ? '+' : '-', rule.type.empty() ? "a" : rule.type.c_str(),
                                  number(rule.major), number(rule.minor), rule.access.c_str()));
    }
    return lines;
  };
  EXPECT_THAT(rules(), ElementsAre("- a *:* rwm", "+ c 1:5 rwm", "+ c 1:3 rwm", "+ c 1:9 rwm", "+ c 1:8 rwm",
                                   "+ c 5:0 rwm", "+ c 5:1 rwm"));
  devices = {{.path = "/dev/tty9", .type = "c", .major = 4, .minor = 9}};
  host.Devices = {{{"/dev/tty9", "/dev/tty9", "r"}}};
  host.DeviceCgroupRules = {{"b 8:* rw"}};
  EXPECT_THAT(rules(), IsSupersetOf({"+ c 4:9 r", "+ b 8:* rw"}));
  EXPECT_EQ(spec().linux->devices.size(), 1U);
}

TEST_F(SpecTest, PrivilegedLiftsTheProtections) {
  host.Privileged = true;
  const auto made = bundle();
  EXPECT_EQ(made.spec.process->capabilities->bounding, facts.capabilities);
  EXPECT_EQ(made.settings.seccomp_filter, "");
  EXPECT_THAT(made.spec.linux->maskedPaths, IsEmpty());
  EXPECT_EQ(made.spec.linux->resources->devices.size(), 1U);
  EXPECT_TRUE(made.spec.linux->resources->devices.front().allow);
  EXPECT_EQ(mount_at("/sys"), "sysfs sysfs nosuid,noexec,nodev,rw");
  EXPECT_EQ(mount_at("/sys/fs/cgroup"), "cgroup cgroup rw,nosuid,noexec,nodev");
}

TEST_F(SpecTest, SecurityOptionsAreObeyed) {
  const auto filter = bundle().settings.seccomp_filter;
  EXPECT_TRUE(fs::exists(filter));
  EXPECT_FALSE(spec().process->noNewPrivileges);
  host.SecurityOpt = {{"no-new-privileges", "seccomp=unconfined", "label=disable", "apparmor=unconfined"}};
  EXPECT_EQ(bundle().settings.seccomp_filter, "");
  EXPECT_TRUE(spec().process->noNewPrivileges);
  host.SecurityOpt = {{"no-new-privileges:false", "seccomp=builtin"}};
  EXPECT_EQ(bundle().settings.seccomp_filter, filter);
  EXPECT_FALSE(spec().process->noNewPrivileges);
  host.SecurityOpt = {{R"(seccomp={"defaultAction": "SCMP_ACT_ALLOW"})"}};
  EXPECT_NE(bundle().settings.seccomp_filter, filter);
  host.SecurityOpt = {{"seccomp=/etc/passwd"}};
  EXPECT_THROW(bundle(), Error);
}

TEST_F(SpecTest, LimitsAreTranslated) {
  host.Memory = 64 << 20;
  host.NanoCpus = 1'500'000'000;
  host.CpuShares = 512;
  host.CpusetCpus = "0";
  host.PidsLimit = 20;
  host.BlkioWeight = 300;
  const auto resources = *spec().linux->resources;
  EXPECT_EQ(resources.memory->limit, 64 << 20);
  EXPECT_EQ(resources.memory->swap, 128 << 20) << "as much swap again";
  EXPECT_EQ(resources.cpu->period, 100'000U);
  EXPECT_EQ(resources.cpu->quota, 150'000);
  EXPECT_EQ(resources.cpu->shares, 512U);
  EXPECT_EQ(resources.cpu->cpus, "0");
  EXPECT_EQ(resources.pids->limit, 20);
  EXPECT_EQ(resources.blockIO->weight, 300);
  host.MemorySwap = -1;
  EXPECT_EQ(spec().linux->resources->memory->swap, -1);
  facts.has_swap_limit = false;
  EXPECT_FALSE(spec().linux->resources->memory->swap);
}

TEST_F(SpecTest, NoLimitsAreNoLimits) {
  host.PidsLimit = -1;
  const auto resources = *spec().linux->resources;
  EXPECT_FALSE(resources.memory || resources.cpu || resources.pids || resources.blockIO);
}

TEST_F(SpecTest, TheCgroupStaysBelowItsParent) {
  EXPECT_EQ(cgroup_path("x", host), "/berth/x");
  host.CgroupParent = "../../../etc/./jobs/";
  EXPECT_EQ(cgroup_path("x", host), "/etc/jobs/x");
}

TEST_F(SpecTest, LogsAreBoundedUnlessToldOtherwise) {
  auto log = bundle().settings.log;
  EXPECT_EQ(log.driver, "json-file");
  EXPECT_EQ(log.max_size, 100'000'000);
  EXPECT_EQ(log.max_file, 3);
  EXPECT_TRUE(log.compress);
  host.LogConfig_ = {.Type = "json-file", .Config = {{"max-size", "10k"}, {"labels", "a"}, {"env-regex", "^X"}}};
  config.Labels = {{"a", "1"}, {"b", "2"}};
  config.Env = {"XY=3", "Z=4"};
  log = bundle().settings.log;
  EXPECT_EQ(log.max_size, 10'000);
  EXPECT_EQ(log.max_file, 1);
  EXPECT_FALSE(log.compress);
  EXPECT_EQ(log.attrs, (std::map<std::string, std::string>{{"XY", "3"}, {"a", "1"}}));
  host.LogConfig_ = {.Type = "none"};
  EXPECT_EQ(bundle().settings.log.driver, "none");
}

TEST_F(SpecTest, TheLocalDriverHasItsOwnBounds) {
  host.LogConfig_.Type = "local";
  auto log = bundle().settings.log;
  EXPECT_EQ(log.max_size, 20 << 20);
  EXPECT_EQ(log.max_file, 5);
  EXPECT_TRUE(log.compress);
  EXPECT_TRUE(log.path.ends_with("-local.log"));
  host.LogConfig_.Config = {{"max-size", "10k"}, {"compress", "false"}, {"max-file", "1"}};
  log = bundle().settings.log;
  EXPECT_EQ(log.max_size, 10'000);
  EXPECT_EQ(log.max_file, 1);
  EXPECT_FALSE(log.compress);
}

TEST(FindDevices, ReadsTheHostsAndNamesTheMissing) {
  HostConfig host;
  host.Devices = {{{"/dev/null", "/dev/xnull", "rwm"}}};
  const auto devices = find_devices(host);
  ASSERT_EQ(devices.size(), 1U);
  EXPECT_EQ(devices[0].path, "/dev/xnull");
  EXPECT_EQ(devices[0].type, "c");
  EXPECT_EQ(devices[0].major, 1);
  EXPECT_EQ(devices[0].minor, 3);
  host.Devices = {{{"/dev/nope", "/dev/nope", "rwm"}}};
  try {
    find_devices(host);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.message(),
              "error gathering device information while adding custom device \"/dev/nope\": no such file or directory");
  }
}

TEST(MakeBindSources, MakesWhatIsMissing) {
  const TempDir directory{fs::temp_directory_path(), "berth-binds-"};
  HostConfig host;
  host.Binds = {{(directory.path() / "a/b").native() + ":/x"}};
  make_bind_sources(host);
  EXPECT_TRUE(fs::is_directory(directory.path() / "a/b"));
}

}  // namespace
}  // namespace berth::containers

#include "linux/cgroup.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.hpp"
#include "base/id.hpp"

namespace berth::kernel {
namespace {

constexpr const char* hybrid =
    "23 27 0:22 / /sys rw,relatime - sysfs sysfs rw\n"
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:5 - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
    "40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"
    "42 31 0:32 / /mnt/memory rw,relatime - cgroup cgroup rw,memory\n";

TEST(CgroupLayout, HybridIsVersionOneWithoutTheEmptyVersionTwo) {
  const auto layout = parse_cgroup_layout(hybrid, false);
  EXPECT_FALSE(layout.unified);
  ASSERT_EQ(layout.hierarchies.size(), 2U);
  EXPECT_EQ(layout.hierarchies[0].mount_point, "/sys/fs/cgroup/cpu,cpuacct");
  EXPECT_EQ(layout.hierarchies[1].mount_point, "/sys/fs/cgroup/memory");
}

TEST(CgroupLayout, CoMountedControllersShareAHierarchy) {
  const auto layout = parse_cgroup_layout(hybrid, false);
  ASSERT_NE(layout.find("cpu"), nullptr);
  EXPECT_EQ(layout.find("cpu"), layout.find("cpuacct"));
  EXPECT_EQ(layout.find("pids"), nullptr);
}

TEST(CgroupLayout, TheNamedHierarchyCountsWhereSystemdRuns) {
  const auto layout = parse_cgroup_layout(hybrid, true);
  ASSERT_NE(layout.find("name=systemd"), nullptr);
  EXPECT_EQ(layout.find("name=systemd")->mount_point, "/sys/fs/cgroup/systemd");
}

TEST(CgroupLayout, AnyControllerIsInTheOnlyHierarchyOfVersionTwo) {
  const auto layout = parse_cgroup_layout("31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n", false);
  EXPECT_TRUE(layout.unified);
  ASSERT_NE(layout.find("memory"), nullptr);
  EXPECT_EQ(cgroup_directory(*layout.find("memory"), "/berth/x"), "/sys/fs/cgroup/berth/x");
}

TEST(CgroupLayout, MalformedLinesArePassedOver) {
  EXPECT_TRUE(parse_cgroup_layout("nonsense\n1 2 - cgroup\n - cgroup cgroup rw,cpu\n", false).hierarchies.empty());
}

TEST(Cgroup, TakesProcessorsFromAParentThatWasMadeWithoutAny) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  const auto& layout = cgroup_layout();
  const auto* cpuset = layout.find("cpuset");
  if (layout.unified || cpuset == nullptr) GTEST_SKIP() << "needs the cpuset controller of cgroup version 1";
  const std::string parent = "/berth-test-" + random_hex(4);
  ASSERT_EQ(::mkdir(cgroup_directory(*cpuset, parent).c_str(), 0755), 0);
  {
    const Cgroup cgroup{layout, parent + "/child"};
    EXPECT_FALSE(read_file(cgroup_directory(*cpuset, parent + "/child") + "/cpuset.cpus").starts_with("\n"));
    EXPECT_FALSE(read_file(cgroup_directory(*cpuset, parent + "/child") + "/cpuset.mems").starts_with("\n"));
  }
  EXPECT_TRUE(remove_cgroup(layout, parent + "/child"));
  EXPECT_TRUE(remove_cgroup(layout, parent));
}

}  // namespace
}  // namespace berth::kernel

#include "runtime/mount_options.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace berth::runtime {
namespace {

MountOptions parse(const std::vector<std::string>& words) {
  return parse_mount_options(words);
}

TEST(MountOptions, FlagsBecomeAttributes) {
  const auto options = parse({"nosuid", "noexec", "nodev", "ro"});
  EXPECT_EQ(options.attributes.set,
            static_cast<std::uint64_t>(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODEV | MOUNT_ATTR_RDONLY));
  EXPECT_TRUE(options.data.empty());
}

TEST(MountOptions, TheLastWordWins) {
  const auto options = parse({"ro", "rw"});
  EXPECT_EQ(options.attributes.set, 0U);
  EXPECT_EQ(options.attributes.clear, static_cast<std::uint64_t>(MOUNT_ATTR_RDONLY));
}

TEST(MountOptions, AccessTimesReplaceEachOther) {
  const auto options = parse({"noatime", "strictatime"});
  EXPECT_EQ(options.attributes.set, static_cast<std::uint64_t>(MOUNT_ATTR_STRICTATIME));
  EXPECT_EQ(options.attributes.clear, static_cast<std::uint64_t>(MOUNT_ATTR__ATIME));
}

TEST(MountOptions, WhatIsNoFlagGoesToTheFileSystem) {
  const auto options = parse({"mode=755", "size=65536k", "newinstance", "", "defaults"});
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"mode", "755"}, {"size", "65536k"}, {"newinstance", ""}};
  EXPECT_EQ(options.data, expected);
}

TEST(MountOptions, BindsAndPropagation) {
  const auto options = parse({"rbind", "rprivate", "ro"});
  EXPECT_TRUE(options.bind);
  EXPECT_TRUE(options.recursive);
  EXPECT_EQ(options.propagation, static_cast<std::uint64_t>(MS_PRIVATE));
  EXPECT_TRUE(options.recursive_propagation);
  EXPECT_FALSE(parse({"bind"}).recursive);
}

TEST(MountOptions, AnRInFrontIsForTheMountsBelowToo) {
  const auto options = parse({"rro", "rnosuid"});
  EXPECT_EQ(options.attributes.set, 0U);
  EXPECT_EQ(options.recursive_attributes.set, static_cast<std::uint64_t>(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID));
}

TEST(MountOptions, RelatimeAndRwAreNotRecursiveForms) {
  const auto options = parse({"relatime", "rw"});
  EXPECT_TRUE(options.recursive_attributes.empty());
  EXPECT_TRUE(options.data.empty());
}

TEST(MountOptions, WhatCannotBeHadIsRefused) {
  EXPECT_THROW(parse({"idmap"}), Error);
}

TEST(MountOptions, PropagationOfTheRootIsOneOfFourWords) {
  EXPECT_EQ(parse_propagation("rslave").propagation, static_cast<std::uint64_t>(MS_SLAVE));
  EXPECT_EQ(parse_propagation("").propagation, 0U);
  EXPECT_THROW(parse_propagation("public"), Error);
}

}  // namespace
}  // namespace berth::runtime

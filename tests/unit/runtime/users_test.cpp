#include "runtime/users.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"

namespace berth::runtime {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* passwd =
    "root:x:0:0:root:/root:/bin/sh\n"
    "# a comment\n"
    "foo:x:1000:1001:Foo:/home/foo:/bin/sh\n"
    "broken:x:many:0::/:/bin/sh\n"
    "huge:x:4294967296:0::/:/bin/sh\n"
    "short:x\n"
    "42:x:7:7::/seven:/bin/sh\n"
    "last:x:1002:1002::/home/last:/bin/sh";
constexpr const char* group =
    "root:x:0:\n"
    "wheel:x:10:root,foo\n"
    "foo:x:1001:foo\n"
    "audio:x:29:foo,last\n"
    "broken:x:x:foo\n";

std::string refusal(const std::string& user) {
  try {
    resolve_user(user, passwd, group);
  } catch (const Error& error) {
    return error.message();
  }
  return "accepted";
}

TEST(Users, ANameHasItsGroupsAndHome) {
  const auto user = resolve_user("foo", passwd, group);
  EXPECT_EQ(user.uid, 1000U);
  EXPECT_EQ(user.gid, 1001U);
  EXPECT_THAT(user.groups, ElementsAre(1001, 10, 29));
  EXPECT_EQ(user.home, "/home/foo");
}

TEST(Users, ANumberOfThePasswdFileIsThatUser) {
  const auto user = resolve_user("1000", passwd, group);
  EXPECT_EQ(user.gid, 1001U);
  EXPECT_EQ(user.home, "/home/foo");
}

TEST(Users, ANumberThatIsNotThereStandsForItself) {
  const auto user = resolve_user("1234", passwd, group);
  EXPECT_EQ(user.uid, 1234U);
  EXPECT_EQ(user.gid, 0U);
  EXPECT_THAT(user.groups, ElementsAre(0));
  EXPECT_EQ(user.home, "/");
}

TEST(Users, AGroupAskedForReplacesTheSupplementaryOnes) {
  EXPECT_THAT(resolve_user("foo:audio", passwd, group).groups, ElementsAre(29));
  EXPECT_THAT(resolve_user("foo:99", passwd, group).groups, ElementsAre(99));
  EXPECT_EQ(resolve_user("1000:1000", passwd, group).gid, 1000U);
}

TEST(Users, EmptyPartsMeanRootAndItsGroup) {
  EXPECT_EQ(resolve_user(":10", passwd, group).gid, 10U);
  EXPECT_EQ(resolve_user("1000:", passwd, group).gid, 1001U);
}

TEST(Users, ADigitNameIsANumber) {
  EXPECT_EQ(resolve_user("42", passwd, group).uid, 42U);
}

TEST(Users, TheLastLineNeedsNoNewline) {
  EXPECT_EQ(resolve_user("last", passwd, group).uid, 1002U);
}

// CVE-2024-40635, CVE-2026-46680: numbers that wrap around to root.
TEST(Users, NumbersOutOfRangeAreRefused) {
  for (const char* user : {"4294967296", "2147483648", "99999999999999999999", "-1", "0:4294967296", "foo:-2"}) {
    EXPECT_EQ(refusal(user), "uids and gids must be in range 0-2147483647") << user;
  }
  EXPECT_EQ(resolve_user("2147483647", passwd, group).uid, 2147483647U);
}

// CVE-2026-30892: texts that some parser takes for a number.
TEST(Users, WhatIsNoPlainNumberIsAName) {
  for (const char* user : {"+1", "0x0", " 0", "0 ", "1e3", "١"}) {
    EXPECT_THAT(refusal(user), HasSubstr("no matching entries in passwd file")) << user;
  }
}

TEST(Users, UnknownNamesAreRefusedInDockersWords) {
  EXPECT_EQ(refusal("bar"), "unable to find user bar: no matching entries in passwd file");
  EXPECT_EQ(refusal("foo:bar"), "unable to find group bar: no matching entries in group file");
}

TEST(Users, LinesWithMalformedNumbersNameNobody) {
  EXPECT_EQ(refusal("broken"), "unable to find user broken: no matching entries in passwd file");
  EXPECT_EQ(refusal("huge"), "unable to find user huge: no matching entries in passwd file");
  EXPECT_EQ(refusal("short"), "unable to find user short: no matching entries in passwd file");
}

TEST(Users, AddedGroupsAreResolvedOnce) {
  auto user = resolve_user("foo", passwd, group);
  add_groups(user, std::vector<std::string>{"audio", "77"}, group);
  EXPECT_THAT(user.groups, ElementsAre(1001, 10, 29, 77));
  EXPECT_THROW(add_groups(user, std::vector<std::string>{"nogroup"}, group), Error);
}

TEST(Users, WithoutFilesOnlyNumbersWork) {
  EXPECT_EQ(resolve_user("0", "", "").uid, 0U);
  EXPECT_THROW(resolve_user("root", "", ""), Error);
}

}  // namespace
}  // namespace berth::runtime

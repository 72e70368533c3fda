#include "shim/detach_keys.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace berth::shim {
namespace {

TEST(DetachKeys, AreNamedAsDockerNamesThem) {
  EXPECT_EQ(parse_detach_keys(""), "\x10\x11");
  EXPECT_EQ(parse_detach_keys("ctrl-p,ctrl-q"), "\x10\x11");
  EXPECT_EQ(parse_detach_keys("a,ctrl-[,ctrl-_,DEL"), "a\x1b\x1f\x7f");
  EXPECT_EQ(parse_detach_keys("ctrl-@"), std::string(1, '\0'));
}

TEST(DetachKeys, UnknownNamesAreInvalid) {
  for (const auto* text : {"ctrl-A", "ctrl-", "ab", "ctrl-p,,", "ctrl-1"})
    EXPECT_THROW(parse_detach_keys(text), Error) << text;
}

TEST(DetachMatcher, FindsTheSequenceInOnePieceAndInTwo) {
  std::string out;
  EXPECT_TRUE(DetachMatcher{"\x10\x11"}.feed("ab\x10\x11", out));
  EXPECT_EQ(out, "ab");
  DetachMatcher matcher{"\x10\x11"};
  EXPECT_FALSE(matcher.feed("\x10", out));
  EXPECT_TRUE(matcher.feed("\x11", out));
  EXPECT_EQ(out, "ab");
}

TEST(DetachMatcher, WhatOnlyBeginsLikeTheSequenceIsPassedOn) {
  DetachMatcher matcher{"aab"};
  std::string out;
  EXPECT_FALSE(matcher.feed("aaac", out));
  EXPECT_EQ(out, "aaac");
  EXPECT_FALSE(matcher.feed("a", out));
  EXPECT_EQ(out, "aaac");
  EXPECT_TRUE(matcher.feed("aab", out));
  EXPECT_EQ(out, "aaaca");
}

}  // namespace
}  // namespace berth::shim

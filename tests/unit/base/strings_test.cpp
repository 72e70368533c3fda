#include "base/strings.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace berth {
namespace {

TEST(Strings, SplitKeepsEmptyParts) {
  EXPECT_EQ(split("a::b", ':'), (std::vector<std::string>{"a", "", "b"}));
  EXPECT_EQ(split("", ':'), std::vector<std::string>{""});
}

TEST(Strings, WordsStandBetweenAnyNumberOfBlanks) {
  EXPECT_EQ(words_of(" one\t\ttwo \r\n\v\fthree "), (std::vector<std::string_view>{"one", "two", "three"}));
  EXPECT_EQ(words_of("one\xc2\xa0two"), std::vector<std::string_view>{"one\xc2\xa0two"});  // no blank of ASCII
  for (const auto* text : {"", " \t\n"}) EXPECT_TRUE(words_of(text).empty()) << text;
}

TEST(Strings, NumbersAreWholeOrNothing) {
  EXPECT_EQ(parse_number<int>("42"), 42);
  for (const auto* text : {"", "42x", " 42", "+42", "99999999999"}) EXPECT_FALSE(parse_number<int>(text)) << text;
}

TEST(Strings, Base64ThereAndBack) {
  for (const auto* text : {"", "a", "ab", "abc", "abcd"}) EXPECT_EQ(from_base64(to_base64(text)), text);
  EXPECT_EQ(to_base64("ab"), "YWI=");
  EXPECT_FALSE(from_base64("a*b"));
}

TEST(Strings, PercentEscapes) {
  EXPECT_EQ(percent_decode("a%2Fb+c", true), "a/b c");
  EXPECT_EQ(percent_decode("a+c", false), "a+c");
  EXPECT_THROW(percent_decode("%2", false), Error);
  EXPECT_THROW(percent_decode("%zz", false), Error);
  EXPECT_EQ(percent_encode("a/b c"), "a%2Fb%20c");
}

TEST(Strings, InvalidUtf8IsReplaced) {
  EXPECT_EQ(to_valid_utf8("a\xff"
                          "b"),
            "a\xef\xbf\xbd"
            "b");
  EXPECT_EQ(to_valid_utf8("\xc3\xa9"), "\xc3\xa9");
  EXPECT_EQ(to_valid_utf8("\xed\xa0\x80"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");  // a surrogate
}

}  // namespace
}  // namespace berth

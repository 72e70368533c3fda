#include "base/json_syntax.hpp"

#include <gtest/gtest.h>

namespace berth::json {
namespace {

TEST(JsonSyntax, WellFormedTextsHaveNoFault) {
  for (const auto* text : {"{}", " [ ] ", R"({"a":[1,-2.5e+3,true,false,null,"\u00e4\n"]})", "0", "\"\""}) {
    EXPECT_EQ(syntax_fault(text), "") << text;
  }
}

TEST(JsonSyntax, FaultsAreWordedAsGoDoes) {
  EXPECT_EQ(syntax_fault("{invalid json"), "invalid character 'i' looking for beginning of object key string");
  EXPECT_EQ(syntax_fault("x"), "invalid character 'x' looking for beginning of value");
  EXPECT_EQ(syntax_fault("[1 2]"), "invalid character '2' after array element");
  EXPECT_EQ(syntax_fault(R"({"a" 1})"), "invalid character '1' after object key");
  EXPECT_EQ(syntax_fault(R"({"a":1 "b"})"), "invalid character '\"' after object key:value pair");
  EXPECT_EQ(syntax_fault(R"({"a":trUe})"), "invalid character 'U' in literal true (expecting 'u')");
  EXPECT_EQ(syntax_fault("-a"), "invalid character 'a' in numeric literal");
  EXPECT_EQ(syntax_fault("[1.]"), "invalid character ']' after decimal point in numeric literal");
  EXPECT_EQ(syntax_fault("\"a\nb\""), R"(invalid character '\n' in string literal)");
  EXPECT_EQ(syntax_fault(R"("\x")"), "invalid character 'x' in string escape code");
}

TEST(JsonSyntax, TextsThatEndTooEarlyOrTooLate) {
  for (const auto* text : {"", "{", "[1,", R"({"a")", "\"abc", "tru"}) EXPECT_EQ(syntax_fault(text), "unexpected EOF");
  EXPECT_EQ(syntax_fault("{} trailing"), "unexpected content after JSON");
}

TEST(JsonSyntax, DeepNestingIsLeftToTheParser) {
  EXPECT_EQ(syntax_fault(std::string(100'000, '[')), "");
}

}  // namespace
}  // namespace berth::json

#include "cli/flag_values.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "cli/each.hpp"
#include "cli/units.hpp"

namespace berth::cli {
namespace {

using testing::ElementsAre;

std::string csv_failure(std::string_view line) {
  try {
    split_csv(line);
  } catch (const Error& error) {
    return error.message();
  }
  return "no failure";
}

TEST(FlagValues, FieldsMayBeInQuotes) {
  EXPECT_THAT(split_csv("a,b=c,"), ElementsAre("a", "b=c", ""));
  EXPECT_THAT(split_csv(R"("a,b",c,"say ""x""")"), ElementsAre("a,b", "c", R"(say "x")"));
}

TEST(FlagValues, MisplacedQuotesAreRefusedAsInGo) {
  EXPECT_EQ(csv_failure("a\"b"), "parse error on line 1, column 2: bare \" in non-quoted-field");
  EXPECT_EQ(csv_failure("\"a\"b"), "parse error on line 1, column 3: extraneous or missing \" in quoted-field");
  EXPECT_EQ(csv_failure("n,\"ab"), "parse error on line 1, column 6: extraneous or missing \" in quoted-field");
}

TEST(FlagValues, NumbersInNamesCountByValue) {
  EXPECT_TRUE(natural_less("web2", "web10"));
  EXPECT_FALSE(natural_less("web10", "web2"));
  EXPECT_TRUE(natural_less("web2", "web02"));
  EXPECT_TRUE(natural_less("1", "a"));
  EXPECT_TRUE(natural_less("web", "web1"));
  EXPECT_FALSE(natural_less("web", "web"));
}

TEST(FlagValues, TimesAreShownAsGoShowsThem) {
  EXPECT_EQ(go_time("2026-11-21T19:33:11.1234Z"), "2026-11-21 19:33:11.1234 +0000 UTC");
  EXPECT_EQ(go_time("2026-11-21T19:33:11.500000000Z"), "2026-11-21 19:33:11.5 +0000 UTC");
  EXPECT_EQ(go_time("2026-11-21T19:33:11+05:45"), "2026-11-21 19:33:11 +0545 +0545");
  EXPECT_EQ(go_time("never"), "never");
}

}  // namespace
}  // namespace berth::cli

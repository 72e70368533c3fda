#include "base/size.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace berth {
namespace {

TEST(Size, HasBinaryUnits) {
  EXPECT_EQ(parse_size("100"), 100);
  EXPECT_EQ(parse_size("512m"), 512 << 20);
  EXPECT_EQ(parse_size("1.5GiB"), 1536LL << 20);
  EXPECT_EQ(parse_size("10 kb"), 10 << 10);
  for (const auto* text : {"", "m", "-1", "5x", "5mm"}) EXPECT_THROW(parse_size(text), Error) << text;
}

TEST(Size, HasDecimalUnitsWhereTheyAreAskedFor) {
  EXPECT_EQ(parse_size("10m", 1000), 10'000'000);
  EXPECT_EQ(parse_size("20kib", 1000), 20'000);
}

TEST(Size, ThatNoNumberHoldsIsRefused) {
  EXPECT_THROW(parse_size("9000000p"), Error);
  EXPECT_THROW(parse_size("99999999999999999999"), Error);
}

}  // namespace
}  // namespace berth

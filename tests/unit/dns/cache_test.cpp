#include "dns/cache.hpp"

#include <gtest/gtest.h>

namespace berth::dns {
namespace {

using std::chrono::seconds;

TEST(DnsCache, TellsAnAnswerUntilItsTimeHasCome) {
  Cache cache{4};
  const auto now = Cache::Clock::now();
  cache.keep("a", "answer", seconds{10}, now);
  const auto found = cache.find("a", now + seconds{9});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->message, "answer");
  EXPECT_EQ(found->age, seconds{9});
  EXPECT_FALSE(cache.find("a", now + seconds{10}));
  EXPECT_EQ(cache.size(), 0U);
}

TEST(DnsCache, ForgetsWhatNobodyAskedForTheLongest) {
  Cache cache{2};
  const auto now = Cache::Clock::now();
  cache.keep("a", "1", seconds{10}, now);
  cache.keep("b", "2", seconds{10}, now);
  EXPECT_TRUE(cache.find("a", now));
  cache.keep("c", "3", seconds{10}, now);
  EXPECT_TRUE(cache.find("a", now));
  EXPECT_FALSE(cache.find("b", now));
  EXPECT_TRUE(cache.find("c", now));
}

TEST(DnsCache, AnAnswerTakesThePlaceOfTheOldOne) {
  Cache cache{2};
  const auto now = Cache::Clock::now();
  cache.keep("a", "1", seconds{10}, now);
  cache.keep("a", "2", seconds{10}, now);
  EXPECT_EQ(cache.size(), 1U);
  EXPECT_EQ(cache.find("a", now)->message, "2");
}

TEST(DnsCache, KeepsNothingThatIsLargeOrOver) {
  Cache cache{2};
  const auto now = Cache::Clock::now();
  cache.keep("a", std::string(5000, 'x'), seconds{10}, now);
  cache.keep("b", "1", seconds{0}, now);
  EXPECT_EQ(cache.size(), 0U);
}

}  // namespace
}  // namespace berth::dns

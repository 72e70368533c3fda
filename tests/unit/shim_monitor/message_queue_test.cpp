#include "shim/monitor/message_queue.hpp"

#include <gtest/gtest.h>

namespace berth::shim {
namespace {

TEST(MessageQueue, GivesMessagesBackInTheirOrder) {
  MessageQueue queue{1000};
  queue.push("one");
  queue.push("two");
  EXPECT_EQ(queue.all(), "onetwo");
  EXPECT_EQ(queue.front(), "one");
  queue.pop();
  EXPECT_EQ(queue.front(), "two");
  queue.push("three");
  EXPECT_EQ(queue.all(), "twothree");
  queue.pop();
  queue.pop();
  EXPECT_TRUE(queue.empty());
}

TEST(MessageQueue, IsFullAtItsLimitAndHasRoomAgainOnceSomethingIsTaken) {
  MessageQueue queue{30};
  queue.push("0123456789");
  EXPECT_FALSE(queue.is_full_for(10));
  queue.push("0123456789");
  EXPECT_TRUE(queue.is_full_for(10));
  queue.pop();
  EXPECT_FALSE(queue.is_full_for(10));
}

TEST(MessageQueue, TakesOneMessageThatIsTooBigIfItIsEmpty) {
  MessageQueue queue{4};
  EXPECT_FALSE(queue.is_full_for(100));
  queue.push("much too long");
  EXPECT_TRUE(queue.is_full());
}

TEST(MessageQueue, CountsTinyMessagesForMoreThanTheirBytes) {
  MessageQueue queue{1000};
  std::size_t count = 0;
  for (; !queue.is_full_for(1); ++count) queue.push("x");
  EXPECT_LE(count, 200U);
}

}  // namespace
}  // namespace berth::shim

#include "network/shortcut.hpp"

#include <gtest/gtest.h>

namespace berth::network {
namespace {

Publication published(const std::string& host, const std::string& container) {
  return {.host_address = parse_ip(host), .host_first = 8080, .container = parse_ip(container), .container_first = 80};
}

TEST(Shortcut, LeadsToWhatIsPublishedForLoopbackByIpv4) {
  EXPECT_TRUE(has_shortcut(published("0.0.0.0", "172.17.0.2")));
  EXPECT_TRUE(has_shortcut(published("127.0.0.1", "172.17.0.2")));
  EXPECT_FALSE(has_shortcut(published("127.0.0.2", "172.17.0.2")));
  EXPECT_FALSE(has_shortcut(published("192.0.2.1", "172.17.0.2")));
  EXPECT_FALSE(has_shortcut(published("::", "172.17.0.2")));
  EXPECT_FALSE(has_shortcut(published("::", "fd00::2")));
}

TEST(Shortcut, IsForTcpAndForPortsOfTheHost) {
  auto other = published("0.0.0.0", "172.17.0.2");
  other.protocol = Protocol::udp;
  EXPECT_FALSE(has_shortcut(other));
  auto routed = published("0.0.0.0", "172.17.0.2");
  routed.host_first = 0;
  EXPECT_FALSE(has_shortcut(routed));
}

TEST(Shortcut, APortIsABlockOfItsOwn) {
  EXPECT_EQ(split_into_blocks(8080, 1), (std::vector<PortBlock>{{8080, 16}}));
}

TEST(Shortcut, ARangeIsAFewBlocks) {
  EXPECT_EQ(split_into_blocks(7, 10), (std::vector<PortBlock>{{7, 16}, {8, 13}, {16, 16}}));
  EXPECT_EQ(split_into_blocks(32768, 32768), (std::vector<PortBlock>{{32768, 1}}));
  EXPECT_EQ(split_into_blocks(65534, 2), (std::vector<PortBlock>{{65534, 15}}));
}

TEST(Shortcut, BlocksOfALongRangeAreAllOfItsPorts) {
  unsigned next = 20001;
  const auto blocks = split_into_blocks(20001, 9999);
  for (const auto& block : blocks) {
    EXPECT_EQ(block.first, next);
    EXPECT_EQ(block.first % (1U << (16 - block.bits)), 0U);
    next += 1U << (16 - block.bits);
  }
  EXPECT_EQ(next, 30000U);
  EXPECT_LE(blocks.size(), 24U);
}

TEST(Shortcut, ThatIsNotOpenTakesEverything) {
  Shortcut shortcut;
  shortcut.lead_to({published("0.0.0.0", "172.17.0.2")});
  EXPECT_FALSE(shortcut.is_open());
}

}  // namespace
}  // namespace berth::network

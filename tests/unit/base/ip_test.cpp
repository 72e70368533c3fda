#include "base/ip.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace berth {
namespace {

TEST(IpAddress, OfBothFamiliesIsReadAndWritten) {
  for (const auto* text : {"0.0.0.0", "172.17.0.1", "255.255.255.255", "::", "::1", "fd00::1:2", "2001:db8::ff"}) {
    EXPECT_EQ(to_string(parse_ip(text)), text);
  }
}

TEST(IpAddress, ThatIsNoneIsRefusedByItsText) {
  for (const auto* text : {"", "1.2.3", "1.2.3.256", "01.2.3.4x", "fd00::g", "1.2.3.4/8", " 1.2.3.4"}) {
    EXPECT_FALSE(find_ip(text)) << text;
  }
  try {
    parse_ip("1.2.3");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.message(), "invalid IP address: \"1.2.3\"");
  }
}

TEST(IpAddress, OfAGoFormWithNulIsNone) {
  EXPECT_FALSE(find_ip(std::string_view{"1.2.3.4\0x", 9}));
}

TEST(IpAddress, CountsOnAcrossBytes) {
  EXPECT_EQ(to_string(*parse_ip("10.0.0.255").plus(1)), "10.0.1.0");
  EXPECT_EQ(to_string(*parse_ip("10.0.0.0").plus(65536)), "10.1.0.0");
  EXPECT_EQ(to_string(*parse_ip("fd00::ffff").plus(1)), "fd00::1:0");
  EXPECT_FALSE(parse_ip("255.255.255.255").plus(1));
  EXPECT_FALSE(parse_ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff").plus(1));
}

TEST(IpAddress, KnowsHowFarItIs) {
  EXPECT_EQ(parse_ip("10.0.1.0").distance_from(parse_ip("10.0.0.255")), 1U);
  EXPECT_EQ(parse_ip("10.0.1.0").distance_from(parse_ip("10.0.1.0")), 0U);
  EXPECT_EQ(parse_ip("fd00::1:0").distance_from(parse_ip("fd00::")), 65536U);
  EXPECT_EQ(parse_ip("fd00:1::").distance_from(parse_ip("fd00::")), ~std::uint64_t{0});
}

TEST(IpAddress, KnowsItsKind) {
  EXPECT_TRUE(parse_ip("127.9.9.9").is_loopback());
  EXPECT_TRUE(parse_ip("::1").is_loopback());
  EXPECT_FALSE(parse_ip("::2").is_loopback());
  EXPECT_TRUE(parse_ip("169.254.1.1").is_link_local());
  EXPECT_TRUE(parse_ip("fe80::1").is_link_local());
  EXPECT_TRUE(parse_ip("239.1.1.1").is_multicast());
  EXPECT_TRUE(parse_ip("::").is_any());
}

TEST(Cidr, HasAFirstAndALastAddress) {
  const auto cidr = parse_cidr("172.18.5.9/20");
  EXPECT_EQ(to_string(cidr.network()), "172.18.0.0/20");
  EXPECT_EQ(to_string(cidr.last()), "172.18.15.255");
  EXPECT_EQ(to_string(parse_cidr("fd00::5/64").last()), "fd00::ffff:ffff:ffff:ffff");
  EXPECT_EQ(to_string(parse_cidr("10.1.2.3/32").last()), "10.1.2.3");
  EXPECT_EQ(to_string(parse_cidr("10.1.2.3/0").first()), "0.0.0.0");
}

TEST(Cidr, KnowsWhatLiesInIt) {
  const auto cidr = parse_cidr("10.1.0.0/16");
  EXPECT_TRUE(cidr.contains(parse_ip("10.1.255.255")));
  EXPECT_FALSE(cidr.contains(parse_ip("10.2.0.0")));
  EXPECT_FALSE(cidr.contains(parse_ip("::a01:1")));
  EXPECT_TRUE(cidr.overlaps(parse_cidr("10.0.0.0/8")));
  EXPECT_TRUE(cidr.overlaps(parse_cidr("10.1.3.0/24")));
  EXPECT_FALSE(cidr.overlaps(parse_cidr("10.2.0.0/15")));
  EXPECT_TRUE(cidr.contains(parse_cidr("10.1.3.0/24")));
  EXPECT_FALSE(cidr.contains(parse_cidr("10.0.0.0/8")));
}

TEST(Cidr, ThatIsNoneIsRefused) {
  for (const auto* text : {"10.0.0.0", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "/8", "fd00::/129"}) {
    EXPECT_FALSE(find_cidr(text)) << text;
  }
}

TEST(MacAddress, IsReadInThreeForms) {
  for (const auto* text : {"02:42:ac:11:00:0F", "02-42-ac-11-00-0f", "0242.ac11.000f"}) {
    EXPECT_EQ(to_string(parse_mac(text)), "02:42:ac:11:00:0f") << text;
  }
  for (const auto* text : {"", "02:42:ac:11:00", "02:42:ac:11:00:0g", "02:42-ac:11:00:0f", "0242ac11000f"}) {
    EXPECT_FALSE(find_mac(text)) << text;
  }
}

}  // namespace
}  // namespace berth

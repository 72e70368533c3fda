#include "network/pools.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace berth::network {
namespace {

std::string choose(std::vector<AddressPool> pools, const std::vector<std::string>& taken, bool v6 = false) {
  std::vector<Cidr> cidrs;
  for (const auto& text : taken) cidrs.push_back(parse_cidr(text));
  try {
    return to_string(choose_subnet(pools, v6, cidrs));
  } catch (const Error& error) {
    return error.message();
  }
}

TEST(Pools, DefaultsAreDockersInTheirOrder) {
  const auto pools = default_pools("engine");
  EXPECT_EQ(choose(pools, {}), "172.17.0.0/16");
  EXPECT_EQ(choose(pools, {"172.17.0.0/16", "172.18.0.0/15"}), "172.20.0.0/16");
  EXPECT_EQ(choose(pools, {"172.16.0.0/12"}), "192.168.0.0/20");
  EXPECT_EQ(choose(pools, {"172.16.0.0/12", "192.168.0.0/24", "192.168.17.0/24"}), "192.168.32.0/20");
  EXPECT_EQ(choose(pools, {"172.16.0.0/12", "192.168.0.0/16"}),
            "all predefined address pools have been fully subnetted");
}

TEST(Pools, UniqueLocalPrefixIsTheEnginesOwn) {
  EXPECT_EQ(choose(default_pools("a"), {}, true), choose(default_pools("a"), {}, true));
  EXPECT_NE(choose(default_pools("a"), {}, true), choose(default_pools("b"), {}, true));
  EXPECT_TRUE(choose(default_pools("a"), {}, true).starts_with("fd"));
}

TEST(Pools, WhatIsTakenMayBeLargerOrSmallerThanWhatIsSought) {
  EXPECT_EQ(choose({parse_pool("base=10.10.0.0/16,size=24")}, {"10.10.0.0/20"}), "10.10.16.0/24");
  EXPECT_EQ(choose({parse_pool("base=10.10.0.0/16,size=24")}, {"10.10.0.77/32", "10.10.1.0/25"}), "10.10.2.0/24");
  EXPECT_EQ(choose({parse_pool("base=255.255.0.0/16,size=16")}, {"255.255.255.0/24"}),
            "all predefined address pools have been fully subnetted");
}

TEST(Pools, MalformedOnesAreRefused) {
  for (const auto* text : {"", "10.0.0.0/8", "base=10.0.0.0/8", "size=24", "base=10.0.0.1/8,size=24",
                           "base=10.0.0.0/16,size=8", "base=10.0.0.0/16,size=33", "base=x,size=24"}) {
    EXPECT_THROW(parse_pool(text), Error) << text;
  }
}

}  // namespace
}  // namespace berth::network

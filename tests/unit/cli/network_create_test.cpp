#include "cli/network_create.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace berth::cli {
namespace {

std::string failure_of(const IpamFlags& flags) {
  try {
    make_ipam_config(flags);
  } catch (const Error& error) {
    return error.message();
  }
  return "no failure";
}

TEST(NetworkCreate, EachAddressGoesToTheSubnetItLiesIn) {
  const auto config = make_ipam_config({.subnets = {"10.0.0.0/24", "fd00::/64"},
                                        .ranges = {"fd00::/80"},
                                        .gateways = {"fd00::1", "10.0.0.9"},
                                        .auxiliary = {"a=10.0.0.2", "b=10.0.0.3"}});
  EXPECT_EQ(json::write(json::Value(config)),
            R"([{"Subnet":"10.0.0.0/24","Gateway":"10.0.0.9","AuxiliaryAddresses":{"a":"10.0.0.2","b":"10.0.0.3"}},)"
            R"({"Subnet":"fd00::/64","IPRange":"fd00::/80","Gateway":"fd00::1"}])");
}

TEST(NetworkCreate, OneSubnetIsTheDaemonsToJudge) {
  EXPECT_EQ(json::write(json::Value(make_ipam_config({.subnets = {"bogus"}}))), R"([{"Subnet":"bogus"}])");
}

TEST(NetworkCreate, WhatLiesNowhereIsRefusedInDockersWords) {
  EXPECT_EQ(failure_of({.gateways = {"10.0.0.1"}}), "every ip-range or gateway must have a corresponding subnet");
  EXPECT_EQ(failure_of({.subnets = {"10.0.0.0/24"}, .ranges = {"10.1.0.0/25"}}),
            "no matching subnet for range 10.1.0.0/25");
  EXPECT_EQ(failure_of({.subnets = {"10.0.0.0/24"}, .ranges = {"bogus/25"}}), "invalid CIDR address: bogus/25");
  EXPECT_EQ(failure_of({.subnets = {"10.0.0.0/24"}, .gateways = {"bogus"}}), "no matching subnet for gateway bogus");
  EXPECT_EQ(failure_of({.subnets = {"bogus"}, .gateways = {"1.1.1.1"}}), "invalid subnet: invalid CIDR address: bogus");
  EXPECT_EQ(failure_of({.subnets = {"10.0.0.0/24"}, .auxiliary = {"a"}}), "no matching subnet for aux-address ");
}

TEST(NetworkCreate, SubnetsThatOverlapAndTwoOfAKindAreRefused) {
  EXPECT_EQ(failure_of({.subnets = {"10.0.0.0/24", "10.0.0.0/16"}}),
            "multiple overlapping subnet configuration is not supported");
  EXPECT_EQ(failure_of({.subnets = {"10.0.0.0/16", "10.0.0.0/24"}}),
            "multiple overlapping subnet configuration is not supported");
  EXPECT_EQ(failure_of({.subnets = {"10.0.0.0/24", "10.9.0.0/24"}, .ranges = {"10.0.0.0/25", "10.0.0.128/25"}}),
            "cannot configure multiple ranges (10.0.0.128/25, 10.0.0.0/25) on the same subnet (10.0.0.0/24)");
  EXPECT_EQ(failure_of({.subnets = {"10.0.0.0/24", "10.9.0.0/24"}, .gateways = {"10.0.0.1", "10.0.0.2"}}),
            "cannot configure multiple gateways (10.0.0.2, 10.0.0.1) for the same subnet (10.0.0.0/24)");
}

}  // namespace
}  // namespace berth::cli

#include "network/ipam.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace berth::network {
namespace {

std::string faults(const Ipam& ipam, bool v6 = false) {
  try {
    check_ipam(ipam, v6);
  } catch (const Error& error) {
    return error.message();
  }
  return "";
}

std::string faults(IpamSubnet subnet, bool v6 = false) {
  Ipam ipam;
  ipam.Config.emplace().push_back(std::move(subnet));
  return faults(ipam, v6);
}

std::string take(std::vector<Subnet>& subnets, std::optional<std::string> wanted = {}) {
  try {
    return to_string(take_address(subnets, false, wanted ? std::optional{parse_ip(*wanted)} : std::nullopt));
  } catch (const Error& error) {
    return error.message();
  }
}

TEST(Ipam, FaultsOfARequestAreToldInDockersWords) {
  EXPECT_EQ(faults({.Subnet = "10.0.0.0/8"}), "");
  EXPECT_EQ(faults({.Subnet = "10.0.0"}),
            "invalid network config:\ninvalid subnet 10.0.0: invalid CIDR block notation");
  EXPECT_EQ(faults({.Subnet = "10.0.0.1/8"}),
            "invalid network config:\ninvalid subnet 10.0.0.1/8: it should be 10.0.0.0/8");
  EXPECT_EQ(faults({.Subnet = "10.1.0.0/16", .IPRange = "10.2.0.0/24", .Gateway = "10.3.0.1"}),
            "invalid network config:\n"
            "invalid ip-range 10.2.0.0/24: parent subnet 10.1.0.0/16 doesn't contain ip-range\n"
            "invalid gateway 10.3.0.1: parent subnet 10.1.0.0/16 doesn't contain this address");
  EXPECT_EQ(faults({.Subnet = "10.1.0.0/16", .IPRange = "fd00::/64", .Gateway = "fd00::1"}),
            "invalid network config:\n"
            "invalid ip-range fd00::/64: parent subnet is an IPv4 block\n"
            "invalid gateway fd00::1: parent subnet is an IPv4 block");
  EXPECT_EQ(faults({.Subnet = "10.1.0.0/16", .Gateway = "nobody", .AuxiliaryAddresses = StringMap{{"r", "10.9.0.1"}}}),
            "invalid network config:\n"
            "invalid gateway nobody: invalid address\n"
            "invalid auxiliary address r: parent subnet 10.1.0.0/16 doesn't contain this address");
}

TEST(Ipam, Ipv6SubnetsAreLookedAtOnlyIfTheNetworkHasIpv6) {
  EXPECT_EQ(faults({.Subnet = "fd00::1/64"}), "");
  EXPECT_EQ(faults({.Subnet = "fd00::1/64"}, true),
            "invalid network config:\ninvalid subnet fd00::1/64: it should be fd00::/64");
}

TEST(Ipam, LowestFreeAddressIsTakenAndComesBack) {
  std::vector<Subnet> subnets{make_subnet({.Subnet = "10.0.0.0/29", .Gateway = "10.0.0.1"})};
  EXPECT_EQ(take(subnets), "10.0.0.2/29");
  EXPECT_EQ(take(subnets), "10.0.0.3/29");
  release_address(subnets, parse_ip("10.0.0.2"));
  EXPECT_EQ(take(subnets), "10.0.0.2/29");
}

TEST(Ipam, NeitherGatewayNorBroadcastNorAuxiliaryAddressesAreGiven) {
  std::vector<Subnet> subnets{make_subnet(
      {.Subnet = "10.0.0.0/29", .Gateway = "10.0.0.3", .AuxiliaryAddresses = StringMap{{"router", "10.0.0.2"}}})};
  EXPECT_EQ(take(subnets), "10.0.0.1/29");
  EXPECT_EQ(take(subnets), "10.0.0.4/29");
  EXPECT_EQ(take(subnets), "10.0.0.5/29");
  EXPECT_EQ(take(subnets), "10.0.0.6/29");
  EXPECT_EQ(take(subnets), "no available IPv4 addresses on this network's address pools");
}

TEST(Ipam, RangeBoundsWhatIsChosenButNotWhatIsAskedFor) {
  std::vector<Subnet> subnets{make_subnet({.Subnet = "10.0.0.0/16", .IPRange = "10.0.5.0/31", .Gateway = "10.0.0.1"})};
  EXPECT_EQ(take(subnets), "10.0.5.0/16");
  EXPECT_EQ(take(subnets), "10.0.5.1/16");
  EXPECT_EQ(take(subnets), "no available IPv4 addresses on this network's address pools");
  EXPECT_EQ(take(subnets, "10.0.9.9"), "10.0.9.9/16");
  EXPECT_EQ(take(subnets, "10.0.9.9"), "Address already in use");
  EXPECT_EQ(take(subnets, "10.1.0.1"), "no configured subnet or ip-range contain the IP address 10.1.0.1");
}

TEST(Ipam, SecondSubnetServesWhenTheFirstIsFull) {
  std::vector<Subnet> subnets{make_subnet({.Subnet = "10.0.0.0/30", .Gateway = "10.0.0.1"}),
                              make_subnet({.Subnet = "10.0.1.0/24", .Gateway = "10.0.1.1"})};
  EXPECT_EQ(take(subnets), "10.0.0.2/30");
  EXPECT_EQ(take(subnets), "10.0.1.2/24");
}

TEST(Ipam, TwoEndsOfALineAreBothGiven) {
  std::vector<Subnet> subnets{make_subnet({.Subnet = "10.0.0.0/31"})};
  EXPECT_EQ(take(subnets), "10.0.0.0/31");
  EXPECT_EQ(take(subnets), "10.0.0.1/31");
}

}  // namespace
}  // namespace berth::network

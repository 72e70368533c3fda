#include <gmock/gmock.h>

#include "fixture.hpp"

namespace berth::network {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class LanTest : public NetworkTest {
 protected:
  void SetUp() override {
    NetworkTest::SetUp();
    if (IsSkipped()) return;
    host_->apply(netlink::Request{}.add_veth({.name = "lan", .up = true}, {.name = "far"}, FdRef{-1}));
  }
  CreateRequest request(const std::string& driver, StringMap options, const std::string& name = "mine") {
    CreateRequest made{.Name = name, .Driver = driver, .Options = std::move(options)};
    made.IPAM.emplace().Config.emplace().push_back({.Subnet = "10.7.0.0/24"});
    return made;
  }
};

TEST_F(LanTest, MacvlanEndpointIsALinkOnTheParentWithTheNetworksGateway) {
  create(request("macvlan", {{"parent", "lan"}}));
  auto sandbox = networks_->take_sandbox({});
  const auto connections = join(sandbox, "mine");
  EXPECT_EQ(sandbox.socket().get_link("eth0").kind, "macvlan");
  EXPECT_THAT(addresses(sandbox.socket(), "eth0"), ElementsAre("10.7.0.2/24"));
  EXPECT_THAT(default_gateways(sandbox.socket()), ElementsAre("10.7.0.1"));
  EXPECT_THAT(connections.endpoints[0].host_link, testing::IsEmpty());
  networks_->leave("c1");
  networks_->remove("mine");
  EXPECT_TRUE(host_->find_link("lan"));  // it was there before the network
}

TEST_F(LanTest, MacvlanBesideABridgeHasTheNextName) {
  create(request("macvlan", {{"parent", "lan"}}));
  auto sandbox = networks_->take_sandbox({});
  join(sandbox, {{"bridge", {.GwPriority = 1}}, {"mine", {}}});
  EXPECT_THAT(links(sandbox.socket()), testing::UnorderedElementsAre("eth0", "eth1"));
  EXPECT_EQ(sandbox.socket().get_link("eth1").kind, "macvlan");
  EXPECT_THAT(default_gateways(sandbox.socket()), ElementsAre("172.17.0.1"));
}

TEST_F(LanTest, ModesAndParentsAreChecked) {
  EXPECT_EQ(failure_of([&] {
              create(request("macvlan", {{"parent", "lan"}, {"macvlan_mode", "odd"}}));
            }),
            "invalid: requested macvlan mode 'odd' is not valid");
  EXPECT_EQ(failure_of([&] {
              create(request("ipvlan", {{"parent", "lan"}, {"ipvlan_mode", "odd"}}));
            }),
            "invalid: requested ipvlan mode 'odd' is not valid");
  EXPECT_EQ(failure_of([&] {
              create(request("macvlan", {{"parent", "lo"}}));
            }),
            "invalid: loopback interface is not a valid macvlan parent link");
  EXPECT_EQ(failure_of([&] {
              create(request("macvlan", {{"parent", "nowhere"}}));
            }),
            "invalid: invalid subinterface nowhere: there is no interface nowhere");
  EXPECT_FALSE(networks_->find("mine"));
}

TEST_F(LanTest, ParentOfAMacvlanIsNotSharedWithAnIpvlan) {
  create(request("macvlan", {{"parent", "lan"}}));
  auto other = request("ipvlan", {{"parent", "lan"}}, "other");
  EXPECT_EQ(failure_of([&] { create(other); }), "forbidden: network mine is already using parent interface lan");
}

/// False if this kernel has no links of this kind, which is then what the error has to say.
bool has_kind(const std::string& failure, const std::string& kind) {
  if (failure == "nothing thrown") return true;
  EXPECT_THAT(failure, HasSubstr("unsupported: this kernel has no links of kind " + kind));
  return false;
}

TEST_F(LanTest, VlanOfTheParentComesAndGoesWithTheNetwork) {
  if (!has_kind(failure_of([&] { create(request("macvlan", {{"parent", "lan.10"}})); }), "vlan")) {
    EXPECT_FALSE(networks_->find("mine"));
    GTEST_SKIP() << "this kernel has no vlan";
  }
  EXPECT_EQ(host_->get_link("lan.10").kind, "vlan");
  networks_->remove("mine");
  networks_.reset();
  EXPECT_FALSE(host_->find_link("lan.10"));
}

TEST_F(LanTest, NetworkWithoutParentLeadsNowhere) {
  if (!has_kind(failure_of([&] { create(request("macvlan", {})); }), "dummy"))
    GTEST_SKIP() << "this kernel has no dummy";
  auto sandbox = networks_->take_sandbox({});
  join(sandbox, "mine");
  EXPECT_THAT(default_gateways(sandbox.socket()), testing::IsEmpty());
}

TEST_F(LanTest, IpvlanInLayerThreeRoutesToItsLink) {
  create(request("ipvlan", {{"parent", "lan"}, {"ipvlan_mode", "l3"}}));
  auto sandbox = networks_->take_sandbox({});
  if (!has_kind(failure_of([&] { join(sandbox, "mine"); }), "ipvlan")) {
    EXPECT_FALSE(networks_->connections("c1"));
    GTEST_SKIP() << "this kernel has no ipvlan";
  }
  std::size_t defaults = 0;
  for (const auto& route : sandbox.socket().routes()) defaults += route.destination.length == 0 ? 1U : 0U;
  EXPECT_EQ(defaults, 1U);
}

}  // namespace
}  // namespace berth::network

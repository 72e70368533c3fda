#include "network/network.hpp"

#include <gmock/gmock.h>

#include "fixture.hpp"

namespace berth::network {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(NetworkTest, DefaultNetworksAreThereAndTheBridgeHasItsAddress) {
  std::vector<std::string> names;
  for (const auto& network : networks_->list({})) names.push_back(network.Name + " " + network.Driver);
  EXPECT_THAT(names, testing::UnorderedElementsAre("bridge bridge", "host host", "none null"));
  EXPECT_THAT(links(*host_), ElementsAre("docker0"));
  EXPECT_EQ(host_->get_link("docker0").kind, "bridge");
  EXPECT_THAT(addresses(*host_, "docker0"), testing::Contains("172.17.0.1/16"));
}

TEST_F(NetworkTest, ContainerOnTheDefaultBridgeHasAddressRouteAndDerivedMac) {
  auto sandbox = networks_->take_sandbox({});
  const auto connections = join(sandbox, "bridge");
  ASSERT_EQ(connections.endpoints.size(), 1U);
  const auto& endpoint = connections.endpoints[0];
  EXPECT_EQ(to_string(*endpoint.v4), "172.17.0.2/16");
  EXPECT_EQ(to_string(*endpoint.mac), "02:42:ac:11:00:02");
  EXPECT_THAT(links(sandbox.socket()), ElementsAre("eth0"));
  EXPECT_EQ(sandbox.socket().get_link("eth0").mac, endpoint.mac);
  EXPECT_THAT(addresses(sandbox.socket(), "eth0"), ElementsAre("172.17.0.2/16"));
  EXPECT_THAT(default_gateways(sandbox.socket()), ElementsAre("172.17.0.1"));
  EXPECT_EQ(host_->get_link(endpoint.host_link).master, host_->get_link("docker0").index);
  EXPECT_EQ(networks_->inspect("bridge").Containers.at("c1").IPv4Address, "172.17.0.2/16");
}

TEST_F(NetworkTest, ReadySandboxIsUsedAndItsLinkServesAnotherBridgeToo) {
  create("mine", "10.9.0.0/24");
  start({.ready_sandboxes = 1, .ready_bare_sandboxes = 1});
  for (const std::string network : {"bridge", "mine"}) {
    const std::vector<EndpointRequest> wanted{{network, {}}};
    auto sandbox = Sandbox::make(*host_, "vethready", host_->get_link("docker0").index, 1500, "test");
    const auto connections = join(sandbox, wanted);
    EXPECT_EQ(connections.endpoints[0].host_link, "vethready");
    EXPECT_EQ(
        host_->get_link("vethready").master,
        host_->get_link(network == "bridge" ? "docker0" : networks_->find("mine")->id.insert(0, "br-").substr(0, 15))
            .index);
    EXPECT_THAT(default_gateways(sandbox.socket()), ElementsAre(network == "bridge" ? "172.17.0.1" : "10.9.0.1"));
    host_->apply(netlink::Request{}.remove_link("vethready"));
  }
}

TEST_F(NetworkTest, AddressIsFreeAgainWhenTheContainerHasLeft) {
  auto sandbox = networks_->take_sandbox({});
  join(sandbox, "bridge", "c1");
  auto other = networks_->take_sandbox({});
  EXPECT_EQ(to_string(*join(other, "bridge", "c2").endpoints[0].v4), "172.17.0.3/16");
  networks_->leave("c1");
  networks_->leave("c1");
  EXPECT_FALSE(networks_->connections("c1"));
  auto third = networks_->take_sandbox({});
  EXPECT_EQ(to_string(*join(third, "bridge", "c3").endpoints[0].v4), "172.17.0.2/16");
}

TEST_F(NetworkTest, NetworkComesAndGoesWithItsLink) {
  const auto id = create("mine", "10.9.0.0/24");
  const auto link = "br-" + id.substr(0, 12);
  EXPECT_THAT(addresses(*host_, link), testing::Contains("10.9.0.1/24"));
  networks_->remove("mine");
  create("mine", "10.9.0.0/24");  // its name and subnet are free at once
  networks_->remove("mine");
  networks_.reset();  // waits for links that are being removed
  EXPECT_THAT(links(*host_), ElementsAre("docker0"));
  EXPECT_THAT(events_, ElementsAre("create", "destroy", "create", "destroy"));
}

TEST_F(NetworkTest, NetworkWithContainersIsNotRemoved) {
  create("mine", "10.9.0.0/24");
  auto sandbox = networks_->take_sandbox({});
  join(sandbox, "mine");
  EXPECT_THAT(
      failure_of([&] { networks_->remove("mine"); }),
      HasSubstr("forbidden: error while removing network: network mine has active endpoints (name:\"name-of-c1\""));
}

TEST_F(NetworkTest, RefusalsSpeakAsDocker) {
  create("mine", "10.9.0.0/24");
  EXPECT_EQ(failure_of([&] { create("mine", "10.8.0.0/24"); }), "conflict: network with name mine already exists");
  EXPECT_EQ(failure_of([&] { create("other", "10.9.0.128/25"); }),
            "forbidden: invalid pool request: Pool overlaps with other one on this address space");
  EXPECT_EQ(failure_of([&] { networks_->remove("bridge"); }),
            "forbidden: bridge is a pre-defined network and cannot be removed");
  EXPECT_EQ(failure_of([&] { networks_->remove("nobody"); }), "not found: network nobody not found");
  EXPECT_EQ(failure_of([&] { create({.Name = "host"}); }),
            "forbidden: operation is not permitted on predefined host network ");
  EXPECT_EQ(failure_of([&] { create({.Name = "x", .Driver = "weave"}); }),
            "not found: could not find plugin weave in v1 plugin registry: plugin not found");
}

TEST_F(NetworkTest, SeveralNetworksHaveOneDefaultRouteWhichMovesWithThem) {
  create("a", "10.1.0.0/24");
  create("b", "10.2.0.0/24");
  auto sandbox = networks_->take_sandbox({});
  join(sandbox, std::vector<EndpointRequest>{{"b", {}}});
  EXPECT_THAT(default_gateways(sandbox.socket()), ElementsAre("10.2.0.1"));
  networks_->connect(sandbox, member(), {"a", {}});
  EXPECT_THAT(links(sandbox.socket()), ElementsAre("eth0", "eth1"));
  EXPECT_THAT(default_gateways(sandbox.socket()), ElementsAre("10.1.0.1"));
  networks_->disconnect(&sandbox, "c1", "a");
  EXPECT_THAT(links(sandbox.socket()), ElementsAre("eth0"));
  EXPECT_THAT(default_gateways(sandbox.socket()), ElementsAre("10.2.0.1"));
  networks_->connect(sandbox, member(), {"bridge", {.GwPriority = 1}});
  EXPECT_THAT(default_gateways(sandbox.socket()), ElementsAre("172.17.0.1"));
}

TEST_F(NetworkTest, NetworksAndContainersAreKnownAfterARestart) {
  const auto id = create("mine", "10.9.0.0/24");
  auto sandbox = networks_->take_sandbox({});
  const auto before = join(sandbox, "mine");
  start();
  EXPECT_EQ(networks_->find("mine")->id, id);
  EXPECT_EQ(networks_->connections("c1")->endpoints[0].v4, before.endpoints[0].v4);
  EXPECT_TRUE(host_->find_link(before.endpoints[0].host_link));
  auto other = networks_->take_sandbox({});
  EXPECT_EQ(to_string(*join(other, "mine", "c2").endpoints[0].v4), "10.9.0.3/24");
}

TEST_F(NetworkTest, BridgesAreMadeAgainAfterTheHostRestarted) {
  const auto link = "br-" + create("mine", "10.9.0.0/24").substr(0, 12);
  host_->apply(netlink::Request{}.remove_link(link).remove_link("docker0"));
  start();
  EXPECT_THAT(addresses(*host_, link), testing::Contains("10.9.0.1/24"));
  EXPECT_THAT(addresses(*host_, "docker0"), testing::Contains("172.17.0.1/16"));
}

TEST_F(NetworkTest, LinksThatBelongToNothingAreRemovedAtStartAndThoseOfOthersAreNot) {
  const auto link = "br-" + create("mine", "10.9.0.0/24").substr(0, 12);
  const auto alias = host_->get_link(link).alias;
  host_->apply(netlink::Request{}.add_bridge({.name = "orphan"}).set_alias("orphan", alias));
  host_->apply(netlink::Request{}.add_bridge({.name = "foreign"}).set_alias("foreign", "berth bridge 1 another"));
  start();
  EXPECT_THAT(links(*host_), testing::UnorderedElementsAre("docker0", link, "foreign"));
}

TEST_F(NetworkTest, ForeignDocker0IsLeftAlone) {
  host_->apply(netlink::Request{}.remove_link("docker0").add_bridge({.name = "docker0"}));
  start();
  EXPECT_THAT(links(*host_), ElementsAre("docker0", "berth0"));
  EXPECT_THAT(addresses(*host_, "berth0"), testing::Contains("172.17.0.1/16"));
}

TEST_F(NetworkTest, Ipv6NetworkHasAUniqueLocalSubnetUnlessOneIsNamed) {
  create({.Name = "six", .EnableIPv6 = true});
  const auto config = *networks_->inspect("six").IPAM.Config;
  ASSERT_EQ(config.size(), 2U);
  EXPECT_THAT(std::string{config[1].Subnet}, testing::AllOf(testing::StartsWith("fd"), testing::EndsWith("::/64")));
  auto sandbox = networks_->take_sandbox({});
  const auto connections = join(sandbox, "six");
  EXPECT_THAT(default_gateways(sandbox.socket()), ElementsAre("172.18.0.1", std::string{config[1].Gateway}));
  EXPECT_THAT(addresses(sandbox.socket(), "eth0"), testing::Contains(to_string(*connections.endpoints[0].v6)));
}

TEST_F(NetworkTest, JoinThatFailsLeavesNothing) {
  create("tiny", "10.9.0.0/30");
  auto sandbox = networks_->take_sandbox({});
  join(sandbox, "tiny", "c1");
  auto other = networks_->take_sandbox({});
  const auto before = links(*host_);
  EXPECT_THAT(failure_of([&] {
                join(other, {{"bridge", {}}, {"tiny", {}}}, "c2");
              }),
              HasSubstr("internal: no available IPv4 addresses on this network's address pools: tiny ("));
  EXPECT_FALSE(networks_->connections("c2"));
  EXPECT_THAT(networks_->inspect("bridge").Containers, IsEmpty());
  EXPECT_EQ(links(*host_), before);
}

TEST_F(NetworkTest, LinkInANamespaceThatOutlivesItsContainerIsTakenAway) {
  auto sandbox = networks_->take_sandbox({});  // somebody holds it
  const auto link = join(sandbox, "bridge").endpoints[0].host_link;
  networks_->leave("c1");
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  while (host_->find_link(link) && std::chrono::steady_clock::now() < deadline) networks_->refill();
  EXPECT_THAT(links(*host_), ElementsAre("docker0"));
}

}  // namespace
}  // namespace berth::network

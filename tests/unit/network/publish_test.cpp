#include <gmock/gmock.h>

#include "fixture.hpp"

namespace berth::network {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class PublishTest : public NetworkTest {
 protected:
  Connections publish(Sandbox& sandbox, const std::string& network, std::uint16_t host_port,
                      const std::string& id = "c1") {
    const PortRequest port{
        .container_first = 80, .container_last = 80, .host_first = host_port, .host_last = host_port};
    return networks_->join(sandbox, {member(id), {{network, {}}}, {port}, {}});
  }
};

TEST_F(PublishTest, PortIsRecordedAndTakenUntilTheContainerLeaves) {
  auto sandbox = networks_->take_sandbox({});
  const auto ports = publish(sandbox, "bridge", 8080).publications;
  ASSERT_EQ(ports.size(), 2U);
  EXPECT_EQ(ports[0].host_first, 8080);
  EXPECT_EQ(to_string(ports[0].host_address), "0.0.0.0");
  EXPECT_EQ(to_string(ports[1].host_address), "::");
  start();
  auto other = networks_->take_sandbox({});
  EXPECT_THAT(failure_of([&] { publish(other, "bridge", 8080, "c2"); }),
              HasSubstr("Bind for 0.0.0.0:8080 failed: port is already allocated"));
  EXPECT_FALSE(networks_->connections("c2"));
  networks_->leave("c1");
  EXPECT_EQ(publish(other, "bridge", 8080, "c2").publications[0].host_first, 8080);
}

TEST_F(PublishTest, WhatComesByIpv6IsLeftToARelay) {
  auto sandbox = networks_->take_sandbox({});
  const auto v4 = publish(sandbox, "bridge", 8080).endpoints.front().v4.value().address;
  ASSERT_TRUE(sandbox.relay);
  EXPECT_TRUE(sandbox.relay->listener);
  ASSERT_EQ(sandbox.relay->publications.size(), 1U);
  const auto& publication = sandbox.relay->publications.front();
  EXPECT_EQ(publication.host_first, 8080);
  EXPECT_EQ(publication.container, v4);
  EXPECT_NE(publication.relay, 0);
}

TEST_F(PublishTest, PortsMoveWithTheDefaultRoute) {
  create("a", "10.1.0.0/24");
  auto sandbox = networks_->take_sandbox({});
  publish(sandbox, "bridge", 8080);
  networks_->connect(sandbox, member(), {"a", {}});  // "a" sorts before "bridge"
  EXPECT_THAT(default_gateways(sandbox.socket()), ElementsAre("10.1.0.1"));
  EXPECT_EQ(networks_->connections("c1")->publications[0].host_first, 8080);
  networks_->disconnect(&sandbox, "c1", "a");
  EXPECT_EQ(networks_->connections("c1")->publications[0].host_first, 8080);
  networks_->disconnect(&sandbox, "c1", "bridge");
  EXPECT_THAT(networks_->connections("c1")->publications, IsEmpty());
  auto other = networks_->take_sandbox({});
  EXPECT_EQ(publish(other, "a", 8080, "c2").publications[0].host_first, 8080);
}

TEST_F(PublishTest, InternalNetworkPublishesNothing) {
  CreateRequest request{.Name = "inside", .Internal = true};
  create(request);
  auto sandbox = networks_->take_sandbox({});
  EXPECT_THAT(publish(sandbox, "inside", 8080).publications, IsEmpty());
  EXPECT_THAT(default_gateways(sandbox.socket()), IsEmpty());
}

}  // namespace
}  // namespace berth::network

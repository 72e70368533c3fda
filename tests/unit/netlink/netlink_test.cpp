#include "netlink/netlink.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.hpp"
#include "linux/namespaces.hpp"

namespace berth::netlink {
namespace {

class Netlink : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to make network namespaces";
    host_namespace_ = kernel::make_network_namespace();
    namespace_ = kernel::make_network_namespace();
    host_.emplace(Socket::in(host_namespace_));
    inside_.emplace(Socket::in(namespace_));
  }

  Link link(Socket& socket, std::string_view name) {
    const auto found = socket.find_link(name);
    return found ? *found : throw std::runtime_error{"no such link"};
  }

  UniqueFd host_namespace_, namespace_;
  std::optional<Socket> host_, inside_;
};

TEST_F(Netlink, SocketLooksIntoTheNamespaceItWasOpenedIn) {
  const auto links = host_->links();
  ASSERT_EQ(links.size(), 1U);
  EXPECT_EQ(links[0].name, "lo");
  EXPECT_TRUE(links[0].up);
}

TEST_F(Netlink, VethIsAPortOfItsBridgeAndItsPeerIsBornInside) {
  host_->apply(Request{}.add_bridge({.name = "br0", .mac = parse_mac("02:42:00:00:00:01"), .up = true}));
  const auto bridge = link(*host_, "br0");
  EXPECT_EQ(bridge.kind, "bridge");
  host_->apply(Request{}.add_veth({.name = "veth1", .master = bridge.index, .mtu = 1400, .up = true},
                                  {.name = "eth0", .mtu = 1400, .mac = parse_mac("02:42:ac:11:00:02")}, namespace_));
  const auto veth = link(*host_, "veth1");
  EXPECT_EQ(veth.master, bridge.index);
  EXPECT_TRUE(veth.up);
  const auto peer = link(*inside_, "eth0");
  EXPECT_EQ(peer.mtu, 1400U);
  EXPECT_EQ(peer.mac, parse_mac("02:42:ac:11:00:02"));
}

TEST_F(Netlink, AddressesAndRoutesAreAsAsked) {
  host_->apply(Request{}.add_veth({.name = "veth1", .up = true}, {.name = "eth0"}, namespace_));
  const auto eth0 = link(*inside_, "eth0").index;
  inside_->apply(Request{}
                     .change_link(eth0, {.up = true})
                     .add_address(eth0, parse_cidr("172.17.0.2/16"))
                     .add_address(eth0, parse_cidr("fd00::2/64"))
                     .add_default_route(parse_ip("172.17.0.1"))
                     .add_default_route(parse_ip("fd00::1")));
  std::vector<std::string> addresses;
  for (const auto& address : inside_->addresses()) {
    if (address.link == eth0 && !address.address.address.is_link_local())
      addresses.push_back(to_string(address.address));
  }
  EXPECT_EQ(addresses, (std::vector<std::string>{"172.17.0.2/16", "fd00::2/64"}));
  std::vector<std::string> gateways;
  for (const auto& route : inside_->routes()) {
    if (route.gateway && route.destination.length == 0) gateways.push_back(to_string(*route.gateway));
  }
  EXPECT_EQ(gateways, (std::vector<std::string>{"172.17.0.1", "fd00::1"}));
}

TEST_F(Netlink, FailureSaysWhichStepAndWhy) {
  host_->apply(Request{}.add_bridge({.name = "there"}));
  try {
    host_->apply(Request{}.add_bridge({.name = "first"}).add_bridge({.name = "there"}).add_bridge({.name = "last"}));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.errno_value(), EEXIST);
    EXPECT_NE(error.message().find("add bridge there"), std::string::npos) << error.message();
  }
  EXPECT_TRUE(host_->find_link("last"));  // the kernel goes on after a failure
  host_->apply(Request{}.remove_link("last"));
  EXPECT_FALSE(host_->find_link("last"));
}

TEST_F(Netlink, LinkCanBeChangedAndRemovedByItsIndex) {
  host_->apply(Request{}.add_bridge({.name = "br0"}).add_veth({.name = "port"}, {.name = "eth0"}, namespace_));
  const auto bridge = link(*host_, "br0").index;
  const auto port = link(*host_, "port").index;
  host_->apply(
      Request{}.change_link(port, {.master = bridge, .up = true}).set_hairpin(port, true).set_alias(port, "web"));
  EXPECT_EQ(link(*host_, "port").master, bridge);
  EXPECT_EQ(link(*host_, "port").alias, "web");
  host_->apply(Request{}.release_link(port));
  EXPECT_EQ(link(*host_, "port").master, 0U);
  host_->apply(Request{}.remove_link(port));
  EXPECT_FALSE(host_->find_link("port"));
  EXPECT_FALSE(inside_->find_link("eth0"));
}

TEST_F(Netlink, MacvlanOnAParentIsBornInside) {
  host_->apply(Request{}.add_bridge({.name = "parent", .up = true}));
  const auto parent = link(*host_, "parent").index;
  host_->apply(Request{}.add_macvlan({.name = "eth0", .up = true}, parent, MacvlanMode::bridge, namespace_));
  EXPECT_EQ(link(*inside_, "eth0").kind, "macvlan");
}

/// Adds a link of a kind that this kernel may not have.
bool try_apply(Socket& socket, const Request& request) {
  try {
    socket.apply(request);
    return true;
  } catch (const Error& error) {
    if (error.errno_value() != EOPNOTSUPP) throw;
    return false;
  }
}

TEST_F(Netlink, IpvlanOnAParentIsBornInside) {
  host_->apply(Request{}.add_veth({.name = "parent", .up = true}, {.name = "other"}, host_namespace_));
  const auto parent = link(*host_, "parent").index;
  if (!try_apply(*host_,
                 Request{}.add_ipvlan({.name = "eth0"}, parent, IpvlanMode::l3, IpvlanFlag::bridge, namespace_))) {
    GTEST_SKIP() << "this kernel has no ipvlan";
  }
  EXPECT_EQ(link(*inside_, "eth0").kind, "ipvlan");
}

TEST_F(Netlink, VlanIsALinkOnItsParent) {
  host_->apply(Request{}.add_bridge({.name = "parent", .up = true}));
  const auto parent = link(*host_, "parent").index;
  if (!try_apply(*host_, Request{}.add_vlan({.name = "parent.5"}, parent, 5)))
    GTEST_SKIP() << "this kernel has no vlan";
  EXPECT_EQ(link(*host_, "parent.5").kind, "vlan");
}

}  // namespace
}  // namespace berth::netlink

#include "network/options.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace berth::network {
namespace {

TEST(Options, OfABridgeAreRead) {
  const auto options = parse_bridge_options({{"com.docker.network.bridge.name", "br0"},
                                             {"com.docker.network.bridge.enable_icc", "false"},
                                             {"com.docker.network.bridge.enable_ip_masquerade", "0"},
                                             {"com.docker.network.bridge.host_binding_ipv4", "127.0.0.1"},
                                             {"com.docker.network.bridge.gateway_mode_ipv4", "routed"},
                                             {"com.docker.network.bridge.gateway_mode_ipv6", "nat-unprotected"},
                                             {"com.docker.network.driver.mtu", "1400"},
                                             {"com.docker.network.container_iface_prefix", "lan"},
                                             {"of.somebody.else", "stays"}},
                                            false);
  EXPECT_EQ(options.link, "br0");
  EXPECT_FALSE(options.icc);
  EXPECT_FALSE(options.masquerade);
  EXPECT_EQ(to_string(*options.host_binding), "127.0.0.1");
  EXPECT_EQ(options.v4, GatewayMode::routed);
  EXPECT_EQ(options.v6, GatewayMode::nat_unprotected);
  EXPECT_EQ(options.mtu, 1400U);
  EXPECT_EQ(options.link_prefix, "lan");
}

TEST(Options, WithoutAnyABridgeIsAsDockers) {
  const auto options = parse_bridge_options({}, false);
  EXPECT_TRUE(options.icc);
  EXPECT_TRUE(options.masquerade);
  EXPECT_EQ(options.v4, GatewayMode::nat);
  EXPECT_EQ(options.link_prefix, "eth");
}

TEST(Options, ImpossibleOnesOfABridgeAreRefused) {
  const StringMap bad = {{"com.docker.network.bridge.name", "a/b"},
                         {"com.docker.network.bridge.enable_icc", "perhaps"},
                         {"com.docker.network.bridge.host_binding_ipv4", "::1"},
                         {"com.docker.network.bridge.gateway_mode_ipv4", "odd"},
                         {"com.docker.network.bridge.gateway_mode_ipv6", "isolated"},
                         {"com.docker.network.driver.mtu", "-1"},
                         {"com.docker.network.container_iface_prefix", "far-too-long-name"}};
  for (const auto& option : bad) EXPECT_THROW(parse_bridge_options({option}, false), Error) << option.first;
  EXPECT_EQ(parse_bridge_options({{"com.docker.network.bridge.gateway_mode_ipv6", "isolated"}}, true).v6,
            GatewayMode::isolated);
}

TEST(Options, OfAnEndpointNameItsLinkAndItsSysctls) {
  const auto options = parse_endpoint_options(StringMap{
      {"com.docker.network.endpoint.ifname", "lan0"},
      {"com.docker.network.endpoint.sysctls", "net.ipv4.conf.ifname.forwarding=1,net.ipv6.conf.IFNAME.accept_ra=2"}});
  EXPECT_EQ(options.link, "lan0");
  EXPECT_EQ(options.sysctls, (StringMap{{"ipv4/conf/IFNAME/forwarding", "1"}, {"ipv6/conf/IFNAME/accept_ra", "2"}}));
}

TEST(Options, SysctlsOfAnEndpointAreThoseOfItsLinkAlone) {
  for (const auto* text :
       {"net.ipv4.ip_forward=1", "net.ipv4.conf.eth0.forwarding=1", "kernel.x.IFNAME.y.z=1",
        "net.ipv4.conf.IFNAME.forwarding", "net.ipv4.conf.IFNAME.../x=1", "net.ipv4.conf.IFNAME.a/b=1"}) {
    EXPECT_THROW(parse_endpoint_options(StringMap{{"com.docker.network.endpoint.sysctls", text}}), Error) << text;
  }
  EXPECT_THROW(parse_endpoint_options(StringMap{{"com.docker.network.endpoint.ifname", "a b"}}), Error);
}

}  // namespace
}  // namespace berth::network

#include <gmock/gmock.h>

#include "base/error.hpp"
#include "containers/spec.hpp"

namespace berth::containers {
namespace {

using Given = std::map<std::string, json::Nullable<network::EndpointConfig>>;

std::string endpoints_or_refusal(const Given& given, const std::string& mode = "bridge", Config config = {}) {
  HostConfig host;
  host.NetworkMode = mode;
  NetworkingConfig networking;
  networking.EndpointsConfig.emplace(given);
  std::vector<std::string> warnings;
  try {
    return json::write(json::to(checked_endpoints(config, host, networking, warnings)));
  } catch (const Error& error) {
    return error.message();
  }
}

network::EndpointConfig with_address(const std::string& v4) {
  network::EndpointConfig endpoint;
  endpoint.IPAMConfig.emplace().IPv4Address = v4;
  return endpoint;
}

TEST(Endpoints, AnAddressNeedsANetworkOfOnesOwn) {
  EXPECT_EQ(endpoints_or_refusal({{"bridge", with_address("172.17.0.9")}}),
            "invalid config for network bridge: invalid endpoint settings:\n"
            "user specified IP address is supported on user defined networks only");
  EXPECT_THAT(endpoints_or_refusal({{"lan", with_address("10.0.0.9")}}, "lan"), testing::StartsWith("{\"lan\":"));
}

TEST(Endpoints, SeveralFaultsAreListed) {
  auto endpoint = with_address("::1");
  endpoint.IPAMConfig->LinkLocalIPs = std::vector<std::string>{"x"};
  EXPECT_EQ(endpoints_or_refusal({{"lan", endpoint}}, "lan"),
            "invalid config for network lan: invalid endpoint settings:\n"
            "* invalid IPv4 address: ::1\n"
            "* invalid link-local IP address: x");
}

TEST(Endpoints, AliasesAndMacAddressesAreChecked) {
  network::EndpointConfig endpoint;
  endpoint.Aliases.emplace({std::string{"web"}});
  EXPECT_THAT(endpoints_or_refusal({{"bridge", endpoint}}),
              testing::EndsWith("network-scoped alias is supported only for containers in user defined networks"));
  endpoint = {};
  endpoint.MacAddress = "02:xx";
  EXPECT_EQ(endpoints_or_refusal({{"bridge", endpoint}}),
            "invalid config for network bridge: invalid MAC address 02:xx");
}

TEST(Endpoints, NullIsNoSettings) {
  EXPECT_EQ(endpoints_or_refusal({{"lan", {}}}, "lan"), "no EndpointSettings for lan");
}

TEST(Endpoints, WithoutAnyItIsTheNetworkOfTheMode) {
  EXPECT_THAT(endpoints_or_refusal({}, "bridge"), testing::StartsWith("{\"bridge\":"));
  EXPECT_THAT(endpoints_or_refusal({}, "none"), testing::StartsWith("{\"none\":"));
  EXPECT_EQ(endpoints_or_refusal({}, "container:x"), "{}");
}

TEST(Endpoints, TheAddressOfTheContainerIsThatOfItsNetwork) {
  Config config;
  config.MacAddress = std::string{"02:00:00:00:00:01"};
  EXPECT_THAT(endpoints_or_refusal({}, "bridge", config), testing::HasSubstr("\"MacAddress\":\"02:00:00:00:00:01\""));
  network::EndpointConfig other;
  other.MacAddress = "02:00:00:00:00:02";
  EXPECT_EQ(endpoints_or_refusal({{"bridge", other}}, "bridge", config),
            "the container-wide MAC address must match the endpoint-specific MAC address for the main network, or be "
            "left empty");
}

std::string refusal_in_container_mode(const std::function<void(Config&, HostConfig&)>& change) {
  Config config;
  HostConfig host;
  host.NetworkMode = "container:b";
  change(config, host);
  try {
    validate(config, host, HostFacts{});
    return "accepted";
  } catch (const Error& error) {
    return error.message();
  }
}

TEST(NetworkMode, OfAnotherContainerLeavesNothingToChoose) {
  EXPECT_EQ(refusal_in_container_mode([](auto&, auto& h) { h.Dns = {"9.9.9.9"}; }),
            "conflicting options: dns and the network mode");
  EXPECT_EQ(refusal_in_container_mode([](auto&, auto& h) { h.ExtraHosts = {{"a:1.2.3.4"}}; }),
            "conflicting options: custom host-to-IP mapping and the network mode");
  EXPECT_EQ(refusal_in_container_mode([](auto&, auto& h) { h.PublishAllPorts = true; }),
            "conflicting options: port publishing and the container type network mode");
  EXPECT_EQ(refusal_in_container_mode([](auto& c, auto&) { c.ExposedPorts = ExposedPorts{"80/tcp"}; }),
            "conflicting options: port exposing and the container type network mode");
  EXPECT_EQ(refusal_in_container_mode([](auto&, auto& h) { h.Links = {{"a"}}; }),
            "conflicting options: container type network can't be used with links. This would result in undefined "
            "behavior");
  EXPECT_EQ(refusal_in_container_mode([](auto&, auto& h) { h.NetworkMode = "container:"; }),
            "Invalid network mode: invalid container format container:<name|id>");
}

}  // namespace
}  // namespace berth::containers

#include "api/old_versions.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace berth::api {
namespace {

containers::CreateBody body_of(const std::string& text, ApiVersion version) {
  auto body = json::parse<containers::CreateBody>(text);
  to_newest(body, version);
  return body;
}

std::string mac_address_of(const containers::CreateBody& body, const std::string& network) {
  const auto& endpoints = body.NetworkingConfig_.EndpointsConfig;
  if (!endpoints || !endpoints->contains(network)) return "no endpoint";
  return endpoints->at(network)->MacAddress;
}

constexpr ApiVersion old{1, 43};
constexpr ApiVersion newer{1, 44};

TEST(OldVersions, TheAddressOfTheContainerIsThatOfItsOnlyNetwork) {
  const auto body = body_of(R"({"MacAddress": "02:00:00:00:00:01", "HostConfig": {"NetworkMode": "lan"}})", old);
  EXPECT_EQ(mac_address_of(body, "lan"), "02:00:00:00:00:01");
  EXPECT_EQ(body.MacAddress, "");
}

TEST(OldVersions, TheAddressOfAnEndpointMeantNothingThen) {
  const auto* text = R"({"NetworkingConfig": {"EndpointsConfig": {"lan": {"MacAddress": "02:00:00:00:00:01"}}}})";
  EXPECT_EQ(mac_address_of(body_of(text, old), "lan"), "");
  EXPECT_EQ(mac_address_of(body_of(text, newer), "lan"), "02:00:00:00:00:01");
}

TEST(OldVersions, OnlyOneNetworkWasPossibleAtCreation) {
  const auto* text = R"({"NetworkingConfig": {"EndpointsConfig": {"a": {}, "b": {}}}})";
  try {
    body_of(text, old);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.message(), "Container cannot be connected to network endpoints: a, b");
  }
  EXPECT_NO_THROW(body_of(text, newer));
}

TEST(OldVersions, InTheNetworkOfTheHostThereIsNoAddressToChoose) {
  EXPECT_THROW(body_of(R"({"MacAddress": "02:00:00:00:00:01", "HostConfig": {"NetworkMode": "host"}})", old), Error);
}

TEST(OldVersions, NetworksHadIpv4Always) {
  const auto enabled = [](ApiVersion version) {
    auto body = json::parse<network::CreateRequest>(R"({"Name": "lan", "EnableIPv4": false, "CheckDuplicate": true})");
    to_newest(body, version);
    return body.EnableIPv4;
  };
  EXPECT_EQ(enabled({1, 47}), std::nullopt);
  EXPECT_EQ(enabled({1, 48}), false);
  EXPECT_TRUE(shows_members_in_lists({1, 27}));
  EXPECT_FALSE(shows_members_in_lists({1, 28}));
}

}  // namespace
}  // namespace berth::api

#include "containers/show_network.hpp"

#include <gmock/gmock.h>

namespace berth::containers {
namespace {

Record record_of(const std::string& mode, Endpoints endpoints) {
  Record record;
  record.id = std::string(64, 'a');
  record.definition.host_config.NetworkMode = mode;
  record.definition.endpoints.emplace(std::move(endpoints));
  return record;
}

Record running(const std::string& mode, Endpoints endpoints) {
  auto record = record_of(mode, std::move(endpoints));
  record.state.status = Status::running;
  record.state.pid = 42;
  record.state.started_at = Time{} + std::chrono::hours{1};
  return record;
}

network::Connections on_bridge() {
  network::Endpoint endpoint;
  endpoint.network_id = "b1";
  endpoint.network_name = "bridge";
  endpoint.driver = "bridge";
  endpoint.endpoint_id = "e1";
  endpoint.v4 = parse_cidr("172.17.0.2/16");
  endpoint.gateway_v4 = parse_ip("172.17.0.1");
  endpoint.mac = parse_mac("02:42:ac:11:00:02");
  network::Connections connections;
  connections.endpoints.push_back(endpoint);
  connections.sandbox_id = "s1";
  return connections;
}

std::string no_id(const std::string& /*name*/) {
  return "";
}

TEST(ShowNetwork, OneThatWasNeverStartedHasNothingButWhatItAsksFor) {
  network::EndpointConfig config;
  config.MacAddress = "02:00:00:00:00:01";
  const auto shown = shown_network_settings(record_of("bridge", {{"bridge", config}}), nullptr, no_id);
  EXPECT_EQ(shown.SandboxID, "");
  EXPECT_EQ(shown.SandboxKey, "");
  EXPECT_EQ(shown.Networks.at("bridge").NetworkID, "");
  EXPECT_EQ(shown.Networks.at("bridge").MacAddress, "02:00:00:00:00:01");
  EXPECT_TRUE(shown.Ports.empty());
}

TEST(ShowNetwork, OneThatHasStoppedStillKnowsItsNetwork) {
  auto record = running("bridge", {{"bridge", {}}});
  record.state.status = Status::exited;
  const auto shown = shown_networks(record, nullptr, [](const auto& name) { return "id of " + name; });
  EXPECT_EQ(shown.at("bridge").NetworkID, "id of bridge");
  EXPECT_EQ(shown.at("bridge").IPAddress, "");
}

TEST(ShowNetwork, OnTheDefaultBridgeAddressesAreThereTwice) {
  const auto connections = on_bridge();
  const auto shown = shown_network_settings(running("bridge", {{"bridge", {}}}), &connections, no_id);
  EXPECT_EQ(shown.IPAddress, "172.17.0.2");
  EXPECT_EQ(shown.IPPrefixLen, 16);
  EXPECT_EQ(shown.Gateway, "172.17.0.1");
  EXPECT_EQ(shown.MacAddress, "02:42:ac:11:00:02");
  EXPECT_EQ(shown.SandboxKey, "/proc/42/ns/net");
  EXPECT_EQ(shown.SandboxID, "s1");
  const auto& endpoint = shown.Networks.at("bridge");
  EXPECT_EQ(endpoint.IPAddress, "172.17.0.2");
  EXPECT_EQ(endpoint.EndpointID, "e1");
  EXPECT_FALSE(endpoint.DNSNames);
}

TEST(ShowNetwork, PortsAreThereBoundOrNot) {
  auto connections = on_bridge();
  for (const auto* address : {"0.0.0.0", "::"}) {
    connections.publications.push_back({.host_address = parse_ip(address), .host_first = 8080, .container_first = 80});
  }
  auto record = running("bridge", {{"bridge", {}}});
  record.definition.config.ExposedPorts = ExposedPorts{"80/tcp", "81/udp"};
  const auto ports = shown_network_settings(record, &connections, no_id).Ports;
  EXPECT_EQ(json::write(json::Value(ports.at("80/tcp"))),
            R"([{"HostIp":"0.0.0.0","HostPort":"8080"},{"HostIp":"::","HostPort":"8080"}])");
  EXPECT_TRUE(ports.at("81/udp").is_null());
  const auto listed = listed_ports(record, &connections);
  ASSERT_EQ(listed.size(), 3U);
  EXPECT_EQ(json::write(json::Value(listed[0])), R"({"IP":"0.0.0.0","PrivatePort":80,"PublicPort":8080,"Type":"tcp"})");
  EXPECT_EQ(json::write(json::Value(listed[2])), R"({"PrivatePort":81,"Type":"udp"})");
}

TEST(ShowNetwork, InTheNetworkOfAnotherOneThereIsNothing) {
  const auto shown = shown_network_settings(running("container:b", {}), nullptr, no_id);
  EXPECT_TRUE(shown.Networks.empty());
  EXPECT_EQ(shown.SandboxKey, "");
}

}  // namespace
}  // namespace berth::containers

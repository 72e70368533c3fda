#include "containers/ports.hpp"

#include <gmock/gmock.h>

#include "base/error.hpp"

namespace berth::containers {
namespace {

using network::Protocol;

using Bindings = std::vector<PortBinding>;

HostConfig published(std::initializer_list<std::pair<const std::string, Bindings>> ports) {
  std::map<std::string, BindingList> map;
  for (const auto& [port, bindings] : ports) map[port].emplace(bindings);
  HostConfig host;
  host.PortBindings = PortBindings{map};
  return host;
}

std::string text_of(const network::PortRequest& request) {
  return fmt::format("{}:{}-{}->{}-{}/{}", request.host_address ? to_string(*request.host_address) : "",
                     request.host_first, request.host_last, request.container_first, request.container_last,
                     network::to_string(request.protocol));
}

std::vector<std::string> planned(const HostConfig& host, const Config& config = {}) {
  std::vector<std::string> texts;
  for (const auto& request : plan_ports(config, host)) texts.push_back(text_of(request));
  return texts;
}

std::string refusal(const HostConfig& host, const Config& config = {}) {
  try {
    check_ports(config, host);
    return "accepted";
  } catch (const Error& error) {
    return error.message();
  }
}

TEST(Ports, OneIsPublishedWhereItIsAskedFor) {
  EXPECT_THAT(planned(published({{"80/tcp", {{"127.0.0.1", "8080"}}}})),
              testing::ElementsAre("127.0.0.1:8080-8080->80-80/tcp"));
  EXPECT_THAT(planned(published({{"53/udp", {{"::1", "53"}}}})), testing::ElementsAre("::1:53-53->53-53/udp"));
  EXPECT_THAT(planned(published({{"7", {{"", ""}}}})), testing::ElementsAre(":0-0->7-7/tcp"));
  EXPECT_THAT(planned(published({{"7/sctp", {{"", "1"}}}})), testing::ElementsAre(":1-1->7-7/sctp"));
}

TEST(Ports, ThoseThatFollowEachOtherAreOneRequest) {
  EXPECT_THAT(planned(published({{"8000/tcp", {{"", "9000"}}},
                                 {"8001/tcp", {{"", "9001"}}},
                                 {"8002/tcp", {{"", "9005"}}},
                                 {"8003/tcp", {{"127.0.0.1", "9006"}}}})),
              testing::ElementsAre(":9000-9001->8000-8001/tcp", ":9005-9005->8002-8002/tcp",
                                   "127.0.0.1:9006-9006->8003-8003/tcp"));
}

TEST(Ports, TenThousandAreOneRequestToo) {
  std::map<std::string, BindingList> ports;
  for (int port = 20000; port < 30000; ++port) {
    ports[fmt::format("{}/tcp", port)].emplace({PortBinding{"", std::to_string(port)}});
  }
  HostConfig host;
  host.PortBindings = PortBindings{ports};
  EXPECT_THAT(planned(host), testing::ElementsAre(":20000-29999->20000-29999/tcp"));
}

TEST(Ports, WhoWantsAPortOfItsOwnComesBeforeWhoTakesAnyOne) {
  EXPECT_THAT(planned(published({{"1/tcp", {{"", ""}}}, {"2/tcp", {{"", "8000-8010"}}}, {"3/tcp", {{"", "8000"}}}})),
              testing::ElementsAre(":8000-8000->3-3/tcp", ":8000-8010->2-2/tcp", ":0-0->1-1/tcp"));
}

TEST(Ports, AllThatIsExposedIsPublishedOnRequest) {
  Config config;
  config.ExposedPorts = ExposedPorts{"80/tcp", "8000-8001/udp"};
  auto host = published({{"80/tcp", {{"", "8080"}}}});
  EXPECT_THAT(planned(host, config), testing::ElementsAre(":8080-8080->80-80/tcp"));
  host.PublishAllPorts = true;
  EXPECT_THAT(planned(host, config),
              testing::ElementsAre(":8080-8080->80-80/tcp", ":0-0->8000-8000/udp", ":0-0->8001-8001/udp"));
}

TEST(Ports, WhatIsNoneIsRefusedInDockersWords) {
  EXPECT_EQ(refusal(published({{"x/tcp", {}}})), "invalid port specification: \"x\"");
  EXPECT_EQ(refusal(published({{"80-81/tcp", {}}})), "invalid port specification: \"80-81\"");
  EXPECT_EQ(refusal(published({{"80/icmp", {}}})), "invalid port specification: \"80\"");
  EXPECT_EQ(refusal(published({{"0/udp", {{"", "80"}}}})), "invalid port specification: \"0/udp\"");
  EXPECT_EQ(refusal(published({{"80/", {{"", "80"}}}})), "accepted");
  EXPECT_EQ(refusal(published({{"80/tcp", {{"", "99999"}}}})), "invalid port specification: \"99999\"");
  EXPECT_EQ(refusal(published({{"80/tcp", {{"", "9-8"}}}})), "invalid port specification: \"9-8\"");
  EXPECT_EQ(refusal(published({{"80/tcp", {{"here", "1"}}}})), "invalid IP address: here");
  Config config;
  config.ExposedPorts = ExposedPorts{"http"};
  EXPECT_EQ(refusal({}, config), "invalid port specification: \"http\"");
  EXPECT_EQ(refusal(published({{"80/tcp", {{"0.0.0.0", "8080-8090"}}}})), "accepted");
}

}  // namespace
}  // namespace berth::containers

#include "containers/port_runs.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "base/error.hpp"

namespace berth::containers {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> runs_of(const std::vector<PortRun>& runs) {
  std::vector<std::string> texts;
  for (const auto& run : runs) texts.push_back(fmt::format("{} x {}", run.first, run.count));
  return texts;
}

std::vector<std::string> bound(const std::string& text) {
  return runs_of(json::parse<PortBindings>(text).runs());
}

std::vector<std::string> exposed(const std::string& text) {
  return runs_of(json::parse<ExposedPorts>(text).runs());
}

/// What is read and written again.
template <class Ports>
std::string echo(const std::string& text) {
  return json::write(json::parse<Ports>(text));
}

std::string many(int first, int count, int host_first) {
  json::Object ports;
  for (int i = 0; i < count; ++i) {
    ports[fmt::format("{}/tcp", first + i)] =
        json::Array{json::Object{{"HostIp", ""}, {"HostPort", std::to_string(host_first + i)}}};
  }
  return json::write(json::Value(ports));
}

std::string failure_of(const auto& function) {
  try {
    function();
    return "accepted";
  } catch (const Error& error) {
    return error.message();
  }
}

TEST(PortRuns, TenThousandPortsAreOneRunAndComeBackOneByOne) {
  const auto text = many(20000, 10000, 30000);
  const auto ports = json::parse<PortBindings>(text);
  EXPECT_THAT(runs_of(ports.runs()), ElementsAre("20000/tcp x 10000"));
  EXPECT_EQ(json::write(ports), text);
}

TEST(PortRuns, PortsOfSeveralLengthsFollowEachOtherAndAreShownInTheOrderOfTheirTexts) {
  const auto sorted = R"({"10/tcp":[{"HostIp":"","HostPort":"100"}],"8/tcp":[{"HostIp":"","HostPort":"98"}],)"
                      R"("9/tcp":[{"HostIp":"","HostPort":"99"}]})";
  EXPECT_THAT(bound(sorted), ElementsAre("8/tcp x 3"));
  EXPECT_EQ(echo<PortBindings>(sorted), sorted);
  EXPECT_EQ(echo<ExposedPorts>(R"({"9/tcp":{},"10/tcp":{},"8/tcp":{}})"), R"({"10/tcp":{},"8/tcp":{},"9/tcp":{}})");
}

TEST(PortRuns, AGapOrAnotherWayToBeBoundBeginsAnother) {
  EXPECT_THAT(exposed(R"({"80/tcp":{},"81/tcp":{},"83/tcp":{},"84/udp":{}})"),
              ElementsAre("80/tcp x 2", "83/tcp x 1", "84/udp x 1"));
  const auto mixed =
      R"({"80/tcp":[{"HostIp":"","HostPort":"8080"}],"81/tcp":[{"HostIp":"","HostPort":"8081"}],)"
      R"("82/tcp":[{"HostIp":"","HostPort":"8081"}],"83/tcp":[{"HostIp":"::1","HostPort":"8082"}],)"
      R"("84/tcp":[],"85/tcp":null,"86/tcp":[{"HostIp":"::1","HostPort":""}],"87/tcp":[{"HostIp":"::1","HostPort":""}]})";
  EXPECT_THAT(bound(mixed),
              ElementsAre("80/tcp x 2", "82/tcp x 1", "83/tcp x 1", "84/tcp x 1", "85/tcp x 1", "86/tcp x 2"));
  EXPECT_EQ(echo<PortBindings>(mixed), mixed);
}

TEST(PortRuns, SeveralAddressesAndSeveralPortsToChooseFromStay) {
  const auto text =
      R"({"80/tcp":[{"HostIp":"127.0.0.1","HostPort":"8080"},{"HostIp":"::1","HostPort":"9080"}],)"
      R"("81/tcp":[{"HostIp":"127.0.0.1","HostPort":"8081"},{"HostIp":"::1","HostPort":"9081"}],)"
      R"("90/udp":[{"HostIp":"","HostPort":"7000-7010"}],"91/udp":[{"HostIp":"","HostPort":"7000-7010"}]})";
  EXPECT_THAT(bound(text), ElementsAre("80/tcp x 2", "90/udp x 2"));
  EXPECT_EQ(echo<PortBindings>(text), text);
}

TEST(PortRuns, WhatIsWrittenInAnotherWayStaysAsItIs) {
  const auto text = R"({"080/tcp":[{"HostIp":"","HostPort":"1"}],"80":[{"HostIp":"","HostPort":"1"}],)"
                    R"("81":[{"HostIp":"","HostPort":"02"}],"82":[{"HostIp":"","HostPort":"3/tcp"}],)"
                    R"("83":[{"HostIp":"","HostPort":"65535"}],"84":[{"HostIp":"","HostPort":"65536"}],"http":null})";
  EXPECT_EQ(bound(text).size(), 7U);
  EXPECT_EQ(echo<PortBindings>(text), text);
  EXPECT_EQ(echo<ExposedPorts>(R"({"65535/tcp":{},"65536/tcp":{},"8000-8010/tcp":{}})"),
            R"({"65535/tcp":{},"65536/tcp":{},"8000-8010/tcp":{}})");
}

TEST(PortRuns, PortsThatAreAddedJoinThoseThatAreThere) {
  ExposedPorts ports{"80/tcp", "82/tcp"};
  ports.add({"81/tcp", "80/tcp"});
  EXPECT_THAT(runs_of(ports.runs()), ElementsAre("80/tcp x 3"));
}

TEST(PortRuns, NothingIsAnEmptyObjectAndAWrongTypeIsRefused) {
  EXPECT_EQ(echo<PortBindings>("null"), "{}");
  EXPECT_EQ(echo<ExposedPorts>("{}"), "{}");
  EXPECT_THAT(failure_of([] { json::parse<PortBindings>(R"({"80/tcp":"x"})"); }), HasSubstr("80/tcp"));
  EXPECT_THAT(failure_of([] { json::parse<ExposedPorts>(R"({"80/tcp":1})"); }), HasSubstr("cannot unmarshal number"));
  EXPECT_THAT(failure_of([] { json::parse<ExposedPorts>("[]"); }), HasSubstr("cannot unmarshal array"));
}

}  // namespace
}  // namespace berth::containers

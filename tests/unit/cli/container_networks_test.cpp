// --network, --publish and what goes with them; each expectation is what docker 28 sends for the same flags.
#include <gtest/gtest.h>

#include "cli/container_flags.hpp"
#include "cli/session.hpp"

namespace berth::cli {
namespace {

json::Value request_of(std::vector<std::string> words) {
  Command command{"Create a new container"};
  const auto flags = declare_container_flags(command, "creating");
  command.flags_first();
  const auto rest = command.arguments("IMAGE", {.at_least = 1});
  words.emplace_back("busybox");
  command.parse("berth create", words);
  return json::Value(make_container_request(flags, *rest).body);
}

std::string failure_of(const std::vector<std::string>& words) {
  try {
    request_of(words);
  } catch (const Error& error) {
    return error.message().substr(0, error.message().find('\n'));
  }
  return "no failure";
}

std::string networks_of(const std::vector<std::string>& words) {
  const auto request = request_of(words);
  return std::string{request.at("HostConfig").at("NetworkMode").as_string()} + " " +
         json::write(request.at("NetworkingConfig").at("EndpointsConfig"));
}

std::string ports_of(const std::string& spec) {
  return json::write(request_of({"-p", spec}).at("HostConfig").at("PortBindings"));
}

TEST(ContainerNetworks, TheFirstIsTheModeAndAllAreEndpoints) {
  EXPECT_EQ(networks_of({}), "default {}");
  EXPECT_EQ(networks_of({"--network", "n"}), "n {}");
  EXPECT_EQ(networks_of({"--network", "n", "--network", "m"}), R"(n {"n":{},"m":{}})");
}

TEST(ContainerNetworks, FieldsConfigureOneNetwork) {
  EXPECT_EQ(networks_of({"--network",
                         "name=n,alias=a,alias=B,ip=1.2.3.4,ip6=fd00::1,link-local-ip=169.254.1.1,"
                         "mac-address=02:42:ac:11:00:02,driver-opt=k=v,gw-priority=-7"}),
            R"(n {"n":{"Aliases":["a","b"],"IPAMConfig":{"IPv4Address":"1.2.3.4","IPv6Address":"fd00::1",)"
            R"("LinkLocalIPs":["169.254.1.1"]},"MacAddress":"02:42:ac:11:00:02","DriverOpts":{"k":"v"},)"
            R"("GwPriority":-7}})");
}

TEST(ContainerNetworks, OlderFlagsMeanTheFirstNetwork) {
  EXPECT_EQ(
      networks_of({"--network", "m", "--network", "name=n,alias=q", "--network-alias", "b", "--ip", "1.2.3.4", "--link",
                   "d:e"}),
      R"(m {"m":{"Aliases":["b"],"Links":["d:e"],"IPAMConfig":{"IPv4Address":"1.2.3.4"}},"n":{"Aliases":["q"]}})");
  EXPECT_EQ(networks_of({"--link", "a", "--network", "bridge"}), "bridge {}");
}

TEST(ContainerNetworks, ContradictionsAreRefusedInDockersWords) {
  EXPECT_EQ(failure_of({"--network", "n", "--network", "n"}), "network \"n\" is specified multiple times");
  EXPECT_EQ(failure_of({"--network", "n", "--network", "host"}),
            "conflicting options: cannot attach both user-defined and non-user-defined network-modes");
  EXPECT_EQ(failure_of({"--network", "name=n,ip=1.2.3.4", "--ip", "1.2.3.5"}),
            "conflicting options: cannot specify both --ip and per-network IPv4 address");
  EXPECT_EQ(failure_of({"--network-alias", "a"}),
            "network-scoped aliases are only supported for user-defined networks");
  EXPECT_EQ(failure_of({"--network", ""}), "no name set for network");
  EXPECT_EQ(failure_of({"--mac-address", "bogus"}), "bogus is not a valid mac address");
  EXPECT_EQ(failure_of({"--network", "name=n,bogus=x"}),
            "invalid argument \"name=n,bogus=x\" for \"--network\" flag: invalid field key bogus");
  EXPECT_EQ(failure_of({"--network", "alias=a"}),
            "invalid argument \"alias=a\" for \"--network\" flag: network name/id is not specified");
}

TEST(ContainerPorts, EveryFormIsRead) {
  EXPECT_EQ(ports_of("80"), R"({"80/tcp":[{"HostIp":"","HostPort":""}]})");
  EXPECT_EQ(ports_of("8080:80/UDP"), R"({"80/udp":[{"HostIp":"","HostPort":"8080"}]})");
  EXPECT_EQ(ports_of("127.0.0.1::80"), R"({"80/tcp":[{"HostIp":"127.0.0.1","HostPort":""}]})");
  EXPECT_EQ(ports_of("[::1]:81:80"), R"({"80/tcp":[{"HostIp":"::1","HostPort":"81"}]})");
  EXPECT_EQ(ports_of("::1:81:80"), R"({"80/tcp":[{"HostIp":"::1","HostPort":"81"}]})");
  EXPECT_EQ(ports_of("8000-8010:80"), R"({"80/tcp":[{"HostIp":"","HostPort":"8000-8010"}]})");
  EXPECT_EQ(ports_of("90-91:80-81/sctp"),
            R"({"80/sctp":[{"HostIp":"","HostPort":"90"}],"81/sctp":[{"HostIp":"","HostPort":"91"}]})");
  EXPECT_EQ(ports_of("target=80,published=8080,protocol=udp,mode=host"),
            R"({"80/udp":[{"HostIp":"","HostPort":"8080"}]})");
}

TEST(ContainerPorts, InvalidOnesAreRefusedInDockersWords) {
  const auto failure = [](const std::string& spec) { return failure_of({"-p", spec}); };
  EXPECT_EQ(failure("x"), "invalid containerPort: x");
  EXPECT_EQ(failure("70000:80"), "invalid hostPort: 70000");
  EXPECT_EQ(failure("80-81:90-92"), "invalid ranges specified for container and host Ports: 90-92 and 80-81");
  EXPECT_EQ(failure("80/bogus"), "invalid proto: bogus");
  EXPECT_EQ(failure("a:80:80"), "invalid IP address: a");
  EXPECT_EQ(failure("[::1:80:80"), "invalid IP address [::1: address [::1:: missing ']' in address");
  EXPECT_EQ(failure("80:"), "no port specified: 80:<empty>");
  EXPECT_EQ(failure("published=80"), "no port specified: 80:/tcp<empty>");
  EXPECT_EQ(failure("target=80,x"), "invalid publish opts format (should be name=value but got 'x')");
}

TEST(ContainerPorts, ExposeTakesRangesAndAnyProtocol) {
  EXPECT_EQ(json::write(request_of({"--expose", "90-91/udp", "--expose", "80"}).at("ExposedPorts")),
            R"({"90/udp":{},"91/udp":{},"80/tcp":{}})");
  EXPECT_EQ(failure_of({"--expose", "82-80"}),
            "invalid range format for --expose: 82-80, error: invalid range specified for port: 82-80");
  EXPECT_EQ(failure_of({"--expose", "80:80"}), "invalid port format for --expose: 80:80");
}

}  // namespace
}  // namespace berth::cli

#include "engine/settings.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace berth::engine {
namespace {

Settings parse(std::vector<std::string> words) {
  words.insert(words.begin(), "berthd");
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  return parse_settings(static_cast<int>(argv.size()), argv.data());
}

class SettingsTest : public ::testing::Test {
 protected:
  std::string file(std::string_view content) {
    write_file(directory_.path() / "daemon.json", content);
    return directory_.path() / "daemon.json";
  }
  TempDir directory_{fs::temp_directory_path(), "berth-settings-"};
};

TEST_F(SettingsTest, FlagsAsDockerds) {
  const auto settings = parse({"-H", "unix:///a", "-H", "unix:///b", "--data-root", "/d", "--exec-root=/e", "-l",
                               "warn", "--label", "a=b", "--config-file", file("{}")});
  EXPECT_EQ(settings.hosts, (std::vector<std::string>{"unix:///a", "unix:///b"}));
  EXPECT_EQ(settings.data_root, "/d");
  EXPECT_EQ(settings.pidfile, "/e/berthd.pid");
  EXPECT_EQ(settings.log_level, "warn");
}

TEST_F(SettingsTest, TheFileFillsWhatFlagsLeaveOpen) {
  const auto settings = parse({"--config-file", file(R"({"data-root": "/d", "debug": true, "labels": ["x=y"]})")});
  EXPECT_EQ(settings.data_root, "/d");
  EXPECT_EQ(settings.log_level, "debug");
  EXPECT_EQ(settings.labels, std::vector<std::string>{"x=y"});
}

TEST_F(SettingsTest, TheLogDriverOfContainersComesFromFlagsOrTheFile) {
  auto log = parse({"--log-driver", "local", "--log-opt", "max-size=1m", "--config-file", file("{}")}).log;
  EXPECT_EQ(log.Type, "local");
  EXPECT_EQ(log.Config, (std::map<std::string, std::string>{{"max-size", "1m"}}));
  log = parse({"--config-file", file(R"({"log-driver": "none", "log-opts": {"a": "b"}})")}).log;
  EXPECT_EQ(log.Type, "none");
  EXPECT_EQ(log.Config, (std::map<std::string, std::string>{{"a", "b"}}));
  EXPECT_THROW(parse({"--log-opt", "odd=1", "--config-file", file("{}")}), Error);
  EXPECT_THROW(parse({"--log-driver", "odd", "--config-file", file("{}")}), Error);
}

TEST_F(SettingsTest, NetworksAreSetAsDockerds) {
  auto network = parse({"--bip", "10.1.0.1/24", "--mtu=1400", "--icc=false", "--ipv6", "--ip", "127.0.0.1",
                        "--default-address-pool", "base=10.10.0.0/16,size=24", "--config-file", file("{}")})
                     .network;
  EXPECT_EQ(to_string(*network.bridge_address), "10.1.0.1/24");
  EXPECT_EQ(network.mtu, 1400U);
  EXPECT_FALSE(network.icc);
  EXPECT_TRUE(network.ipv6);
  EXPECT_TRUE(network.ip_forward);
  EXPECT_EQ(to_string(*network.publish_default_address), "127.0.0.1");
  EXPECT_EQ(network.default_address_pools.size(), 1U);
  network = parse({"--config-file", file(R"({"bip": "10.1.0.1/24", "mtu": 1400, "icc": false, "ip-forward": false,
      "default-address-pools": [{"base": "10.10.0.0/16", "size": 24}, {"base": "fd00::/48", "size": 64}]})")})
                .network;
  EXPECT_EQ(to_string(*network.bridge_address), "10.1.0.1/24");
  EXPECT_EQ(network.mtu, 1400U);
  EXPECT_FALSE(network.icc);
  EXPECT_FALSE(network.ip_forward);
  EXPECT_EQ(network.default_address_pools.size(), 2U);
}

TEST_F(SettingsTest, ConnectionsOfTheHostAreRedirectedUnlessThatIsSwitchedOff) {
  EXPECT_TRUE(parse({"--config-file", file("{}")}).network.connect_redirect);
  EXPECT_FALSE(parse({"--connect-redirect=false", "--config-file", file("{}")}).network.connect_redirect);
  EXPECT_FALSE(parse({"--config-file", file(R"({"connect-redirect": false})")}).network.connect_redirect);
}

TEST_F(SettingsTest, WhatContainersAreToldOfNamesIsSetAsDockerds) {
  auto network = parse({"--dns", "192.0.2.1", "--dns=2001:db8::1", "--dns-search", "a.test", "--dns-opt", "ndots:1",
                        "--host-gateway-ip", "192.0.2.2", "--host-gateway-ip", "2001:db8::2", "-b", "none",
                        "--default-network-opt", "bridge=a=b=c", "--default-network-opt", "bridge=d=", "--config-file",
                        file("{}")})
                     .network;
  EXPECT_EQ(network.dns.servers, (std::vector<std::string>{"192.0.2.1", "2001:db8::1"}));
  EXPECT_EQ(network.dns.search, std::vector<std::string>{"a.test"});
  EXPECT_EQ(network.dns.options, std::vector<std::string>{"ndots:1"});
  EXPECT_EQ(network.host_gateways, (std::vector{parse_ip("192.0.2.2"), parse_ip("2001:db8::2")}));
  EXPECT_EQ(network.bridge, network::no_bridge);
  EXPECT_EQ(network.default_network_options.at("bridge"), (network::StringMap{{"a", "b=c"}, {"d", ""}}));
  network = parse({"--config-file", file(R"({"dns": ["192.0.2.1"], "dns-search": ["a.test"], "dns-opts": ["ndots:1"],
      "host-gateway-ip": "192.0.2.2", "bridge": "mine", "ip-forward-no-drop": true, "allow-direct-routing": true,
      "default-network-opts": {"bridge": {"a": "b"}}, "userland-proxy": false, "userland-proxy-path": "/x"})")})
                .network;
  EXPECT_EQ(network.dns.servers, std::vector<std::string>{"192.0.2.1"});
  EXPECT_EQ(network.host_gateways, std::vector{parse_ip("192.0.2.2")});
  EXPECT_EQ(network.bridge, "mine");
  EXPECT_TRUE(network.ip_forward_no_drop && network.allow_direct_routing);
  EXPECT_EQ(network.default_network_options.at("bridge"), (network::StringMap{{"a", "b"}}));
}

TEST_F(SettingsTest, ImpossibleNetworksAreRefused) {
  for (const auto* flag :
       {"--bip=10.1.0.0/24", "--bip=fd00::1/64", "--bip=x", "--mtu=12", "--icc=perhaps", "--ip=host",
        "--default-address-pool=base=10.0.0.0/8", "--fixed-cidr=10.0.0.1", "--iptables=false", "--ip6tables=false",
        "--firewall-backend=iptables", "--dns=x", "--dns-search=a b", "--host-gateway-ip=x",
        "--default-network-opt=bridge=a", "--bridge=a/b", "--bridge-accept-fwmark=1", "--userland-proxy=perhaps"}) {
    EXPECT_THROW(parse({flag, "--config-file", file("{}")}), Error) << flag;
  }
  for (const auto* content : {R"({"bip": true})", R"({"icc": "no"})", R"({"default-address-pools": {}})",
                              R"({"default-address-pools": [{"base": "10.0.0.0/16", "size": 8}]})"}) {
    EXPECT_THROW(parse({"--config-file", file(content)}), Error) << content;
  }
}

TEST_F(SettingsTest, BothFlagAndFileIsAnError) {
  EXPECT_THROW(parse({"--data-root", "/d", "--config-file", file(R"({"data-root": "/e"})")}), Error);
}

TEST_F(SettingsTest, UnknownAndMistypedKeysAreNamed) {
  for (const auto* content : {R"({"data_root": "/d"})", R"({"hosts": "unix:///a"})", "[]", "{"}) {
    EXPECT_THROW(parse({"--config-file", file(content)}), Error) << content;
  }
}

TEST_F(SettingsTest, AMissingFileIsAnErrorOnlyIfAskedFor) {
  EXPECT_THROW(parse({"--config-file", directory_.path() / "absent.json"}), Error);
}

TEST_F(SettingsTest, RelativeRootsAreRefused) {
  EXPECT_THROW(parse({"--data-root", "d", "--config-file", file("{}")}), Error);
}

}  // namespace
}  // namespace berth::engine

#include <gtest/gtest.h>

#include "containers/spec.hpp"

namespace berth::containers {
namespace {

const HostNetworkFiles of_host{
    .hosts = "127.0.0.1 localhost\n10.0.0.1 box",
    .resolv_conf =
        "# comment\nnameserver 127.0.0.53\nnameserver 10.0.0.2 # near\nsearch a.test b.test\n"
        "options edns0\n"};

NetworkFiles files(const HostConfig& host) {
  Config config;
  config.Hostname = "web";
  return make_network_files(config, host, of_host);
}

TEST(NetworkFiles, OfANetworkOfItsOwn) {
  HostConfig host;
  host.ExtraHosts = {{"db:10.0.0.9", "six=[2001:db8::1]"}};
  const auto made = files(host);
  EXPECT_EQ(made.hostname, "web\n");
  EXPECT_EQ(made.hosts,
            "127.0.0.1\tlocalhost\n"
            "::1\tlocalhost ip6-localhost ip6-loopback\n"
            "fe00::\tip6-localnet\n"
            "ff00::\tip6-mcastprefix\n"
            "ff02::1\tip6-allnodes\n"
            "ff02::2\tip6-allrouters\n"
            "10.0.0.9\tdb\n"
            "2001:db8::1\tsix\n");
  EXPECT_TRUE(made.resolv_conf.ends_with("\nnameserver 10.0.0.2\nsearch a.test b.test\noptions edns0\n"))
      << made.resolv_conf;
}

TEST(NetworkFiles, OfTheHostsNetworkAreTheHosts) {
  HostConfig host;
  host.NetworkMode = "host";
  host.ExtraHosts = {{"db:10.0.0.9"}};
  const auto made = files(host);
  EXPECT_EQ(made.hosts, of_host.hosts + "\n10.0.0.9\tdb\n");
  EXPECT_EQ(made.resolv_conf, of_host.resolv_conf);
}

TEST(NetworkFiles, DnsOptionsReplaceTheHosts) {
  HostConfig host;
  host.Dns = {"9.9.9.9"};
  host.DnsSearch = {"."};
  host.DnsOptions = {"ndots:2"};
  EXPECT_TRUE(files(host).resolv_conf.ends_with("\n\nnameserver 9.9.9.9\noptions ndots:2\n"))
      << files(host).resolv_conf;
}

}  // namespace
}  // namespace berth::containers

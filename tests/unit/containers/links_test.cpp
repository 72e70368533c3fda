#include <gmock/gmock.h>

#include "base/error.hpp"
#include "containers/networking.hpp"

namespace berth::containers {
namespace {

TEST(Links, AreNamesWithOrWithoutAnAlias) {
  EXPECT_EQ(parse_link("db").alias, "db");
  EXPECT_EQ(parse_link("db:store").alias, "store");
  EXPECT_EQ(parse_link("/db:/web/store").name, "db");
  EXPECT_EQ(parse_link("/db:/web/store").alias, "store");
  EXPECT_THROW(parse_link("a:b:c"), Error);
}

TEST(Links, OfTwoWithOneAliasTheFirstCounts) {
  HostConfig host;
  host.NetworkMode = "bridge";
  host.Links = {{"a:x", "b:x", "c"}};
  const auto links = links_of(host);
  ASSERT_EQ(links.size(), 2);
  EXPECT_EQ(links[0].name + links[1].name, "ac");
  host.NetworkMode = "lan";
  EXPECT_TRUE(links_of(host).empty());
}

TEST(Links, AreChangedInHostsAndOtherLinesAreNot) {
  const std::string hosts = "127.0.0.1\tlocalhost\n1.2.3.4\tstore\n\n172.17.0.2\tstore 0123 db\n172.17.0.3\tweb";
  EXPECT_EQ(with_link(hosts, "store", "172.17.0.9\tstore 0123 base\n"),
            "127.0.0.1\tlocalhost\n1.2.3.4\tstore\n\n172.17.0.9\tstore 0123 base\n172.17.0.3\tweb");
  EXPECT_EQ(with_link(hosts, "store", ""), "127.0.0.1\tlocalhost\n1.2.3.4\tstore\n\n172.17.0.3\tweb");
  EXPECT_EQ(with_link(hosts, "db", ""), hosts);
  EXPECT_EQ(with_link("", "db", ""), "");
}

TEST(Links, TellOfPortsAndVariablesAsDockerDoes) {
  Definition linked;
  linked.config.ExposedPorts = ExposedPorts{"53/udp", "80/tcp", "81/tcp"};
  linked.config.Env = {"PATH=/bin", "KEY=a=b"};
  EXPECT_THAT(link_environment("/web/my-db", linked, "172.17.0.2"),
              testing::ElementsAre("MY_DB_PORT=tcp://172.17.0.2:80", "MY_DB_PORT_80_TCP=tcp://172.17.0.2:80",
                                   "MY_DB_PORT_80_TCP_ADDR=172.17.0.2", "MY_DB_PORT_80_TCP_PORT=80",
                                   "MY_DB_PORT_80_TCP_PROTO=tcp", "MY_DB_PORT_81_TCP=tcp://172.17.0.2:81",
                                   "MY_DB_PORT_81_TCP_ADDR=172.17.0.2", "MY_DB_PORT_81_TCP_PORT=81",
                                   "MY_DB_PORT_81_TCP_PROTO=tcp", "MY_DB_PORT_53_UDP=udp://172.17.0.2:53",
                                   "MY_DB_PORT_53_UDP_ADDR=172.17.0.2", "MY_DB_PORT_53_UDP_PORT=53",
                                   "MY_DB_PORT_53_UDP_PROTO=udp", "MY_DB_PORT_80_TCP_START=tcp://172.17.0.2:80",
                                   "MY_DB_PORT_80_TCP_PORT_START=80", "MY_DB_PORT_80_TCP_END=tcp://172.17.0.2:81",
                                   "MY_DB_PORT_80_TCP_PORT_END=81", "MY_DB_NAME=/web/my-db", "MY_DB_ENV_KEY=a=b"));
}

}  // namespace
}  // namespace berth::containers

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

TEST(Links, TellOfPortsAndVariablesAsDockerDoes) {
  Definition linked;
  linked.config.ExposedPorts = {{"53/udp", {}}, {"80/tcp", {}}, {"81/tcp", {}}};
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

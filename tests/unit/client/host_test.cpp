#include "client/host.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace berth::client {
namespace {

TEST(Host, UnixSocketKeepsItsPath) {
  const auto host = parse_host("unix:///run/berth/berth.sock");
  EXPECT_EQ(host.transport, Host::Transport::unix_socket);
  EXPECT_EQ(host.path, "/run/berth/berth.sock");
}

TEST(Host, TcpHasDockersDefaultPort) {
  const auto host = parse_host("tcp://example");
  EXPECT_EQ(host.name, "example");
  EXPECT_EQ(host.port, 2375);
}

TEST(Host, TcpTakesIpv6InBrackets) {
  const auto host = parse_host("tcp://[::1]:99");
  EXPECT_EQ(host.name, "::1");
  EXPECT_EQ(host.port, 99);
}

TEST(Host, UnknownSchemeIsRefused) {
  EXPECT_THROW(parse_host("foo://x"), Error);
}

TEST(Host, PortThatIsNoNumberIsRefused) {
  EXPECT_THROW(parse_host("tcp://x:y"), Error);
}

TEST(Host, NobodyListeningIsSaidAsDockerSaysIt) {
  try {
    connect(parse_host("unix:///nowhere/berth.sock"));
    FAIL() << "connected";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::unavailable);
    EXPECT_EQ(error.message(),
              "Cannot connect to the Docker daemon at unix:///nowhere/berth.sock. Is the docker daemon running?");
  }
}

}  // namespace
}  // namespace berth::client

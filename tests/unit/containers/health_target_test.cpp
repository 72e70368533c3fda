#include "containers/health_target.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"

namespace berth::containers {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string refusal(const std::string& url) {
  try {
    parse_http_probe(url);
    return "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(http_status(error.kind()), 400);
    return error.message();
  }
}

TEST(HealthTarget, UrlsGiveAddressPortAndRequest) {
  const auto probe = parse_http_probe("http://localhost:8080/ready?deep=1#part");
  EXPECT_THAT(probe.addresses, ElementsAre("127.0.0.1", "::1"));
  EXPECT_EQ(probe.port, 8080);
  EXPECT_THAT(probe.request, StartsWith("GET /ready?deep=1 HTTP/1.1\r\nHost: localhost:8080\r\n"));
  EXPECT_THAT(probe.request, HasSubstr("\r\nConnection: close\r\n\r\n"));
}

TEST(HealthTarget, PortAndPathHaveDefaults) {
  const auto probe = parse_http_probe("http://127.0.0.1");
  EXPECT_THAT(probe.addresses, ElementsAre("127.0.0.1"));
  EXPECT_EQ(probe.port, 80);
  EXPECT_THAT(probe.request, StartsWith("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"));
  EXPECT_THAT(parse_http_probe("http://127.0.0.1?x").request, StartsWith("GET /?x HTTP/1.1\r\n"));
}

TEST(HealthTarget, AddressesOfVersion6AreInBrackets) {
  const auto probe = parse_http_probe("http://[::1]:81/");
  EXPECT_THAT(probe.addresses, ElementsAre("::1"));
  EXPECT_EQ(probe.port, 81);
  EXPECT_THAT(probe.request, HasSubstr("Host: [::1]:81\r\n"));
}

TEST(HealthTarget, WhatCannotBeAskedIsRefusedWithTheReason) {
  EXPECT_EQ(refusal("https://localhost/"),
            "invalid URL \"https://localhost/\" of the health check: https is not supported; use http, or a command");
  for (const auto* url : {"", "localhost", "ftp://localhost/", "http://localhost/a b", "http://localhost/\r\nX: y"}) {
    EXPECT_THAT(refusal(url), HasSubstr("it must look like http://localhost:8080/path")) << url;
  }
  for (const auto* url : {"http://web/", "http://", "http://::1/", "http://[web]/", "http://user@127.0.0.1/"}) {
    EXPECT_THAT(refusal(url), HasSubstr("names are not looked up")) << url;
  }
  for (const auto* url : {"http://localhost:0/", "http://localhost:65536/", "http://localhost:/", "http://[::1]:x/"}) {
    EXPECT_THAT(refusal(url), HasSubstr("between 1 and 65535")) << url;
  }
}

TEST(HealthTarget, PortsAreOfTheLoopback) {
  const auto probe = parse_tcp_probe("5432");
  EXPECT_THAT(probe.addresses, ElementsAre("127.0.0.1", "::1"));
  EXPECT_EQ(probe.port, 5432);
  EXPECT_TRUE(probe.request.empty());
  for (const auto* port : {"", "0", "65536", "-1", "http", "80/tcp"}) EXPECT_THROW(parse_tcp_probe(port), Error);
}

}  // namespace
}  // namespace berth::containers

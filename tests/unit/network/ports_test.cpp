#include "network/ports.hpp"

#include <gmock/gmock.h>

#include <chrono>

#include "hosts.hpp"

namespace berth::network {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

const PortTarget v4_alone{.v4 = parse_ip("172.17.0.2")};
const PortTarget both{.v4 = parse_ip("172.17.0.2"), .v6 = parse_ip("fd00::2")};

PortRequest request(std::uint16_t container_port, std::uint16_t host_port = 0, const char* address = nullptr) {
  return {.protocol = Protocol::tcp,
          .container_first = container_port,
          .container_last = container_port,
          .host_address = address == nullptr ? std::nullopt : std::optional{parse_ip(address)},
          .host_first = host_port,
          .host_last = host_port};
}

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.message();
  }
  return "";
}

/// The host's own sockets are those of a namespace that nobody else has.
class Ports : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to make network namespaces";
    host_.emplace();
    host_->set("ipv4/ip_local_port_range", "40000 40004");
  }

  std::vector<Publication> reserve(const std::vector<PortRequest>& requests, const PortTarget& target = v4_alone) {
    std::vector<Publication> publications;
    host_->in([&] { publications = table_.reserve(requests, target); });
    return publications;
  }

  std::vector<std::uint16_t> host_ports(const std::vector<PortRequest>& requests, const PortTarget& target = v4_alone) {
    std::vector<std::uint16_t> ports;
    for (const auto& publication : reserve(requests, target)) ports.push_back(publication.host_first);
    return ports;
  }

  std::optional<test::Host> host_;
  PortTable table_;
};

TEST_F(Ports, WithoutAddressTheSamePortOfBothFamiliesIsTaken) {
  EXPECT_THAT(reserve({request(80, 8080)}, both),
              ElementsAre(Publication{Protocol::tcp, parse_ip("0.0.0.0"), 8080, parse_ip("172.17.0.2"), 80, 1},
                          Publication{Protocol::tcp, parse_ip("::"), 8080, parse_ip("fd00::2"), 80, 1}));
  EXPECT_EQ(reserve({request(81, 8081)}).size(), 1U) << "the container has no IPv6";
}

TEST_F(Ports, RelayTakesTcpPortsOfIPv6ForAContainerWithoutIt) {
  auto target = v4_alone;
  target.relay_v6 = true;
  const auto publications = reserve({request(80, 8080)}, target);
  ASSERT_EQ(publications.size(), 2U);
  EXPECT_FALSE(publications[0].needs_relay());
  EXPECT_TRUE(publications[1].needs_relay());
  EXPECT_EQ(publications[1].host_address, parse_ip("::"));
  EXPECT_EQ(publications[1].container, parse_ip("172.17.0.2"));
  auto udp = request(80, 8080);
  udp.protocol = Protocol::udp;
  EXPECT_EQ(reserve({udp}, target).size(), 1U);
  target.relay_datagrams_v6 = true;
  udp.host_first = udp.host_last = 8081;
  EXPECT_EQ(reserve({udp}, target).size(), 2U);
}

TEST_F(Ports, DefaultAddressStandsWhereNoneIsGiven) {
  auto target = both;
  target.default_address = parse_ip("127.0.0.1");
  const auto publications = reserve({request(80, 8080)}, target);
  ASSERT_EQ(publications.size(), 1U);
  EXPECT_EQ(publications[0].host_address, parse_ip("127.0.0.1"));
}

TEST_F(Ports, TakenPortIsRefusedWithDockersWordsUntilItIsReleased) {
  const auto first = reserve({request(80, 8080)});
  EXPECT_EQ(message_of([&] { reserve({request(80, 8080)}); }),
            "Bind for 0.0.0.0:8080 failed: port is already allocated");
  EXPECT_EQ(message_of([&] { reserve({request(80, 8080, "127.0.0.1")}); }),
            "Bind for 127.0.0.1:8080 failed: port is already allocated");
  table_.release(first);
  reserve({request(80, 8080, "127.0.0.1")});
  EXPECT_EQ(message_of([&] { reserve({request(80, 8080)}); }),
            "Bind for 0.0.0.0:8080 failed: port is already allocated");
}

TEST_F(Ports, ProtocolsAndAddressesAreApart) {
  reserve({request(80, 8080, "127.0.0.1")});
  reserve({request(80, 8080, "127.0.0.2")});
  auto udp = request(80, 8080);
  udp.protocol = Protocol::udp;
  reserve({udp});
  reserve({request(80, 8080, "::")}, both);
}

TEST_F(Ports, PortOfAProcessOfTheHostIsRefused) {
  const auto listener = test::listen(*host_, "127.0.0.1", 8080);
  const auto datagrams = test::listen(*host_, "0.0.0.0", 5353, true);
  const auto v6 = test::listen(*host_, "::1", 8081);
  EXPECT_EQ(message_of([&] { reserve({request(80, 8080, "127.0.0.1")}); }),
            "failed to bind host port for 127.0.0.1:8080:172.17.0.2:80/tcp: address already in use");
  EXPECT_EQ(message_of([&] { reserve({request(80, 8080)}); }),
            "failed to bind host port for 0.0.0.0:8080:172.17.0.2:80/tcp: address already in use");
  EXPECT_EQ(message_of([&] { reserve({request(80, 8081)}, both); }),
            "failed to bind host port for [::]:8081:[fd00::2]:80/tcp: address already in use");
  auto udp = request(53, 5353);
  udp.protocol = Protocol::udp;
  EXPECT_THAT(message_of([&] { reserve({udp}); }), HasSubstr("0.0.0.0:5353:172.17.0.2:53/udp: address already in use"));
  EXPECT_EQ(message_of([&] { reserve({request(80, 80, "192.0.2.55")}); }),
            "failed to bind host port for 192.0.2.55:80:172.17.0.2:80/tcp: cannot assign requested address");
}

TEST_F(Ports, NothingIsTakenWhenOneIsRefused) {
  const auto listener = test::listen(*host_, "0.0.0.0", 8082);
  EXPECT_NE(message_of([&] { reserve({request(80, 8080), request(81, 8081), request(82, 8082)}, both); }), "");
  EXPECT_EQ(reserve({request(80, 8080), request(81, 8081)}, both).size(), 4U);
}

TEST_F(Ports, UnspecifiedPortsComeFromTheEphemeralRangeInTurn) {
  const auto listener = test::listen(*host_, "0.0.0.0", 40001);
  EXPECT_THAT(host_ports({request(80)}), ElementsAre(40000));
  const auto second = reserve({request(80)}, both);
  EXPECT_EQ(second[0].host_first, 40002);
  EXPECT_EQ(second[1].host_first, 40002);
  table_.release(second);
  EXPECT_THAT(host_ports({request(80)}), ElementsAre(40003)) << "not the one that was just given back";
  EXPECT_THAT(host_ports({request(80)}), ElementsAre(40004));
  EXPECT_THAT(host_ports({request(80)}), ElementsAre(40002));
  EXPECT_THAT(message_of([&] { reserve({request(80)}); }), HasSubstr("failed to bind host port 40001 for"));
}

TEST_F(Ports, FullRangeSaysSo) {
  for (int i = 0; i < 5; ++i) reserve({request(80)});
  EXPECT_EQ(message_of([&] { reserve({request(80)}); }), "all ports are allocated");
}

TEST_F(Ports, AnyPortOfAGivenRangeWillDo) {
  auto range = request(80, 9000);
  range.host_last = 9002;
  const auto listener = test::listen(*host_, "127.0.0.1", 9000);
  EXPECT_THAT(host_ports({range}), ElementsAre(9001));
  EXPECT_THAT(host_ports({range}), ElementsAre(9002));
  EXPECT_NE(message_of([&] { reserve({range}); }), "");
  auto exact = request(80, 9100);
  auto around = request(81, 9100);
  around.host_last = 9101;
  EXPECT_THAT(host_ports({around, exact}), ElementsAre(9100, 9101)) << "what is exact goes first";
}

TEST_F(Ports, RangesAreTakenPairwise) {
  PortRequest range{.container_first = 10000, .container_last = 19999, .host_first = 10000, .host_last = 19999};
  const auto publications = reserve({range}, both);
  ASSERT_EQ(publications.size(), 2U);
  EXPECT_EQ(publications[0].count, 10000U);
  EXPECT_EQ(to_published_ports(publications).size(), 20000U);
  EXPECT_EQ(message_of([&] { reserve({request(80, 19999)}); }),
            "Bind for 0.0.0.0:19999 failed: port is already allocated");
}

TEST_F(Ports, ProcessInTheMiddleOfARangeIsFound) {
  PortRequest range{.container_first = 10000, .container_last = 10999, .host_first = 10000, .host_last = 10999};
  const auto other = test::listen(*host_, "127.0.0.1", 10100, true);
  {
    const auto listener = test::listen(*host_, "::1", 10500);
    EXPECT_EQ(message_of([&] { reserve({range}, both); }),
              "failed to bind host port for [::]:10500:[fd00::2]:10500/tcp: address already in use");
  }
  EXPECT_EQ(reserve({range}, both).size(), 2U);
  range.protocol = Protocol::udp;
  EXPECT_THAT(message_of([&] { reserve({range}); }), HasSubstr("0.0.0.0:10100:172.17.0.2:10100/udp"));
}

TEST_F(Ports, RequestsThatDifferInTheirAddressesGetTheSamePort) {
  const auto publications = reserve({request(80, 0, "127.0.0.1"), request(80, 0, "127.0.0.2")});
  ASSERT_EQ(publications.size(), 2U);
  EXPECT_EQ(publications[0].host_first, publications[1].host_first);
  EXPECT_NE(publications[0].host_address, publications[1].host_address);
}

TEST_F(Ports, RoutedNetworkTakesNoPortOfTheHost) {
  auto target = both;
  target.routed_v4 = true;
  const auto listener = test::listen(*host_, "0.0.0.0", 8080);
  const auto publications = reserve({request(80, 8080)}, target);
  ASSERT_EQ(publications.size(), 2U);
  EXPECT_EQ(publications[0].host_first, 0);
  EXPECT_EQ(publications[1].host_first, 8080);
  EXPECT_EQ(to_published_ports(publications)[0].host_port, 0);
}

TEST_F(Ports, AdoptedPortsAreTakenWhoeverListens) {
  const auto listener = test::listen(*host_, "0.0.0.0", 8080);
  const std::vector publications{Publication{Protocol::tcp, parse_ip("0.0.0.0"), 8080, parse_ip("172.17.0.2"), 80, 3}};
  table_.adopt(publications);
  EXPECT_EQ(message_of([&] { reserve({request(80, 8082)}); }),
            "Bind for 0.0.0.0:8082 failed: port is already allocated");
  table_.release(publications);
  EXPECT_EQ(reserve({request(80, 8082)}).size(), 1U);
}

}  // namespace
}  // namespace berth::network

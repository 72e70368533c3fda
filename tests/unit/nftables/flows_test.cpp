#include "nftables/flows.hpp"

#include <gtest/gtest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "base/socket_address.hpp"
#include "linux/namespaces.hpp"
#include "linux/own_thread.hpp"
#include "nftables/nftables.hpp"

namespace berth::nftables {
namespace {

using Forget = void (*)(const std::vector<UdpFlows>&);

constexpr std::uint16_t published = 5300;
const Table table{Family::ip, "flows-test"};

UniqueFd bound_socket(std::uint16_t port) {
  UniqueFd socket{::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  const auto name = make_socket_address(parse_ip("127.0.0.1"), port);
  EXPECT_EQ(::bind(socket.get(), name.generic(), name.size), 0);
  return socket;
}

void bring_up_loopback() {
  const UniqueFd socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP;
  EXPECT_EQ(::ioctl(socket.get(), SIOCSIFFLAGS, &request), 0);
}

/// What goes to `published` is led to this port from now on.
void lead_to(Socket& rules, std::uint16_t port_number) {
  if (rules.has_table(table)) rules.apply(Transaction{}.remove_table(table));
  rules.apply(
      Transaction{}
          .add_table(table)
          .add_chain(table, {.name = "output", .base = BaseChain{Type::nat, Hook::output, -100, Policy::accept}})
          .add_rule(table, "output",
                    {"",
                     {is(l4proto, protocol(IPPROTO_UDP)), is(th_dport, port(published)),
                      dnat_to(parse_ip("127.0.0.1"), port_number)}}));
}

bool has_datagram(FdRef socket) {
  std::array<char, 8> bytes{};
  return ::recv(socket.get(), bytes.data(), bytes.size(), 0) > 0;  // over the loopback link it is there at once
}

/// By what the kernel is told of flows, and by a list of them.
class Flows : public testing::TestWithParam<Forget> {};

TEST_P(Flows, WhoGoesOnSendingIsLedAnewOnceHisFlowIsForgotten) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to make network namespaces";
  const auto netns = kernel::make_network_namespace();
  kernel::in_network_namespace(netns, "of the test", [&] {
    bring_up_loopback();
    const auto first = bound_socket(6001);
    const auto second = bound_socket(6002);
    const auto client = bound_socket(6003);
    const auto stranger = bound_socket(6004);
    const auto to = make_socket_address(parse_ip("127.0.0.1"), published);
    const auto send = [&](FdRef from) { EXPECT_EQ(::sendto(from.get(), "?", 1, 0, to.generic(), to.size), 1); };
    Socket rules;
    lead_to(rules, 6001);
    send(client);
    EXPECT_TRUE(has_datagram(first));
    lead_to(rules, 6002);
    send(client);
    EXPECT_TRUE(has_datagram(first)) << "the flow goes on where it began";
    GetParam()({{.address = parse_ip("127.0.0.1"), .port = published + 1},
                {.address = parse_ip("127.0.0.2"), .port = published}});
    send(client);
    EXPECT_TRUE(has_datagram(first)) << "those were other flows";
    GetParam()({{.address = parse_ip("127.0.0.1"), .port = published}});
    send(client);
    EXPECT_TRUE(has_datagram(second));
    send(stranger);
    EXPECT_TRUE(has_datagram(second));
    lead_to(rules, 6001);
    GetParam()({{.address = IpAddress::any(false), .port = published}});
    send(client);
    EXPECT_TRUE(has_datagram(first)) << "all addresses";
  });
}

INSTANTIATE_TEST_SUITE_P(ByWhatTheKernelIsTold, Flows, testing::Values(&forget));
INSTANTIATE_TEST_SUITE_P(OneByOne, Flows, testing::Values(&forget_one_by_one));

}  // namespace
}  // namespace berth::nftables

// Names as a program in a container asks for them: at 127.0.0.11, port 53.
#include "network/resolvers.hpp"

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

#include <future>
#include <thread>

#include "../dns/wire.hpp"
#include "fixture.hpp"
#include "linux/namespaces.hpp"

namespace berth::network {
namespace {

using testing::HasSubstr;

class ResolversTest : public NetworkTest {
 protected:
  /// With no server upstream: itself does not count.
  void join(Sandbox& sandbox, const std::string& network, const std::string& id, const EndpointConfig& config = {}) {
    networks_->join(sandbox, {member(id), {{network, config}}, {}, {.servers = {"127.0.0.11"}}});
  }

  /// What the resolver of the sandbox says, as text; empty if it says nothing.
  static std::string ask(const Sandbox& sandbox, const std::string& name, unsigned type = 1) {
    std::string answer(4096, '\0');
    std::jthread{[&] {
      kernel::enter_namespace(sandbox.netns(), CLONE_NEWNET, "for a test");
      const UniqueFd socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
      sockaddr_in resolver{};
      resolver.sin_family = AF_INET;
      resolver.sin_port = htons(53);
      resolver.sin_addr.s_addr = htonl(0x7f00000b);
      ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&resolver), sizeof resolver);
      const auto query = dns::test::query(name, {.type = type});
      ::send(socket.get(), query.data(), query.size(), 0);
      pollfd readable{socket.get(), POLLIN, 0};
      const auto size = ::poll(&readable, 1, 3000) > 0 ? ::recv(socket.get(), answer.data(), answer.size(), 0) : 0;
      answer.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    }}.join();
    return answer.empty() ? answer : dns::test::text_of(answer);
  }
};

TEST_F(ResolversTest, OneThatWasMadeBeforeItsContainerAnswersAsAnyOther) {
  create("mine", "10.9.0.0/16");
  auto one = networks_->take_sandbox(std::vector<EndpointRequest>{{"mine", {}}});
  ASSERT_TRUE(one.ready_resolver);
  ASSERT_TRUE(one.ready_link);
  EXPECT_EQ(one.ready_link->bridge, 0U);
  join(one, "mine", "c1");
  EXPECT_FALSE(one.ready_resolver);
  EXPECT_EQ(one.resolver_sockets.size(), 2U);
  EXPECT_THAT(ask(one, "c1"), HasSubstr("\tA\t10.9.0.2\n"));
  EXPECT_THAT(links(one.socket()), testing::ElementsAre("eth0"));
  EXPECT_NE(host_->get_link(networks_->connections("c1")->endpoints.front().host_link).master, 0U);
}

TEST_F(ResolversTest, OnTheDefaultBridgeNoneIsMade) {
  auto sandbox = networks_->take_sandbox(std::vector<EndpointRequest>{{"bridge", {}}});
  EXPECT_FALSE(sandbox.ready_resolver);
  join(sandbox, "bridge", "c1");
  EXPECT_TRUE(sandbox.resolver_sockets.empty());
}

TEST_F(ResolversTest, ContainersOfANetworkFindEachOther) {
  create("mine", "10.9.0.0/16");
  auto one = Sandbox::make();
  auto two = Sandbox::make();
  EndpointConfig config;
  config.Aliases = {{"db"}};
  join(one, "mine", "c1", config);
  join(two, "mine", "c2");
  for (const auto* name : {"name-of-c1", "c1", "db", "DB.mine"})
    EXPECT_THAT(ask(two, name), HasSubstr("\t600\tIN\tA\t10.9.0.2\n")) << name;
  EXPECT_THAT(ask(one, "c2"), HasSubstr("\tA\t10.9.0.3\n"));
  EXPECT_THAT(ask(two, "db", 28), HasSubstr("rcode: NOERROR"));
  EXPECT_THAT(ask(two, "2.0.9.10.in-addr.arpa", 12), HasSubstr("\tPTR\tname-of-c1.mine.\n"));

  networks_->rename("c1", "renamed");
  EXPECT_THAT(ask(two, "renamed"), HasSubstr("\tA\t10.9.0.2\n"));
  networks_->leave("c1");
  EXPECT_THAT(ask(two, "c2"), HasSubstr("\tA\t10.9.0.3\n"));
  EXPECT_THAT(ask(two, "2.0.9.10.in-addr.arpa", 12), testing::Not(HasSubstr("PTR\trenamed")));
}

TEST_F(ResolversTest, AContainerHasAResolverOnceItNeedsOne) {
  create("mine", "10.9.0.0/16");
  create("other", "10.8.0.0/16");
  auto one = Sandbox::make();
  auto two = Sandbox::make();
  join(one, "bridge", "c1");
  join(two, "mine", "c2");
  EXPECT_EQ(ask(one, "c2"), "");
  networks_->connect(one, member("c1"), {"mine", {}});
  EXPECT_THAT(ask(one, "c2"), HasSubstr("\tA\t10.9.0.2\n"));
  networks_->connect(two, member("c2"), {"other", {}});
  EXPECT_THAT(ask(two, "c2.other"), HasSubstr("\tA\t10.8.0.2\n"));
  networks_->disconnect(&two, "c2", "other");
  networks_->disconnect(&one, "c1", "mine");
  EXPECT_THAT(ask(two, "c1.mine"), testing::Not(HasSubstr("\tA\t10.9.0.3\n")));
}

TEST_F(ResolversTest, ResolversGoOnAfterARestart) {
  create("mine", "10.9.0.0/16");
  auto one = Sandbox::make();
  auto two = Sandbox::make();
  join(one, "mine", "c1");
  join(two, "mine", "c2");
  start();
  networks_->resume(one, "c1");
  networks_->resume(two, "c2");
  networks_->resume(two, "nobody");
  EXPECT_THAT(ask(one, "c2"), HasSubstr("\tA\t10.9.0.3\n"));
  EXPECT_THAT(ask(two, "name-of-c1.mine"), HasSubstr("\tA\t10.9.0.2\n"));
}

TEST_F(ResolversTest, SocketsThatSomebodyKeptAreUsedAgain) {
  create("mine", "10.9.0.0/16");
  auto one = Sandbox::make();
  join(one, "mine", "c1");
  auto kept = std::exchange(one.resolver_sockets, {});
  ASSERT_EQ(kept.size(), 2U);
  networks_.reset();
  auto answer = std::async(std::launch::async, [&] { return ask(one, "c1"); });
  pollfd waits{kept[0].get(), POLLIN, 0};
  EXPECT_EQ(::poll(&waits, 1, 3000), 1) << "no query has come";
  start();
  networks_->resume(one, "c1", std::move(kept));
  EXPECT_THAT(answer.get(), HasSubstr("\tA\t10.9.0.2\n"));
  EXPECT_TRUE(one.resolver_sockets.empty()) << "they were opened again";
}

TEST_F(ResolversTest, WhatIsKeptAndNoSocketOfTheResolverIsOpenedAgain) {
  create("mine", "10.9.0.0/16");
  auto one = Sandbox::make();
  join(one, "mine", "c1");
  one.resolver_sockets.clear();
  start();
  std::vector<UniqueFd> kept(2);
  for (auto& fd : kept) fd = make_eventfd();
  networks_->resume(one, "c1", std::move(kept));
  EXPECT_THAT(ask(one, "c1"), HasSubstr("\tA\t10.9.0.2\n"));
  EXPECT_EQ(one.resolver_sockets.size(), 2U) << "the next daemon would not find them";
}

}  // namespace
}  // namespace berth::network

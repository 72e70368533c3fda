#include "shim/client/shim_client.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <thread>

#include "shim/protocol.hpp"

namespace berth::shim {
namespace {

/// The test is the shim: it answers on the other end of the client's socket.
class ShimClientTest : public testing::Test {
 protected:
  ShimClientTest() {
    auto sockets = make_socket_pair(SOCK_SEQPACKET);
    shim = std::move(sockets.first);
    client = std::make_unique<ShimClient>(std::move(sockets.second), 4711);
  }

  void send(const json::Value& message) const { send_message(shim, message); }
  [[nodiscard]] Message receive() const {
    Message message;
    EXPECT_EQ(receive_message(shim, message, Wait::yes), Receipt::message);
    return message;
  }

  UniqueFd shim;
  std::unique_ptr<ShimClient> client;
  UniqueFd namespace_ = make_eventfd();  // any descriptor will do
};

const json::Value exit_event{{"event", "exit"}, {"exit_code", 3}, {"finished_at", "2026-11-21T07:00:00Z"}};

TEST_F(ShimClientTest, AStartSendsTheBundleAndTheClientsAndReturnsThePid) {
  send({{"ok", true}, {"pid", 42}, {"started_at", "2026-11-21T07:00:00Z"}});
  auto connection = make_socket_pair(SOCK_STREAM);
  std::vector<Attachment> attachments(1);
  attachments[0].connection = std::move(connection.first);
  attachments[0].pending = "abc";
  attachments[0].stdout_ = true;
  EXPECT_EQ(client->start("/bundle", "/run/c", namespace_, std::move(attachments)).pid, 42);
  const auto request = receive();
  EXPECT_EQ(text_member(request.body, "bundle"), "/bundle");
  EXPECT_EQ(json::from<StartRequest>(request.body).attach.at(0).pending, "YWJj");
  EXPECT_TRUE(json::from<StartRequest>(request.body).network_namespace);
  EXPECT_EQ(request.fds.size(), 2U);
}

TEST_F(ShimClientTest, WhatIsToBeKeptComesBetweenTheClientsAndTheNamespace) {
  send({{"ok", true}, {"pid", 42}});
  std::vector<UniqueFd> keep(2);
  for (auto& fd : keep) fd = make_eventfd();
  client->start("/bundle", "/run/c", namespace_, std::vector<Attachment>{}, keep);
  const auto request = receive();
  EXPECT_EQ(json::from<StartRequest>(request.body).keep, 2U);
  EXPECT_EQ(request.fds.size(), 3U);
}

TEST_F(ShimClientTest, AnOlderShimHasKeptNothing) {
  send({{"ok", false}, {"kind", "unsupported"}, {"message", "shim has no operation \"kept\""}});
  EXPECT_TRUE(client->kept().empty());
}

TEST_F(ShimClientTest, AStartInTheNetworkOfTheHostSendsNoNamespace) {
  send({{"ok", true}, {"pid", 42}});
  client->start("/bundle", "/run/c", FdRef{-1}, {});
  const auto request = receive();
  EXPECT_FALSE(json::from<StartRequest>(request.body).network_namespace);
  EXPECT_TRUE(request.fds.empty());
}

TEST_F(ShimClientTest, AFailureOfTheProgramKeepsItsExitCode) {
  send({{"ok", false}, {"kind", "invalid"}, {"message", "no such file"}, {"exit_code", 127}});
  try {
    client->start("/bundle", "/run/c", FdRef{-1}, {});
    FAIL();
  } catch (const StartError& error) {
    EXPECT_EQ(error.exit_code(), 127);
    EXPECT_EQ(error.message(), "no such file");
  }
}

TEST_F(ShimClientTest, MoreClientsThanOnePacketCarriesAreAttachedAfterwards) {
  send({{"ok", true}, {"pid", 42}});
  for (int i = 0; i < 5; ++i) send({{"ok", true}});
  std::vector<Attachment> attachments(20);
  for (auto& attachment : attachments) attachment.connection = make_eventfd();
  client->start("/bundle", "/run/c", namespace_, std::move(attachments));
  EXPECT_EQ(receive().fds.size(), 16U);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(text_member(receive().body, "op"), "attach");
}

TEST_F(ShimClientTest, AnExitThatComesDuringACallIsKept) {
  send(exit_event);
  send({{"ok", false}, {"kind", "conflict"}, {"message", "container is not running"}});
  EXPECT_THROW(client->signal(9), Error);
  const auto events = client->take_events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(std::get<ExitStatus>(events.front()).exit_code, 3);
  EXPECT_TRUE(client->take_events().empty());
}

TEST_F(ShimClientTest, WhoFindsTheSocketTakenByACallIsToldOnceItIsFree) {
  std::jthread caller{[&] { client->signal(9); }};
  EXPECT_EQ(text_member(receive().body, "op"), "signal");  // from now on the call holds the socket
  std::vector<ShimEvent> taken;
  client->on_kept_events([&] {
    send(exit_event);
    taken = std::async(std::launch::async, [&] { return client->take_events(); }).get();
  });
  EXPECT_TRUE(client->take_events().empty());
  send({{"ok", true}});
  caller.join();
  EXPECT_EQ(taken.size(), 1U);
}

TEST_F(ShimClientTest, TakingEventsDoesNotBlock) {
  EXPECT_TRUE(client->take_events().empty());
  send(exit_event);
  EXPECT_FALSE(client->take_events().empty());
  EXPECT_FALSE(client->gone());
}

TEST_F(ShimClientTest, AShimThatDiesIsGoneAndItsCallsAreUnavailable) {
  shim.reset();
  EXPECT_TRUE(client->take_events().empty());
  EXPECT_TRUE(client->gone());
  client->wait_until_gone();
  try {
    client->resize(1, 2);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::unavailable);
  }
}

TEST_F(ShimClientTest, IsFoundAgainByTheDirectoryOfItsSocket) {
  const TempDir directory{"/tmp", "shim"};
  const auto listener = listen_at(open_directory(directory.path()));
  const std::jthread accepting{[&] {
    pollfd wait{listener.get(), POLLIN, 0};
    ::poll(&wait, 1, -1);
    const UniqueFd socket{::accept(listener.get(), nullptr, nullptr)};
    send_message(socket, {{"event", "state"}, {"pid", 42}, {"started_at", "2026-11-21T07:00:00Z"}});
  }};
  const auto found = ShimClient::find(directory.path());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->state()->pid, 42);
  EXPECT_EQ(found->shim_pid(), ::getpid());
  EXPECT_FALSE(ShimClient::find(directory.path() / "absent"));
}

TEST(ShimPool, ReapsAShimThatHasLeft) {
  ShimPool pool{"/bin/true", 1};
  const auto shim = pool.take();
  pollfd wait{pool.departures().get(), POLLIN, 0};
  ASSERT_EQ(::poll(&wait, 1, 10000), 1);
  pool.reap();
  EXPECT_NE(::kill(shim->shim_pid(), 0), 0);
  EXPECT_EQ(::poll(&wait, 1, 0), 0);
}

TEST(ShimPool, AMissingProgramIsNotFound) {
  ShimPool pool{"/nonexistent/berth-shim", 1};
  EXPECT_THROW(pool.take(), Error);
}

}  // namespace
}  // namespace berth::shim

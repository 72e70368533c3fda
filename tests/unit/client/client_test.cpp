#include "client/client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake_daemon.hpp"

namespace berth::client {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(Client, ErrorsCarryTheDaemonsSentenceAndKind) {
  FakeDaemon daemon{{FakeDaemon::json(404, R"({"message":"No such container: web"})")}};
  Client client{parse_host(daemon.host()), "1.51"};
  try {
    client.containers().inspect("web");
    FAIL() << "found";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::not_found);
    EXPECT_EQ(error.message(), "Error response from daemon: No such container: web");
  }
}

TEST(Client, RequestsShareOneConnection) {
  FakeDaemon daemon{{FakeDaemon::json(200, "{}"), FakeDaemon::json(200, "[]")}};
  Client client{parse_host(daemon.host()), "1.51"};
  client.system().info();
  client.containers().list({.all = true, .filters = {{"name", {"a b"}}}});
  ASSERT_EQ(daemon.requests().size(), 2U);
  EXPECT_THAT(daemon.requests()[0], StartsWith("GET /v1.51/info HTTP/1.1\r\n"));
  EXPECT_THAT(
      daemon.requests()[1],
      StartsWith("GET /v1.51/containers/json?all=1&filters=%7B%22name%22%3A%7B%22a%20b%22%3Atrue%7D%7D HTTP/1.1\r\n"));
}

TEST(Client, NetworksWithoutANameAreRefusedBeforeTheDaemonIsAsked) {
  FakeDaemon daemon{
      {FakeDaemon::json(403, R"({"message":"operation is not permitted on predefined bridge network "})")}};
  Client client{parse_host(daemon.host()), "1.51"};
  const auto message_of = [](const auto& action) -> std::string {
    try {
      action();
    } catch (const Error& error) {
      return error.message();
    }
    return "nothing was thrown";
  };
  EXPECT_EQ(message_of([&] { client.networks().remove(" "); }), "invalid network name or ID: value is empty");
  EXPECT_EQ(message_of([&] { client.networks().connect("lan", "", {}); }),
            "invalid container name or ID: value is empty");
  EXPECT_EQ(message_of([&] {
              client.networks().create(json::Object{{"Name", "bridge"}});
            }),
            "Error response from daemon: operation is not permitted on predefined bridge network");
}

TEST(Client, StreamsAreSplitIntoDocuments) {
  FakeDaemon daemon{
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
       "8\r\n{\"a\":1}\n\r\n6\r\n{\"b\":\"\r\n6\r\n}\\\"{\"}\r\n0\r\n\r\n"}};
  Client client{parse_host(daemon.host()), "1.51"};
  auto events = client.system().events("", "", {});
  EXPECT_EQ(events.next()->at("a"), 1);
  EXPECT_EQ(events.next()->at("b"), "}\"{");
  EXPECT_FALSE(events.next());
}

TEST(Client, AttachHandsOverTheSocketWithWhatCameAlong) {
  FakeDaemon daemon{{"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nhello"}};
  Client client{parse_host(daemon.host()), "1.51"};
  auto attach = client.containers().attach("web", {.stdin_ = true});
  attach.accept();
  const auto hijacked = attach.connection().hijack();
  auto text = hijacked.pending;
  char buffer[16];
  while (text.size() < 5) text.append(buffer, read_some(hijacked.socket, buffer));
  EXPECT_EQ(text, "hello");
  EXPECT_THAT(daemon.requests()[0], HasSubstr("Upgrade: tcp\r\n"));
}

TEST(Client, WaitReportsStatusAndError) {
  FakeDaemon daemon{{FakeDaemon::json(200, R"({"StatusCode":3,"Error":{"Message":"gone"}})")}};
  Client client{parse_host(daemon.host()), "1.51"};
  auto waiting = client.containers().wait("web", "removed");
  waiting.accept();
  const auto exit = waiting.result();
  EXPECT_EQ(exit.status, 3);
  EXPECT_EQ(exit.error, "gone");
}

TEST(Client, UploadsAreChunked) {
  FakeDaemon daemon{{FakeDaemon::json(200, R"({"stream":"Loaded image: x\n"})")}};
  Client client{parse_host(daemon.host()), "1.51"};
  std::string left = "tar";
  auto progress = client.images().load(
      [&](std::span<char> buffer) {
        const auto count = left.copy(buffer.data(), buffer.size());
        left.clear();
        return count;
      },
      true, "");
  EXPECT_EQ(progress.next()->at("stream"), "Loaded image: x\n");
  EXPECT_THAT(daemon.requests()[0], HasSubstr("\r\n\r\n3\r\ntar\r\n0\r\n\r\n"));
}

}  // namespace
}  // namespace berth::client

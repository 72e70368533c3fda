#include "api/server.hpp"

#include <sys/stat.h>

#include <future>

#include "live_server.hpp"

namespace berth::api {
namespace {

using namespace std::chrono_literals;
using testing::Test;

Reply hello(Request&) {
  return Reply::text("hello");
}

Reply echo(Request& request) {
  return Reply::text(request.body());
}

TEST(Server, KeptConnectionTakesSeveralRequests) {
  LiveServer server{hello};
  RawClient client{server};
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(client.ask(get("/"), "hello").starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST(Server, PipelinedRequestsAreAnsweredInOrder) {
  LiveServer server{[](Request& request) { return Reply::text(request.path()); }};
  RawClient client{server};
  const auto text = client.ask(get("/one") + get("/two"), "/two");
  EXPECT_LT(text.find("/one"), text.find("/two"));
}

TEST(Server, EveryAnswerSaysWhoAnswers) {
  LiveServer server{hello};
  const auto text = RawClient{server}.ask(get("/"), "hello");
  for (const auto* field :
       {"\r\nApi-Version: 1.51\r\n", "\r\nOstype: linux\r\n", "\r\nServer: Docker/28.3.0 (linux)\r\n",
        "\r\nDocker-Experimental: false\r\n", "\r\nDate: ", "\r\nContent-Length: 5\r\n"}) {
    EXPECT_TRUE(text.contains(field)) << field;
  }
}

TEST(Server, HeadHasNoBodyButItsLength) {
  LiveServer server{hello};
  RawClient client{server};
  const auto text = client.ask("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", "\r\n\r\n");
  EXPECT_TRUE(text.contains("Content-Length: 5\r\n") && text.ends_with("\r\n\r\n"));
  EXPECT_TRUE(client.ask(get("/"), "hello").starts_with("HTTP/1.1 200"));
}

TEST(Server, ErrorsAreJsonWithAMessage) {
  LiveServer server{[](Request&) -> Reply { throw Error{Kind::conflict, "name {} is taken", quote("web")}; }};
  const auto text = RawClient{server}.ask(get("/"), "}\n");
  EXPECT_TRUE(text.starts_with("HTTP/1.1 409 Conflict\r\n"));
  EXPECT_TRUE(text.ends_with("{\"message\":\"name \\\"web\\\" is taken\"}\n"));
}

TEST(Server, AnythingThrownIsAnInternalError) {
  LiveServer server{[](Request&) -> Reply { throw 7; }};
  RawClient client{server};
  EXPECT_TRUE(client.ask(get("/"), "}\n").starts_with("HTTP/1.1 500 "));
  EXPECT_TRUE(client.ask(get("/"), "}\n").starts_with("HTTP/1.1 500 "));
}

TEST(Server, OldHttpGetsAnAnswerAndAClosedConnection) {
  LiveServer server{hello};
  RawClient client{server};
  client.send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(client.read_to_end().ends_with("\r\n\r\nhello"));
}

TEST(Server, MalformedRequestsAreRefusedAndTheConnectionCloses) {
  LiveServer server{echo};
  for (const auto* request :
       {"GET\r\n\r\n", "GET / HTTP/1.1\r\nHost x\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1x\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nabc"}) {
    RawClient client{server};
    client.send(request);
    const auto text = client.read_to_end();
    EXPECT_TRUE(text.starts_with("HTTP/1.1 400 Bad Request\r\n")) << quote(request) << quote(text);
    EXPECT_TRUE(text.contains("{\"message\":\"")) << quote(text);
  }
}

TEST(Server, UnknownHttpVersionIs505) {
  LiveServer server{hello};
  RawClient client{server};
  client.send("GET / HTTP/3.0\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(client.read_to_end().starts_with("HTTP/1.1 505 "));
}

TEST(Server, HeaderFloodIs431) {
  LiveServer server{hello};
  RawClient client{server};
  client.send("GET / HTTP/1.1\r\nHost: x\r\n");
  const std::string field = "X-Flood: " + std::string(1000, 'a') + "\r\n";
  for (int i = 0; i < 10'000 && client.send(field); ++i) continue;
  EXPECT_TRUE(client.read_to_end().starts_with("HTTP/1.1 431 "));
}

TEST(Server, ManySmallHeaderFieldsAre431) {
  LiveServer server{hello};
  std::string request = "GET / HTTP/1.1\r\nHost: x\r\n";
  for (int i = 0; i < 500; ++i) request += "A: b\r\n";
  EXPECT_TRUE(RawClient{server}.ask(request + "\r\n", "}\n").starts_with("HTTP/1.1 431 "));
}

TEST(Server, EndlessRequestLineIs431) {
  LiveServer server{hello};
  RawClient client{server};
  client.send("GET /");
  const std::string part(4096, 'a');
  for (int i = 0; i < 1000 && client.send(part); ++i) continue;
  EXPECT_TRUE(client.read_to_end().starts_with("HTTP/1.1 431 "));
}

TEST(Server, HeadThatDripsIsCutOff) {
  LiveServer server{hello, {.limits = {.head_time = 100ms}}};
  RawClient client{server};
  client.send("GET / HT");
  EXPECT_TRUE(client.read_to_end().starts_with("HTTP/1.1 408 "));
}

TEST(Server, IdleConnectionIsClosedWithoutAWord) {
  LiveServer server{hello, {.limits = {.idle_time = 50ms}}};
  EXPECT_EQ(RawClient{server}.read_to_end(), "");
}

TEST(Server, ConnectionsBeyondTheBoundAreToldSo) {
  LiveServer server{hello, {.max_connections = 2}};
  RawClient first{server};
  RawClient second{server};
  first.ask(get("/"), "hello");
  second.ask(get("/"), "hello");
  RawClient third{server};
  EXPECT_TRUE(third.ask(get("/"), "}\n").starts_with("HTTP/1.1 503 "));
  EXPECT_TRUE(first.ask(get("/"), "hello").starts_with("HTTP/1.1 200 "));
}

TEST(Server, BodyComesWholeOrInChunks) {
  LiveServer server{echo};
  RawClient client{server};
  EXPECT_TRUE(client.ask(post("/", "abc"), "abc").ends_with("\r\n\r\nabc"));
  const auto text = client.ask(
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3;x=y\r\nabc\r\n3\r\ndef\r\n0\r\nTrailer: t\r\n\r\n",
      "abcdef");
  EXPECT_TRUE(text.contains("Content-Length: 6\r\n")) << text;
  EXPECT_TRUE(client.ask(post("/", "again"), "again").starts_with("HTTP/1.1 200"));
}

TEST(Server, ChunksThatComeByteByByteMakeTheSameBody) {
  LiveServer server{echo};
  RawClient client{server};
  for (const char c : std::string{
           "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n"}) {
    client.send({&c, 1});
  }
  EXPECT_TRUE(client.read_until("abcdef").ends_with("abcdef"));
}

TEST(Server, LargeBodyArrivesUnchanged) {
  LiveServer server{echo};
  std::string body(3 << 20, 'x');
  for (std::size_t i = 0; i < body.size(); i += 997) body[i] = static_cast<char>('a' + i % 26);
  body += "the end";
  RawClient client{server};
  client.send(post("/", body));
  EXPECT_TRUE(client.read_until("the end").ends_with(body));
}

TEST(Server, BodyOverTheLimitIs413) {
  LiveServer server{echo};
  RawClient client{server};
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n");
  EXPECT_TRUE(client.read_to_end().starts_with("HTTP/1.1 413 "));
  RawClient chunked{server};
  chunked.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "10000\r\n" + std::string(0x10000, 'a') + "\r\n";
  for (int i = 0; i < 1000 && chunked.send(chunk); ++i) continue;
  EXPECT_TRUE(chunked.read_to_end().starts_with("HTTP/1.1 413 "));
}

TEST(Server, ClientThatExpectsIsToldToContinueOnlyWhenTheBodyIsWanted) {
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n";
  LiveServer server{echo};
  RawClient client{server};
  EXPECT_EQ(client.ask(head, "\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_TRUE(client.ask("abc", "abc").starts_with("HTTP/1.1 200"));
  LiveServer unwilling{hello};
  RawClient refused{unwilling};
  refused.send(head);
  const auto text = refused.read_to_end();
  EXPECT_TRUE(text.starts_with("HTTP/1.1 200") && text.contains("Connection: close\r\n")) << text;
}

TEST(Server, BodyThatEndsEarlyIsAnError) {
  std::promise<std::string> problem;
  LiveServer server{[&](Request& request) {
    try {
      static_cast<void>(request.body());
    } catch (const Error& error) {
      problem.set_value(error.message());
    }
    return Reply::no_content();
  }};
  RawClient client{server};
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  client.close();
  EXPECT_TRUE(problem.get_future().get().starts_with("unexpected EOF"));
}

TEST(Server, UnreadBodyIsNotTakenForTheNextRequest) {
  LiveServer server{hello};
  RawClient client{server};
  EXPECT_TRUE(client.ask(post("/", "GET /evil HTTP/1.1\r\n\r\n"), "hello").starts_with("HTTP/1.1 200"));
  EXPECT_TRUE(client.ask(get("/"), "hello").starts_with("HTTP/1.1 200"));
}

TEST(Server, StreamIsSentInChunksAsItIsMade) {
  LiveServer server{[](Request&) {
    return Reply::stream("application/json", [](BodyWriter& out) {
      out.write("one\n");
      out.flush();
      out.write("two\n");
    });
  }};
  RawClient client{server};
  const auto text = client.ask(get("/"), "0\r\n\r\n");
  EXPECT_TRUE(text.contains("Transfer-Encoding: chunked\r\n") &&
              text.ends_with("4\r\none\n\r\n4\r\ntwo\n\r\n0\r\n\r\n"))
      << text;
  EXPECT_TRUE(client.ask(get("/"), "0\r\n\r\n").starts_with("HTTP/1.1 200"));
}

TEST(Server, StreamThatFailsBeforeItsFirstByteIsAnOrdinaryError) {
  LiveServer server{[](Request&) {
    return Reply::stream("text/plain", [](BodyWriter&) { throw Error{Kind::not_found, "gone"}; });
  }};
  EXPECT_TRUE(RawClient{server}.ask(get("/"), "}\n").starts_with("HTTP/1.1 404 "));
}

TEST(Server, StreamThatFailsLaterIsCutOffWithoutALastChunk) {
  LiveServer server{[](Request&) {
    return Reply::stream("text/plain", [](BodyWriter& out) {
      out.begin();
      out.write("half");
      out.flush();
      throw Error{Kind::cancelled, "stopped"};
    });
  }};
  RawClient client{server};
  client.send(get("/"));
  EXPECT_TRUE(client.read_to_end().ends_with("4\r\nhalf\r\n"));
}

TEST(Server, UpgradeIsHijackedWithWhatTheClientSentAhead) {
  LiveServer server{[](Request&) {
    return Reply::hijack("application/vnd.docker.multiplexed-stream", [](Hijacked client) {
      client.accept();
      write_all(client.connection, "<" + client.pending + ">");
    });
  }};
  RawClient upgraded{server};
  upgraded.send("POST /attach HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nearly");
  EXPECT_EQ(upgraded.read_to_end(),
            "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\n"
            "Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n<early>");
  RawClient old{server};
  old.send("POST /attach HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(old.read_to_end(), "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n<>");
}

TEST(Server, StopLeavesHijackedConnectionsAlone) {
  std::promise<UniqueFd> taken;
  LiveServer server{[&](Request&) {
    return Reply::hijack("x/y", [&](Hijacked client) {
      client.accept();
      taken.set_value(std::move(client.connection));
    });
  }};
  RawClient client{server};
  client.ask("POST / HTTP/1.1\r\nHost: x\r\nUpgrade: tcp\r\n\r\n", "\r\n\r\n");
  const auto connection = taken.get_future().get();
  EXPECT_TRUE(server.stop());
  write_all(connection, "still here");
  EXPECT_EQ(client.read_until("here"), "still here");
}

TEST(Server, HandlerSeesThatItsClientHasGone) {
  std::promise<int> seen;
  LiveServer server{[&](Request& request) {
    pollfd wait{request.client().get(), POLLRDHUP, 0};
    seen.set_value(::poll(&wait, 1, 5000));
    EXPECT_TRUE(client_is_gone(request.client()));
    return Reply::no_content();
  }};
  RawClient client{server};
  client.send(get("/"));
  client.close();
  EXPECT_EQ(seen.get_future().get(), 1);
}

TEST(Server, StopEndsIdleConnectionsAndWakesWaitingHandlers) {
  std::promise<void> waiting;
  LiveServer server{[&](Request& request) {
    waiting.set_value();
    pollfd wait{request.client().get(), POLLRDHUP, 0};
    EXPECT_EQ(::poll(&wait, 1, 5000), 1);
    return Reply::text("stopped");
  }};
  RawClient idle{server};
  RawClient busy{server};
  busy.send(get("/"));
  waiting.get_future().wait();
  EXPECT_TRUE(server.stop());
  EXPECT_EQ(idle.read_to_end(), "");
  EXPECT_TRUE(busy.read_to_end().ends_with("stopped"));
}

TEST(Server, SocketIsForItsGroupOnlyAndRemovedAtTheEnd) {
  std::string path;
  {
    LiveServer server{hello};
    path = server.path();
    struct stat status {};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0660U);
  }
  EXPECT_FALSE(fs::exists(path));
}

TEST(Listen, LiveSocketIsRefusedAndAStaleOneReplaced) {
  const TempDir directory{"/tmp", "berth-api-test-"};
  const auto address = "unix://" + (directory.path() / "s").string();
  {
    const auto first = listen_on(address);
    EXPECT_THROW(listen_on(address), Error);
  }
  EXPECT_EQ(listen_on(address).size(), 1U);
}

TEST(Listen, WhatIsNoSocketIsNotRemoved) {
  const TempDir directory{"/tmp", "berth-api-test-"};
  write_file(directory.path() / "s", "precious");
  EXPECT_THROW(listen_on("unix://" + (directory.path() / "s").string()), Error);
  EXPECT_EQ(read_file(directory.path() / "s"), "precious");
}

TEST(Listen, AddressesWithoutSenseAreRefused) {
  for (const auto* address :
       {"", "unix://", "unix://relative", "tcp://host", "http://x", "fd://x", "fd://", "/run/x.sock"}) {
    EXPECT_THROW(listen_on(address), Error) << address;
  }
}

TEST(Listen, TcpOnPortZeroListens) {
  const auto listeners = listen_on("tcp://127.0.0.1:0");
  ASSERT_EQ(listeners.size(), 1U);
  EXPECT_TRUE(listeners[0].tcp);
}

}  // namespace
}  // namespace berth::api

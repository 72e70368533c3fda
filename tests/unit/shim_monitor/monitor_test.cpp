#include "shim/monitor/monitor.hpp"

#include <netinet/in.h>

#include "base/socket_address.hpp"
#include "monitor_fixture.hpp"

namespace berth::shim {
namespace {

TEST_F(MonitorTest, LeavesWhenItsDaemonGoesBeforeTheStart) {
  control.reset();
  wait_for_shim();
}

TEST_F(MonitorTest, ReportsTheExitAfterTheLogIsCompleteAndLeavesNothing) {
  const auto started = start("echo hello; echo oops >&2; exit 3");
  ASSERT_TRUE(started.ok) << started.message;
  EXPECT_GT(started.pid, 0);
  const auto status = wait_for_exit_event();
  EXPECT_EQ(status.exit_code, 3);
  EXPECT_EQ(status.started_at, started.started_at);
  EXPECT_EQ(log(), "hello\noops\n");
  EXPECT_EQ(json::parse<ExitStatus>(read_file(bundle / exit_file)).exit_code, 3);
  wait_for_shim();
  EXPECT_FALSE(fs::exists(socket_dir));
}

TEST_F(MonitorTest, TheContainerIsGivenTheNetworkNamespaceOfTheStart) {
  const auto any_file = make_memory_file("namespace", "");
  ASSERT_TRUE(start("exit 0", {}, {any_file}).ok);
  EXPECT_EQ(wait_for_exit_event().exit_code, 0);
  EXPECT_TRUE(fs::exists(bundle / "entered")) << "the runtime was not given the descriptor";
}

TEST_F(MonitorTest, ASignalIs128AndItsNumber) {
  ASSERT_TRUE(start("exec sleep 100").ok);
  ASSERT_TRUE(request({{"op", "signal"}, {"signal", SIGKILL}}).ok);
  EXPECT_EQ(wait_for_exit_event().exit_code, 137);
}

TEST_F(MonitorTest, AFailedStartCarriesItsExitCodeAndLeavesNothing) {
  const auto reply = start("missing");
  EXPECT_FALSE(reply.ok);
  EXPECT_EQ(reply.exit_code, 127);
  EXPECT_EQ(reply.message, "exec: \"missing\": not found");
  wait_for_shim();
  EXPECT_FALSE(fs::exists(socket_dir));
}

TEST_F(MonitorTest, AttachedClientsGetFramedOutputFromTheFirstByte) {
  auto client = make_socket_pair(SOCK_STREAM);
  ASSERT_TRUE(start("printf out; sleep 0.05; printf err >&2", {both}, {client.second}).ok);
  client.second.reset();
  using std::string_literals::operator""s;
  EXPECT_EQ(read_to_end(client.first, 1000), "\1\0\0\0\0\0\0\3out\2\0\0\0\0\0\0\3err"s);
  EXPECT_EQ(wait_for_exit_event().exit_code, 0);
}

TEST_F(MonitorTest, InputReachesTheContainerAndItsEndOnceEndsIt) {
  settings.open_stdin = settings.stdin_once = true;
  auto client = make_socket_pair(SOCK_STREAM);
  auto attach = all_raw;
  attach.pending = to_base64("first ");
  ASSERT_TRUE(start("cat", {attach}, {client.second}).ok);
  client.second.reset();
  write_all(client.first, "second");
  ::shutdown(client.first.get(), SHUT_WR);
  EXPECT_EQ(read_to_end(client.first, 1000), "first second");
  EXPECT_EQ(wait_for_exit_event().exit_code, 0);
}

TEST_F(MonitorTest, AMegabyteGoesThroughInBothDirections) {
  settings.open_stdin = settings.stdin_once = true;
  auto client = make_socket_pair(SOCK_STREAM);
  ASSERT_TRUE(start("cat", {all_raw}, {client.second}).ok);
  client.second.reset();
  const std::string sent(1 << 20, 'x');
  const pid_t writer = ::fork();
  if (writer == 0) {
    write_all(client.first, sent);
    ::shutdown(client.first.get(), SHUT_WR);
    ::_exit(0);
  }
  EXPECT_TRUE(read_to_end(client.first, 2 << 20) == sent);
  EXPECT_EQ(wait_for_exit(writer), 0);
  EXPECT_EQ(wait_for_exit_event().exit_code, 0);
  EXPECT_TRUE(log() == sent);
}

TEST_F(MonitorTest, TheEndOfInputDetachesIfTheContainersStaysOpen) {
  settings.open_stdin = true;
  auto client = make_socket_pair(SOCK_STREAM);
  ASSERT_TRUE(start("cat", {all_raw}, {client.second}).ok);
  client.second.reset();
  write_all(client.first, "x\n");
  EXPECT_EQ(read_up_to(client.first, 2), "x\n");
  ::shutdown(client.first.get(), SHUT_WR);
  EXPECT_EQ(read_to_end(client.first, 10), "");
  EXPECT_TRUE(request({{"op", "signal"}, {"signal", 0}}).ok);
}

TEST_F(MonitorTest, AClientThatLeavesDoesNotDisturbTheOthers) {
  settings.open_stdin = true;
  auto stays = make_socket_pair(SOCK_STREAM);
  auto leaves = make_socket_pair(SOCK_STREAM);
  auto watches = all_raw;
  watches.stdin_ = false;
  ASSERT_TRUE(start("read x; echo $x; read x; echo $x", {watches, watches}, {stays.second, leaves.second}).ok);
  stays.second.reset();
  leaves.second.reset();
  leaves.first.reset();
  auto types = make_socket_pair(SOCK_STREAM);
  const FdRef fds[] = {types.second};
  auto attach = json::to(all_raw);
  attach.as_object()["op"] = "attach";
  ASSERT_TRUE(request(attach, fds).ok);
  types.second.reset();
  write_all(types.first, "1\n2\n");
  EXPECT_EQ(read_to_end(stays.first, 10), "1\n2\n");
  EXPECT_EQ(read_to_end(types.first, 10), "1\n2\n");
}

TEST_F(MonitorTest, AClientThatDoesNotReadHoldsTheContainerAndGetsAllInTheEnd) {
  auto client = make_socket_pair(SOCK_STREAM);
  auto attach = all_raw;
  attach.stdin_ = false;
  ASSERT_TRUE(start("head -c 3000000 /dev/zero; echo done >&2", {attach}, {client.second}).ok);
  client.second.reset();
  ASSERT_TRUE(request({{"op", "ping"}}).ok);
  EXPECT_LT(fs::file_size(settings.log.path), 3000000U);
  EXPECT_EQ(read_to_end(client.first, 4 << 20).size(), 3000005U);
  EXPECT_EQ(wait_for_exit_event().exit_code, 0);
}

TEST_F(MonitorTest, ATerminalEchoesResizesAndIsLeftByItsDetachKeys) {
  settings.tty = settings.open_stdin = settings.stdin_once = true;
  auto client = make_socket_pair(SOCK_STREAM);
  ASSERT_TRUE(start("read x; stty size; read x; exit 7", {all_raw}, {client.second}).ok);
  client.second.reset();
  ASSERT_TRUE(request({{"op", "resize"}, {"height", 33}, {"width", 44}}).ok);
  write_all(client.first, "\n");
  EXPECT_EQ(read_up_to(client.first, 9), "\r\n33 44\r\n");
  write_all(client.first, "\x10\x11");
  EXPECT_EQ(read_to_end(client.first, 100), "");
  EXPECT_EQ(json::from<DetachEvent>(receive(control)).exec, "");

  auto second = make_socket_pair(SOCK_STREAM);
  auto attach = json::to(all_raw);
  attach.as_object()["op"] = "attach";
  const FdRef fds[] = {second.second};
  ASSERT_TRUE(request(attach, fds).ok);
  write_all(second.first, "\n");
  EXPECT_EQ(wait_for_exit_event().exit_code, 7);
}

TEST_F(MonitorTest, OutlivesItsDaemonAndTellsTheNextOneItsState) {
  settings.open_stdin = true;
  const auto started = start("read x; exit 5");
  ASSERT_TRUE(started.ok);
  control.reset();
  control = connect_at(socket_dir);
  ASSERT_TRUE(control);
  const auto state = json::from<StateEvent>(receive(control));
  EXPECT_EQ(state.event, "state");
  EXPECT_EQ(state.pid, started.pid);
  EXPECT_EQ(state.started_at, started.started_at);
  auto client = make_socket_pair(SOCK_STREAM);
  auto attach = json::to(all_raw);
  attach.as_object()["op"] = "attach";
  const FdRef fds[] = {client.second};
  ASSERT_TRUE(request(attach, fds).ok);
  write_all(client.first, "\n");
  EXPECT_EQ(wait_for_exit_event().exit_code, 5);
}

TEST_F(MonitorTest, WhatTheDaemonGaveItToKeepTheNextOneGetsBack) {
  const auto first = make_pipe();
  const auto second = make_pipe();
  const auto take_kept = [&](FdRef connection) {
    send_message(connection, {{"op", "kept"}});
    Message reply;
    EXPECT_EQ(receive_message(connection, reply, Wait::yes), Receipt::message);
    return std::move(reply.fds);
  };
  ASSERT_TRUE(start("sleep 1000", {}, {first.write_end}, 1).ok);
  control.reset();

  auto found = connect_at(socket_dir);
  Message state;
  ASSERT_EQ(receive_message(found, state, Wait::yes), Receipt::message);
  auto kept = take_kept(found);
  ASSERT_EQ(kept.size(), 1U);
  write_all(kept[0], "a");
  EXPECT_EQ(read_up_to(first.read_end, 1), "a");

  const FdRef later[] = {second.write_end, first.write_end};
  send_message(found, {{"op", "keep"}}, later);
  EXPECT_TRUE(json::from<Reply>(receive(found)).ok);
  kept = take_kept(found);
  ASSERT_EQ(kept.size(), 2U);
  write_all(kept[0], "b");
  EXPECT_EQ(read_up_to(second.read_end, 1), "b");

  send_message(found, json::to(SignalRequest{.signal = SIGKILL}));
  EXPECT_TRUE(json::from<Reply>(receive(found)).ok);
  wait_for_shim();
}

TEST_F(MonitorTest, RelaysDatagramsUntilTheContainerEnds) {
  const auto bind = [](const char* address, std::uint16_t port) {
    const auto name = make_socket_address(parse_ip(address), port);
    UniqueFd socket{::socket(name.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    const int on = 1;
    if (name.storage.ss_family == AF_INET6) ::setsockopt(socket.get(), SOL_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
    EXPECT_EQ(::bind(socket.get(), name.generic(), name.size), 0);
    return socket;
  };
  const auto server = bind("127.0.0.1", 0);
  auto socket = bind("::1", 0);
  const auto port = find_bound_port(socket).value();
  ASSERT_TRUE(start("sleep 1000").ok);
  RelayRequest order{.op = "relay_datagrams", .targets = {{0, 0, "127.0.0.1", find_bound_port(server).value()}}};
  EXPECT_FALSE(request(json::to(order)).ok) << "a target without a socket";
  const FdRef sockets[] = {socket};
  EXPECT_TRUE(request(json::to(order), sockets).ok);
  socket.reset();

  send_message(control, {{"op", "relayed"}});
  Message relayed;
  ASSERT_EQ(receive_message(control, relayed, Wait::yes), Receipt::message);
  ASSERT_EQ(relayed.fds.size(), 1U);
  EXPECT_EQ(find_bound_port(relayed.fds.front()), port);
  relayed.fds.clear();

  const auto client = bind("::1", 0);
  const auto there = make_socket_address(parse_ip("::1"), port);
  ASSERT_EQ(::sendto(client.get(), "hello", 5, 0, there.generic(), there.size), 5);
  EXPECT_EQ(read_up_to(server, 5), "hello");
  EXPECT_TRUE(request(json::to(SignalRequest{.signal = SIGKILL})).ok);
  EXPECT_EQ(json::from<ExitStatus>(receive(control)).exit_code, 137);
  EXPECT_EQ(find_bound_port(bind("::1", port)), port) << "it is free before the end is told";
}

TEST_F(MonitorTest, WithoutAnyDaemonTheExitIsInTheFile) {
  ASSERT_TRUE(start("exit 4").ok);
  control.reset();
  wait_for_shim();
  EXPECT_EQ(json::parse<ExitStatus>(read_file(bundle / exit_file)).exit_code, 4);
}

TEST_F(MonitorTest, BadRequestsAreAnsweredAndServedOn) {
  EXPECT_EQ(request({{"op", "attach"}}).kind, "conflict");
  ASSERT_TRUE(start("exec sleep 100").ok);
  EXPECT_EQ(start("true").kind, "conflict");
  EXPECT_EQ(request({{"op", "dance"}}).kind, "unsupported");
  EXPECT_TRUE(request({{"op", "resize"}, {"height", 1}, {"width", 1}}).ok);  // without a terminal: nothing to do
  EXPECT_EQ(request({{"op", "signal"}, {"signal", "TERM"}}).kind, "invalid");
  EXPECT_TRUE(request({{"op", "ping"}}).ok);
}

TEST_F(MonitorTest, SignalsOfTheDaemonsTerminalDoNotEndIt) {
  ASSERT_TRUE(start("exec sleep 100").ok);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGQUIT}) ::kill(shim, signal);
  EXPECT_TRUE(request({{"op", "ping"}}).ok);
}

TEST_F(MonitorTest, WithoutTheReceiverOfItsLogAContainerDoesNotStart) {
  settings.log.driver = "syslog";
  settings.log.receiver.addresses = {{"unix", temporary.path() / "none"}};
  const auto reply = start("touch " + (temporary.path() / "started").native());
  EXPECT_FALSE(reply.ok);
  EXPECT_TRUE(reply.message.starts_with("failed to initialize logging driver: dial unix ")) << reply.message;
  wait_for_shim();
  EXPECT_FALSE(fs::exists(temporary.path() / "started"));
}

TEST_F(MonitorTest, ANonBlockingLogIsCompleteWhenTheExitIsTold) {
  settings.log.non_blocking = true;
  ASSERT_TRUE(start("seq 1 1000").ok);
  EXPECT_EQ(wait_for_exit_event().exit_code, 0);
  EXPECT_TRUE(log().ends_with("\n999\n1000\n"));
}

TEST_F(MonitorTest, AMissingBundleIsAnErrorThatNamesIt) {
  const auto reply = request(json::to(StartRequest{.bundle = temporary.path() / "none", .socket_dir = socket_dir}));
  EXPECT_FALSE(reply.ok);
  EXPECT_TRUE(reply.message.contains("none/berth.json")) << reply.message;
  wait_for_shim();
}

}  // namespace
}  // namespace berth::shim

#include "shim/monitor/execs.hpp"

#include <arpa/inet.h>

#include "base/fd_passing.hpp"
#include "monitor_fixture.hpp"

namespace berth::shim {
namespace {

class ExecsTest : public MonitorTest {
 protected:
  /// Starts a shell command beside process 1, which waits until it is killed.
  [[nodiscard]] Reply exec(ExecRequest order, std::string command, std::vector<FdRef> connections = {}) const {
    ExecSettings program;
    program.process.args = {std::move(command)};
    program.info = {{"answer", 42}};
    const auto file = make_memory_file("exec", json::write(program));
    std::vector<FdRef> fds{file};
    fds.insert(fds.end(), connections.begin(), connections.end());
    return request(json::to(order), fds);
  }

  [[nodiscard]] ExecExit wait_for_exec_exit() const {
    const auto event = receive(control);
    EXPECT_EQ(text_member(event, "event"), "exec_exit");
    return json::from<ExecExit>(event);
  }

  void SetUp() override { ASSERT_TRUE(start("exec sleep 1000").ok); }
};

TEST_F(ExecsTest, AClientGetsTheOutputAndTheExitCodeIsToldBeforeItsStreamEnds) {
  auto client = make_socket_pair(SOCK_STREAM);
  const auto reply =
      exec({.id = "e1", .stdout_ = true, .stderr_ = true, .attach = {both}}, "printf out; exit 3", {client.second});
  ASSERT_TRUE(reply.ok) << reply.message;
  EXPECT_GT(reply.pid, 0);
  client.second.reset();
  using std::string_literals::operator""s;
  EXPECT_EQ(read_to_end(client.first, 1000), "\1\0\0\0\0\0\0\3out"s);
  const auto ended = wait_for_exec_exit();
  EXPECT_EQ(ended.id, "e1");
  EXPECT_EQ(ended.exit_code, 3);
}

TEST_F(ExecsTest, TheEndOfTheClientsInputEndsTheInput) {
  auto client = make_socket_pair(SOCK_STREAM);
  ASSERT_TRUE(exec({.id = "e1", .stdin_ = true, .stdout_ = true, .attach = {all_raw}}, "cat", {client.second}).ok);
  client.second.reset();
  write_all(client.first, "typed");
  ::shutdown(client.first.get(), SHUT_WR);
  EXPECT_EQ(read_to_end(client.first, 100), "typed");
  EXPECT_EQ(wait_for_exec_exit().exit_code, 0);
}

TEST_F(ExecsTest, AProgramThatIsMissingCarriesItsExitCode) {
  const auto reply = exec({.id = "e1"}, "missing");
  EXPECT_FALSE(reply.ok);
  EXPECT_EQ(reply.exit_code, 127);
  EXPECT_TRUE(request({{"op", "ping"}}).ok);
}

TEST_F(ExecsTest, OutputIsCapturedUpToItsLimit) {
  ASSERT_TRUE(exec({.id = "e1", .capture = 5}, "printf 123456789; exit 1").ok);
  const auto ended = wait_for_exec_exit();
  EXPECT_EQ(from_base64(ended.output), "12345");
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_FALSE(ended.timed_out);
}

TEST_F(ExecsTest, OneThatTakesTooLongIsKilled) {
  ASSERT_TRUE(exec({.id = "e1", .timeout_ms = 20}, "exec sleep 1000").ok);
  const auto ended = wait_for_exec_exit();
  EXPECT_TRUE(ended.timed_out);
  EXPECT_EQ(ended.exit_code, 137);
}

TEST_F(ExecsTest, AProbeOfTheNetworkTellsWhatItFound) {
  const UniqueFd listener{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
  socklen_t size = sizeof address;
  auto* plain = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(::bind(listener.get(), plain, size), 0);
  ASSERT_EQ(::getsockname(listener.get(), plain, &size), 0);
  const auto probe = [&](const std::string& id, const std::string& what) {
    ExecSettings asked;
    asked.network_probe = {{"127.0.0.1"}, ntohs(address.sin_port), what};
    const auto file = make_memory_file("exec", json::write(asked));
    const FdRef fds[] = {file};
    EXPECT_TRUE(request(json::to(ExecRequest{.id = id, .timeout_ms = 5000, .capture = 100}), fds).ok);
  };
  probe("nobody", "");
  const auto refused = wait_for_exec_exit();
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_EQ(from_base64(refused.output),
            fmt::format("connect to 127.0.0.1:{}: connection refused", ntohs(address.sin_port)));
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  probe("http", "GET / HTTP/1.1\r\n\r\n");
  const UniqueFd connection{::accept(listener.get(), nullptr, nullptr)};
  EXPECT_EQ(read_up_to(connection, 18), "GET / HTTP/1.1\r\n\r\n");
  write_all(connection, "HTTP/1.1 204 No Con");
  write_all(connection, "tent\r\n\r\n");
  const auto good = wait_for_exec_exit();
  EXPECT_EQ(good.exit_code, 0);
  EXPECT_EQ(from_base64(good.output), "HTTP 204 No Content");
}

TEST_F(ExecsTest, OneOfWhichTheOutputWasToldIsForgotten) {
  ASSERT_TRUE(exec({.id = "probe", .capture = 5}, "exit 1").ok);
  EXPECT_EQ(wait_for_exec_exit().id, "probe");
  EXPECT_TRUE(request(json::to(ExecsRequest{})).execs.empty());
}

TEST_F(ExecsTest, ADaemonThatComesBackFindsWhatRunsAndWhatHasEnded) {
  ASSERT_TRUE(exec({.id = "ended"}, "exit 4").ok);
  EXPECT_EQ(wait_for_exec_exit().exit_code, 4);
  const auto running = exec({.id = "running"}, "exec sleep 1000");
  control.reset();
  control = connect_at(socket_dir);
  receive(control);  // the state
  send_message(control, json::to(ExecsRequest{}));
  Message message;
  ASSERT_EQ(receive_message(control, message, Wait::yes), Receipt::message);
  const auto execs = json::from<Reply>(message.body).execs;
  ASSERT_EQ(execs.size(), 2U);
  ASSERT_EQ(message.fds.size(), 2U);
  EXPECT_EQ(execs[0].id, "ended");
  EXPECT_EQ(execs[0].exit_code, 4);
  EXPECT_FALSE(execs[0].running);
  EXPECT_EQ(execs[1].id, "running");
  EXPECT_EQ(execs[1].pid, running.pid);
  EXPECT_TRUE(execs[1].running);
  EXPECT_EQ(json::parse<ExecSettings>(read_file(fd_path(message.fds[1]))).info.at("answer"), 42);
}

TEST_F(ExecsTest, ManyAreListedInPages) {
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(exec({.id = std::to_string(i)}, "exec sleep 1000").ok);
  EXPECT_EQ(request(json::to(ExecsRequest{})).execs.size(), max_passed_fds);
  const auto rest = request(json::to(ExecsRequest{.from = max_passed_fds})).execs;
  ASSERT_EQ(rest.size(), 20 - max_passed_fds);
  EXPECT_EQ(rest.back().id, "19");
}

TEST_F(ExecsTest, TheyEndWithTheContainer) {
  ASSERT_TRUE(exec({.id = "e1"}, "exec sleep 1000").ok);
  ASSERT_TRUE(request({{"op", "signal"}, {"signal", SIGKILL}}).ok);
  EXPECT_EQ(wait_for_exec_exit().exit_code, 137);
  EXPECT_EQ(wait_for_exit_event().exit_code, 137);
  control.reset();
  wait_for_shim();
}

TEST_F(ExecsTest, WhatHasEndedCannotBeResizedOrSignalled) {
  EXPECT_EQ(request(json::to(ExecControl{.op = "exec_resize", .id = "none"})).kind, "not found");
  EXPECT_EQ(request(json::to(ExecControl{.op = "exec_signal", .id = "none", .signal = 9})).kind, "not found");
}

}  // namespace
}  // namespace berth::shim

// The monitor as a process of its own, with a runtime that only forks: containers are shell commands on the host.
#include "shim/monitor/monitor.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/spawn.hpp"
#include "base/strings.hpp"

namespace berth::shim {
namespace {

[[noreturn]] void run_program(const runtime::CreateRequest& request) {
  const auto use = [](FdRef fd, int number) { ::dup2(fd ? fd.get() : ::open("/dev/null", O_RDWR), number); };
  use(request.stdin_fd, 0);
  use(request.stdout_fd, 1);
  use(request.stderr_fd, 2);
  ::close_range(3, ~0U, 0);
  ::execl("/bin/sh", "sh", "-c", request.spec.process->args.at(0).c_str(), nullptr);
  ::_exit(127);
}

runtime::Init fake_create(const runtime::CreateRequest& request) {
  if (request.spec.process->args.at(0) == "missing") {
    throw runtime::ExecError{runtime::StartFailure::not_found, Error{Kind::invalid, "exec: \"missing\": not found"}};
  }
  runtime::Init init;
  int console = -1;
  init.pid = request.spec.process->terminal ? ::forkpty(&console, nullptr, nullptr, nullptr) : ::fork();
  if (init.pid == 0 && request.spec.process->terminal) {
    ::execl("/bin/sh", "sh", "-c", request.spec.process->args.at(0).c_str(), nullptr);
  }
  if (init.pid == 0) run_program(request);
  init.console = UniqueFd{console};
  if (init.console) set_cloexec(init.console, true);
  return init;
}

bool fake_destroy(const std::string& /*cgroup*/) noexcept {
  return true;
}
bool fake_oom(const std::string& /*cgroup*/) noexcept {
  return false;
}
void fake_warm_up() {}
UniqueFd fake_network() {
  return UniqueFd{};
}

/// A monitor in a child process, and what a daemon does with it.
class MonitorTest : public testing::Test {
 protected:
  MonitorTest() {
    settings.id = "c1";
    settings.log.path = bundle / "c1-json.log";
    fs::create_directory(bundle);
    auto sockets = make_socket_pair(SOCK_SEQPACKET);
    shim = ::fork();
    if (shim == 0) {
      sockets.first.reset();
      prepare_process();
      Monitor{std::move(sockets.second), {fake_create, fake_destroy, fake_oom, fake_warm_up, fake_network}}.run();
      ::_exit(0);
    }
    control = std::move(sockets.first);
  }
  ~MonitorTest() override {
    if (shim <= 0) return;
    ::kill(shim, SIGKILL);
    ::waitpid(shim, nullptr, 0);
  }

  void wait_for_shim() {
    EXPECT_EQ(wait_for_exit(shim), 0);
    shim = -1;
  }

  static json::Value receive(FdRef socket) {
    Message message;
    if (receive_message(socket, message, Wait::yes) != Receipt::message)
      throw Error{Kind::unavailable, "shim has gone"};
    return message.body;
  }

  [[nodiscard]] Reply request(const json::Value& body, std::span<const FdRef> fds = {}) const {
    send_message(control, body, fds);
    return json::from<Reply>(receive(control));
  }

  [[nodiscard]] Reply start(std::string command, std::vector<Attach> attach = {}, std::vector<FdRef> fds = {}) const {
    oci::runtime::Spec spec;
    spec.process.emplace().args = {std::move(command)};
    spec.process->terminal = settings.tty;
    write_file(bundle / config_file, json::write(spec));
    write_file(bundle / settings_file, json::write(settings));
    return request(json::to(StartRequest{.bundle = bundle, .socket_dir = socket_dir, .attach = std::move(attach)}),
                   fds);
  }

  [[nodiscard]] ExitStatus wait_for_exit_event() const {
    const auto event = receive(control);
    EXPECT_EQ(text_member(event, "event"), "exit");
    return json::from<ExitStatus>(event);
  }

  [[nodiscard]] std::string log() const {
    std::string text;
    for (const auto& line : split(read_file(settings.log.path), '\n')) {
      if (!line.empty()) text += text_member(json::parse(line), "log");
    }
    return text;
  }

  static std::string read_up_to(FdRef fd, std::size_t size) {
    std::string text(size, '\0');
    std::size_t used = 0;
    while (used < size) {
      const auto count = read_some(fd, {text.data() + used, size - used});
      if (count == 0) break;
      used += count;
    }
    text.resize(used);
    return text;
  }

  TempDir temporary{"/tmp", "shim"};
  fs::path bundle = temporary.path() / "bundle";
  fs::path socket_dir = temporary.path() / "run" / "c1";
  BundleSettings settings;
  UniqueFd control;
  pid_t shim = -1;
};

const Attach both{.stdin_ = false, .stdout_ = true, .stderr_ = true};
const Attach all_raw{.stdin_ = true, .stdout_ = true, .stderr_ = true, .multiplexed = false};

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
  EXPECT_EQ(request({{"op", "resize"}, {"height", 1}, {"width", 1}}).kind, "conflict");
  EXPECT_EQ(request({{"op", "signal"}, {"signal", "TERM"}}).kind, "invalid");
  EXPECT_TRUE(request({{"op", "ping"}}).ok);
}

TEST_F(MonitorTest, SignalsOfTheDaemonsTerminalDoNotEndIt) {
  ASSERT_TRUE(start("exec sleep 100").ok);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGQUIT}) ::kill(shim, signal);
  EXPECT_TRUE(request({{"op", "ping"}}).ok);
}

TEST_F(MonitorTest, AMissingBundleIsAnErrorThatNamesIt) {
  const auto reply = request(json::to(StartRequest{.bundle = temporary.path() / "none", .socket_dir = socket_dir}));
  EXPECT_FALSE(reply.ok);
  EXPECT_TRUE(reply.message.contains("none/berth.json")) << reply.message;
  wait_for_shim();
}

}  // namespace
}  // namespace berth::shim

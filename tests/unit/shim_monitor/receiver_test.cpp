#include "shim/monitor/receiver.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/file.hpp"
#include "shim/monitor/log_fluentd.hpp"

namespace berth::shim {
namespace {

using namespace std::chrono_literals;

class ReceiverTest : public testing::Test {
 protected:
  ReceiverTest() {
    settings.driver = "syslog";
    settings.receiver.tag = "t";
    settings.receiver.addresses = {{"unix", path}};
    settings.receiver.retry_wait_ms = 1;
  }

  [[nodiscard]] UniqueFd listen(int type = SOCK_STREAM) const {
    UniqueFd listener{::socket(AF_UNIX, type | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, path.size());
    fs::remove(path);
    EXPECT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    if (type == SOCK_STREAM) ::listen(listener.get(), 8);
    return listener;
  }
  static UniqueFd accept(const UniqueFd& listener) { return UniqueFd{::accept4(listener.get(), nullptr, nullptr, 0)}; }

  Receiver& connected() {
    receiver.emplace(loop, settings, [this](const std::string& message) { warnings.push_back(message); });
    receiver->connect();
    return *receiver;
  }
  void send(const std::string& text) {
    receiver->add({.text = text, .time = now()});
    receiver->flush();
  }
  /// Lets the receiver do what it can, until it waits for something else than `wait`.
  void work(std::chrono::milliseconds wait = 0ms) {
    for (int turn = 0; turn < 1000; ++turn) {
      const auto timeout = std::min(receiver->timeout().value_or(wait), wait);
      const bool something = loop.run_once(timeout);
      receiver->step();
      if (!something && timeout == wait) return;
    }
  }
  static std::string receive(const UniqueFd& socket) {
    std::string text(1 << 20, '\0');
    const auto count = ::recv(socket.get(), text.data(), text.size(), MSG_DONTWAIT);
    text.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
    return text;
  }

  TempDir temporary{"/tmp", "receiver"};
  std::string path = temporary.path() / "socket";
  LogSettings settings;
  Loop loop;
  std::vector<std::string> warnings;
  std::optional<Receiver> receiver;
};

TEST_F(ReceiverTest, SendsMessagesAsAStream) {
  const auto listener = listen();
  connected();
  const auto peer = accept(listener);
  send("one");
  send("two");
  const auto text = receive(peer);
  EXPECT_TRUE(text.contains(": one\n<30>"));
  EXPECT_TRUE(text.ends_with(": two\n"));
  EXPECT_TRUE(receiver->is_done());
}

TEST_F(ReceiverTest, SendsEachMessageAsOnePacket) {
  settings.receiver.addresses = {{"unixgram", path}};
  const auto socket = listen(SOCK_DGRAM);
  connected();
  send("one");
  send("two");
  EXPECT_TRUE(receive(socket).ends_with(": one\n"));
  EXPECT_TRUE(receive(socket).ends_with(": two\n"));
}

TEST_F(ReceiverTest, AStartFailsInDockersWordsIfNobodyListens) {
  try {
    connected();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.message(),
              "failed to initialize logging driver: dial unix " + path + ": connect: no such file or directory");
  }
  settings.driver = "journald";
  EXPECT_THROW(connected(), Error);
}

TEST_F(ReceiverTest, TakesTheFirstAddressThatAnswers) {
  settings.receiver.addresses = {{"unixgram", path + "-none"}, {"unix", path}};
  const auto listener = listen();
  connected();
  const auto peer = accept(listener);
  send("one");
  EXPECT_TRUE(receive(peer).ends_with(": one\n"));
}

TEST_F(ReceiverTest, ASlowReceiverBlocksUntilItReads) {
  settings.receiver.buffer_limit = 1000;
  const auto listener = listen();
  connected();
  const auto peer = accept(listener);
  int count = 0;
  for (; !receiver->is_blocked() && count < 10000; ++count) send(std::string(1000, 'x'));
  EXPECT_LT(count, 10000);
  EXPECT_FALSE(receiver->is_done());
  std::size_t received = 0;
  for (int turn = 0; turn < 10000 && !receiver->is_done(); ++turn) {
    received += receive(peer).size();
    work();
  }
  received += receive(peer).size();
  EXPECT_FALSE(receiver->is_blocked());
  EXPECT_GE(received, 1000U * static_cast<unsigned>(count));
  EXPECT_TRUE(warnings.empty());
}

TEST_F(ReceiverTest, WithoutBlockingTheNewestAreDroppedAndTheRestArrives) {
  settings.non_blocking = true;
  settings.max_buffer_size = 5000;
  const auto listener = listen();
  connected();
  const auto peer = accept(listener);
  for (int count = 0; count < 1000; ++count) {
    send(std::to_string(count) + std::string(1000, 'x'));
    EXPECT_FALSE(receiver->is_blocked());
  }
  std::string text;
  for (int turn = 0; turn < 10000 && !receiver->is_done(); ++turn) {
    text += receive(peer);
    work();
  }
  text += receive(peer);
  EXPECT_TRUE(text.contains(": 0x"));
  EXPECT_FALSE(text.contains(": 999x"));
  receiver->finish();
  EXPECT_EQ(warnings.size(), 2U);
}

TEST_F(ReceiverTest, AReceiverThatComesBackGetsWhatWasWrittenMeanwhile) {
  auto listener = listen();
  connected();
  accept(listener).reset();
  listener.reset();
  fs::remove(path);
  work(2ms);
  send("one");
  EXPECT_FALSE(receiver->is_done());
  listener = listen();
  for (int turn = 0; turn < 100 && !receiver->is_done(); ++turn) work(20ms);
  EXPECT_TRUE(receive(accept(listener)).ends_with(": one\n"));
  EXPECT_EQ(warnings.size(), 1U);
}

TEST_F(ReceiverTest, AMessageIsSentAgainFromItsBeginningIfItsConnectionBroke) {
  settings.receiver.buffer_limit = 100;
  auto listener = listen();
  connected();
  auto peer = accept(listener);
  while (!receiver->is_blocked()) send(std::string(10000, 'x'));
  peer.reset();
  work();
  peer = accept(listener);
  std::string text;
  for (int turn = 0; turn < 1000 && !receiver->is_done(); ++turn) {
    work();
    text += receive(peer);
  }
  text += receive(peer);
  EXPECT_TRUE(text.starts_with("<30>"));
}

TEST_F(ReceiverTest, OnlyFluentdsContainerWaitsForAReceiverThatIsAway) {
  for (const auto* driver : {"syslog", "fluentd"}) {
    settings.driver = driver;
    settings.receiver.buffer_limit = 1000;
    auto listener = listen();
    connected();
    accept(listener).reset();
    listener.reset();
    fs::remove(path);
    work();
    for (int count = 0; count < 3; ++count) send(std::string(1000, 'x'));
    EXPECT_EQ(receiver->is_blocked(), settings.driver == "fluentd");
  }
}

TEST_F(ReceiverTest, AtTheEndAReceiverThatIsAwayIsTriedOnceMore) {
  auto listener = listen();
  connected();
  accept(listener).reset();
  listener.reset();
  fs::remove(path);
  work();
  send("one");
  receiver->finish();
  EXPECT_FALSE(receiver->is_done());
  work();
  EXPECT_TRUE(receiver->is_done());
}

TEST_F(ReceiverTest, FluentdsNextMessageWaitsForTheAcknowledgement) {
  settings.driver = "fluentd";
  settings.receiver.request_ack = true;
  const auto listener = listen();
  connected();
  const auto peer = accept(listener);
  send("one");
  send("two");
  auto message = receive(peer);
  EXPECT_FALSE(message.contains("two"));
  const auto answer =
      "\x81\xa3"
      "ack\xb8" +
      FluentdEncoder::acknowledgement(message);
  ::send(peer.get(), answer.data(), answer.size(), 0);
  work();
  message = receive(peer);
  EXPECT_TRUE(message.contains("two"));
  EXPECT_FALSE(receiver->is_done());
}

TEST_F(ReceiverTest, FluentdGetsAMessageAgainThatItDidNotAcknowledge) {
  settings.driver = "fluentd";
  settings.receiver.request_ack = true;
  const auto listener = listen();
  connected();
  auto peer = accept(listener);
  send("one");
  const auto message = receive(peer);
  peer.reset();
  work();
  EXPECT_EQ(receive(accept(listener)), message);
}

TEST_F(ReceiverTest, AnAsynchronousStartWaitsForNobody) {
  settings.driver = "fluentd";
  settings.receiver.async = true;
  connected();
  send("one");
  const auto listener = listen();
  for (int turn = 0; turn < 100 && !receiver->is_done(); ++turn) work(20ms);
  EXPECT_TRUE(receive(accept(listener)).contains("one"));
}

TEST_F(ReceiverTest, TheJournalGetsAMessageThatIsTooLongAsAFile) {
  settings.driver = "journald";
  settings.receiver.addresses = {{"unixgram", path}};
  settings.receiver.fields = {{"LABEL", std::string(1 << 20, 'l')}};
  const auto socket = listen(SOCK_DGRAM);
  connected();
  send("one");
  msghdr header{};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  ASSERT_EQ(::recvmsg(socket.get(), &header, MSG_DONTWAIT), 0);
  int file = -1;
  std::memcpy(&file, CMSG_DATA(CMSG_FIRSTHDR(&header)), sizeof file);
  const UniqueFd owned{file};
  EXPECT_TRUE(read_file(fd_path(owned)).starts_with("PRIORITY=6\nMESSAGE=one\nLABEL=lll"));
}

}  // namespace
}  // namespace berth::shim

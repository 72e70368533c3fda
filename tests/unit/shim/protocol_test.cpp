#include "shim/protocol.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shim/bundle.hpp"

namespace berth::shim {
namespace {

TEST(Protocol, AMessageArrivesWithItsDescriptors) {
  const auto sockets = make_socket_pair(SOCK_SEQPACKET);
  auto pipe = make_pipe();
  const FdRef fds[] = {pipe.write_end};
  send_message(sockets.first, {{"op", "ping"}}, fds);
  pipe.write_end.reset();

  Message message;
  ASSERT_EQ(receive_message(sockets.second, message, Wait::yes), Receipt::message);
  EXPECT_EQ(text_member(message.body, "op"), "ping");
  ASSERT_EQ(message.fds.size(), 1U);
  write_all(message.fds.front(), "x");
  char byte = 0;
  EXPECT_EQ(read_some(pipe.read_end, {&byte, 1}), 1U);
}

TEST(Protocol, NothingAndTheEndAreToldApart) {
  auto sockets = make_socket_pair(SOCK_SEQPACKET);
  Message message;
  EXPECT_EQ(receive_message(sockets.second, message, Wait::no), Receipt::nothing);
  sockets.first.reset();
  EXPECT_EQ(receive_message(sockets.second, message, Wait::no), Receipt::closed);
}

TEST(Protocol, AMessageBeyondTheLimitIsNotSent) {
  const auto sockets = make_socket_pair(SOCK_SEQPACKET);
  const std::string big(max_message_size, 'x');
  EXPECT_THROW(send_message(sockets.first, {{"op", big}}), Error);
}

TEST(Protocol, APacketBeyondTheLimitIsRefusedAndTheNextOneIsRead) {
  const auto sockets = make_socket_pair(SOCK_SEQPACKET);
  const std::string big(max_message_size + 1, ' ');
  ASSERT_EQ(::send(sockets.first.get(), big.data(), big.size(), 0), static_cast<ssize_t>(big.size()));
  send_message(sockets.first, {{"op", "ping"}});
  Message message;
  EXPECT_THROW(receive_message(sockets.second, message, Wait::yes), Error);
  EXPECT_EQ(receive_message(sockets.second, message, Wait::yes), Receipt::message);
}

TEST(Protocol, APacketThatIsNoObjectIsRefused) {
  const auto sockets = make_socket_pair(SOCK_SEQPACKET);
  ASSERT_EQ(::send(sockets.first.get(), "[1]", 3, 0), 3);
  Message message;
  EXPECT_THROW(receive_message(sockets.second, message, Wait::yes), Error);
}

TEST(Protocol, SendingToAPeerThatHasGoneIsUnavailable) {
  auto sockets = make_socket_pair(SOCK_SEQPACKET);
  sockets.second.reset();
  try {
    send_message(sockets.first, {{"op", "ping"}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::unavailable);
  }
}

TEST(Protocol, ASocketIsFoundInADirectoryWhosePathIsLongerThanAnAddress) {
  const TempDir temporary{"/tmp", "shim"};
  const auto deep = temporary.path() / std::string(100, 'a') / std::string(100, 'b');
  make_directories(deep, 0700);
  const auto listener = listen_at(open_directory(deep));
  EXPECT_TRUE(connect_at(deep));
}

TEST(Protocol, ASocketThatNobodyServesIsReplacedAndNotConnectedTo) {
  const TempDir temporary{"/tmp", "shim"};
  listen_at(open_directory(temporary.path())).reset();
  EXPECT_FALSE(connect_at(temporary.path()));
  const auto listener = listen_at(open_directory(temporary.path()));
  EXPECT_TRUE(connect_at(temporary.path()));
  EXPECT_FALSE(connect_at(temporary.path() / "absent"));
}

TEST(Protocol, AnErrorKeepsItsKindErrnoAndTextOnTheWay) {
  const auto error = error_of(json::from<Reply>(json::to(failure_reply(Error(Kind::conflict, EBUSY, "it is busy")))));
  EXPECT_EQ(error.kind(), Kind::conflict);
  EXPECT_EQ(error.errno_value(), EBUSY);
  EXPECT_EQ(error.message(), "it is busy");
}

}  // namespace
}  // namespace berth::shim

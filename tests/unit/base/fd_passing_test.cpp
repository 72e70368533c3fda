#include "base/fd_passing.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>

#include "base/error.hpp"

namespace berth {
namespace {

/// The inode tells which pipe a descriptor is of, whatever its number.
ino_t inode(FdRef fd) {
  struct stat status {};
  EXPECT_EQ(::fstat(fd.get(), &status), 0);
  return status.st_ino;
}

std::vector<UniqueFd> sent_and_received(std::span<const FdRef> fds) {
  const auto pair = make_socket_pair(SOCK_STREAM);
  std::string text = "x";
  iovec part{text.data(), text.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  PassedFds sent;
  sent.attach(message, fds);
  EXPECT_EQ(::sendmsg(pair.first.get(), &message, MSG_NOSIGNAL), 1);

  msghdr received{};
  received.msg_iov = &part;
  received.msg_iovlen = 1;
  PassedFds room;
  room.receive_with(received);
  EXPECT_EQ(::recvmsg(pair.second.get(), &received, MSG_CMSG_CLOEXEC), 1);
  return PassedFds::take(received);
}

TEST(PassedFds, ArriveInTheOrderInWhichTheyWereSent) {
  const auto first = make_pipe();
  const auto second = make_pipe();
  const std::vector<FdRef> fds{first.read_end, second.read_end, first.write_end};

  const auto arrived = sent_and_received(fds);

  ASSERT_EQ(arrived.size(), 3U);
  EXPECT_EQ(inode(arrived[0]), inode(first.read_end));
  EXPECT_EQ(inode(arrived[1]), inode(second.read_end));
  EXPECT_EQ(inode(arrived[2]), inode(first.write_end));
}

TEST(PassedFds, AMessageWithoutDescriptorsBringsNone) {
  EXPECT_TRUE(sent_and_received({}).empty());
}

TEST(PassedFds, AsManyAsTheBoundArrive) {
  const auto pipe = make_pipe();
  const std::vector<FdRef> fds(max_passed_fds, pipe.read_end);
  EXPECT_EQ(sent_and_received(fds).size(), max_passed_fds);
}

}  // namespace
}  // namespace berth

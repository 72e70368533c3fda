#include "linux/connect_redirect.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <optional>
#include <thread>

#include "../support/own_network.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/strings.hpp"
#include "linux/cgroup.hpp"

namespace berth::kernel {
namespace {

/// A cgroup of version 2 below the test's own, with the test in it.
class OwnCgroup {
 public:
  OwnCgroup() {
    for (const auto& line : split(read_file("/proc/self/cgroup"), '\n')) {
      if (line.starts_with("0::")) before_ = cgroup_layout().version2_mount + line.substr(3);
    }
    path_ = fmt::format("{}/berth-unit-{}", before_, ::getpid());
    if (::mkdir(path_.c_str(), 0755) < 0) throw Error::from_errno(errno, "make {}", path_);
    write_file(path_ + "/cgroup.procs", "0");
  }
  ~OwnCgroup() {
    write_file(before_ + "/cgroup.procs", "0");
    ::rmdir(path_.c_str());
  }
  OwnCgroup(const OwnCgroup&) = delete;
  OwnCgroup& operator=(const OwnCgroup&) = delete;

  [[nodiscard]] UniqueFd directory() const { return open_file(path_, O_RDONLY | O_DIRECTORY); }

 private:
  std::string before_, path_;
};

sockaddr_in address_of(const std::string& address, std::uint16_t port) {
  sockaddr_in made{};
  made.sin_family = AF_INET;
  made.sin_port = htons(port);
  ::inet_pton(AF_INET, address.c_str(), &made.sin_addr);
  return made;
}

std::string text_of(const sockaddr_in& address) {
  return fmt::format("{}:{}", to_string(IpAddress::v4(ntohl(address.sin_addr.s_addr))), ntohs(address.sin_port));
}

using Ask = int (*)(int, sockaddr*, socklen_t*);
std::string name_of(const UniqueFd& socket, Ask ask) {
  sockaddr_in name{};
  socklen_t size = sizeof name;
  return ask(socket.get(), reinterpret_cast<sockaddr*>(&name), &size) < 0 ? "" : text_of(name);
}

UniqueFd listen(const std::string& address, std::uint16_t port) {
  UniqueFd socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  auto own = address_of(address, port);
  if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&own), sizeof own) < 0 || ::listen(socket.get(), 8) < 0) {
    throw Error::from_errno(errno, "listen on {}", port);
  }
  return socket;
}

UniqueFd open_client(int type = SOCK_STREAM) {
  return UniqueFd{::socket(AF_INET, type | SOCK_CLOEXEC, 0)};
}

int connect(const UniqueFd& socket, const std::string& address, std::uint16_t port) {
  auto to = address_of(address, port);
  return ::connect(socket.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) == 0 ? 0 : errno;
}

/// A network of its own in which 127.0.0.9 stands for a container.
class ConnectRedirectTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to load programs";
    if (cgroup_layout().version2_mount.empty()) GTEST_SKIP() << "needs a cgroup hierarchy of version 2";
    network_.emplace();
    cgroup_.emplace();
    redirect_.emplace(cgroup_->directory());
    redirect_->set({8080, 16}, {parse_ip("127.0.0.9"), 8080, 80});
  }

  std::optional<OwnNetwork> network_;
  std::optional<OwnCgroup> cgroup_;
  std::optional<ConnectRedirect> redirect_;
};

TEST_F(ConnectRedirectTest, APortOfLoopbackIsAPortOfTheTarget) {
  const auto server = listen("127.0.0.9", 80);
  const auto client = open_client();
  ASSERT_EQ(connect(client, "127.0.0.1", 8080), 0);
  const UniqueFd accepted{::accept4(server.get(), nullptr, nullptr, SOCK_CLOEXEC)};
  EXPECT_EQ(name_of(accepted, ::getsockname), "127.0.0.9:80");
}

TEST_F(ConnectRedirectTest, TheSocketsNamesAreWhatItsProgramMeant) {
  const auto server = listen("127.0.0.9", 80);
  const auto client = open_client();
  ASSERT_EQ(connect(client, "127.0.0.1", 8080), 0);
  EXPECT_EQ(name_of(client, ::getpeername), "127.0.0.1:8080");
  EXPECT_TRUE(name_of(client, ::getsockname).starts_with("127.0.0.1:"));
}

TEST_F(ConnectRedirectTest, ASocketThatWentElsewhereAfterAFailureHasItsOwnNames) {
  const auto server = listen("127.0.0.8", 8080);
  const auto client = open_client();
  ASSERT_EQ(connect(client, "127.0.0.1", 8080), ECONNREFUSED);
  ASSERT_EQ(connect(client, "127.0.0.8", 8080), 0);
  EXPECT_EQ(name_of(client, ::getpeername), "127.0.0.8:8080");
}

TEST_F(ConnectRedirectTest, PortsOfAPrefixLeadToAsManyPorts) {
  redirect_->set({9216, 10}, {parse_ip("127.0.0.9"), 9200, 100});
  const auto first = listen("127.0.0.9", 116), last = listen("127.0.0.9", 179);
  EXPECT_EQ(connect(open_client(), "127.0.0.1", 9216), 0);
  EXPECT_EQ(connect(open_client(), "127.0.0.1", 9279), 0);
  EXPECT_EQ(connect(open_client(), "127.0.0.1", 9280), ECONNREFUSED);
}

TEST_F(ConnectRedirectTest, OtherAddressesPortsAndProtocolsAreLeftAlone) {
  const auto server = listen("127.0.0.9", 80), of_other_address = listen("127.0.0.2", 8080),
             of_other_port = listen("127.0.0.1", 8081);
  EXPECT_EQ(connect(open_client(), "127.0.0.1", 8081), 0);
  EXPECT_EQ(connect(open_client(), "127.0.0.2", 8080), 0);
  const auto datagrams = open_client(SOCK_DGRAM);
  EXPECT_EQ(connect(datagrams, "127.0.0.1", 8080), 0);
  EXPECT_EQ(name_of(datagrams, ::getpeername), "127.0.0.1:8080");
}

TEST_F(ConnectRedirectTest, ASocketThatIsBoundToAnAddressOrALinkIsLeftAlone) {
  const auto server = listen("127.0.0.9", 80);
  const auto to_address = open_client(), to_link = open_client(), to_port = open_client();
  auto own = address_of("127.0.0.1", 0);
  ASSERT_EQ(::bind(to_address.get(), reinterpret_cast<sockaddr*>(&own), sizeof own), 0);
  EXPECT_EQ(connect(to_address, "127.0.0.1", 8080), ECONNREFUSED);
  ASSERT_EQ(::setsockopt(to_link.get(), SOL_SOCKET, SO_BINDTODEVICE, "lo", 3), 0);
  EXPECT_EQ(connect(to_link, "127.0.0.1", 8080), ECONNREFUSED);
  own = address_of("0.0.0.0", 4321);
  ASSERT_EQ(::bind(to_port.get(), reinterpret_cast<sockaddr*>(&own), sizeof own), 0);
  EXPECT_EQ(connect(to_port, "127.0.0.1", 8080), 0);
}

TEST_F(ConnectRedirectTest, AnotherNetworkNamespaceIsLeftAlone) {
  const auto server = listen("127.0.0.9", 80);
  std::jthread{[] {
    const OwnNetwork other;
    const auto of_other = listen("127.0.0.9", 80);
    EXPECT_EQ(connect(open_client(), "127.0.0.1", 8080), ECONNREFUSED);
  }}.join();
}

TEST_F(ConnectRedirectTest, WhatIsRemovedIsRefusedAndWhatIsConnectedStays) {
  const auto server = listen("127.0.0.9", 80);
  const auto client = open_client();
  ASSERT_EQ(connect(client, "127.0.0.1", 8080), 0);
  redirect_->remove({8080, 16});
  redirect_->remove({8080, 16});
  EXPECT_EQ(connect(open_client(), "127.0.0.1", 8080), ECONNREFUSED);
  EXPECT_EQ(name_of(client, ::getpeername), "127.0.0.1:8080");
}

TEST_F(ConnectRedirectTest, NothingIsLeftOfIt) {
  const auto server = listen("127.0.0.9", 80);
  redirect_.reset();
  EXPECT_EQ(connect(open_client(), "127.0.0.1", 8080), ECONNREFUSED);
}

}  // namespace
}  // namespace berth::kernel

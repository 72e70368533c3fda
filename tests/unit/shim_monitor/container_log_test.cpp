#include "shim/monitor/container_log.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/file.hpp"

namespace berth::shim {
namespace {

class ContainerLogTest : public testing::Test {
 protected:
  ContainerLogTest() { settings.path = temporary.path() / "log"; }

  ~ContainerLogTest() override {
    log.reset();
    while (::waitpid(-1, nullptr, 0) > 0) continue;
  }

  ContainerLog& opened() {
    log.emplace(loop, settings, [this](const std::string& message) { warnings.push_back(message); });
    log->open_file();
    return *log;
  }
  /// Lets a process of the log end, as the monitor does.
  void finish() {
    log->finish();
    while (!log->is_done()) {
      if (loop.run_once(std::chrono::milliseconds{10})) continue;
      if (const auto pid = ::waitpid(-1, nullptr, WNOHANG); pid > 0) log->child_ended(pid);
    }
  }

  TempDir temporary{"/tmp", "log"};
  LogSettings settings;
  Loop loop;
  std::vector<std::string> warnings;
  std::optional<ContainerLog> log;
};

TEST_F(ContainerLogTest, ABlockingFileHasTheLinesAtOnce) {
  opened().write(Stream::out, "one\n", now());
  EXPECT_TRUE(read_file(settings.path).starts_with(R"({"log":"one\n")"));
  EXPECT_TRUE(log->is_done());
}

TEST_F(ContainerLogTest, WithoutAPathNothingIsKept) {
  settings.path.clear();
  opened().write(Stream::out, "one\n", now());
  EXPECT_TRUE(log->is_done());
}

TEST_F(ContainerLogTest, ANonBlockingFileHasAllLinesInTheEndAndIsRotated) {
  settings.non_blocking = true;
  settings.max_size = 10000;
  settings.max_file = 1000;
  opened();
  for (int line = 0; line < 1000; ++line) log->write(Stream::out, std::to_string(line) + "\n", now());
  finish();
  std::string text;
  for (int number = 999; number >= 0; --number) {
    text += find_file(number == 0 ? settings.path : settings.path + "." + std::to_string(number)).value_or("");
  }
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1000);
  EXPECT_LT(text.find(R"("0\n")"), text.find(R"("999\n")"));
  EXPECT_TRUE(fs::exists(settings.path + ".1"));
  EXPECT_TRUE(warnings.empty());
}

/// A fifo that nobody reads is a disk that stalls.
TEST_F(ContainerLogTest, ADiskThatStallsCostsLinesAndHoldsNobody) {
  settings.non_blocking = true;
  settings.max_buffer_size = 100'000;
  ASSERT_EQ(::mkfifo(settings.path.c_str(), 0600), 0);
  const auto reader = open_file(settings.path, O_RDONLY | O_NONBLOCK);
  opened();
  for (int line = 0; line < 20'000; ++line) log->write(Stream::out, std::string(100, 'x') + "\n", now());
  EXPECT_FALSE(log->is_blocked());
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_EQ(warnings.front(), "1 log messages are lost: the buffer is full of lines for the disk");
}

}  // namespace
}  // namespace berth::shim

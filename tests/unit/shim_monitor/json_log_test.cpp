#include "shim/monitor/json_log.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include "base/file.hpp"
#include "shim/monitor/log_lines.hpp"

namespace berth::shim {
namespace {

std::string escaped(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

/// A file that output goes to, as in a ContainerLog.
class FileLog {
 public:
  explicit FileLog(const LogSettings& settings) : log_(settings) {}

  void write(Stream stream, std::string_view bytes, Time time) {
    lines_.write(stream, bytes, time, [this](const LogEntry& entry) { log_.add(entry); });
    log_.flush();
  }
  void end(Stream stream, Time time) {
    lines_.end(stream, time, [this](const LogEntry& entry) { log_.add(entry); });
    log_.flush();
  }
  void child_ended(pid_t pid) noexcept { log_.child_ended(pid); }

 private:
  LogLines lines_;
  JsonLog log_;
};

class JsonLogTest : public testing::Test {
 protected:
  JsonLogTest() { settings.path = temporary.path() / "c-json.log"; }

  [[nodiscard]] std::string written(std::string_view suffix = "") const {
    return read_file(settings.path + std::string{suffix});
  }
  [[nodiscard]] bool exists(std::string_view suffix) const { return fs::exists(settings.path + std::string{suffix}); }

  TempDir temporary{"/tmp", "log"};
  LogSettings settings;
  Time time = *parse_rfc3339("2026-11-21T07:51:53.120Z");
};

TEST(JsonString, IsEscapedAsGoDoes) {
  EXPECT_EQ(escaped("a\"\\\n\r\t\x01\x7f"), "\"a\\\"\\\\\\n\\r\\u0009\\u0001\x7f\"");
  EXPECT_EQ(escaped("<&>"), "\"\\u003c\\u0026\\u003e\"");
  EXPECT_EQ(escaped("\xc3\xa4\xff\xe2\x80\xa8\xe2\x82"), "\"\xc3\xa4\\udcff\\u2028\\udce2\\udc82\"");
}

TEST_F(JsonLogTest, ALineIsOneObjectInDockersOrder) {
  FileLog log{settings};
  log.write(Stream::out, "hel", time);
  log.write(Stream::out, "lo\n", time);
  log.write(Stream::err, "oops\n", time);
  EXPECT_EQ(written(), R"({"log":"hello\n","stream":"stdout","time":"2026-11-21T07:51:53.12Z"})"
                       "\n"
                       R"({"log":"oops\n","stream":"stderr","time":"2026-11-21T07:51:53.120000001Z"})"
                       "\n");
}

TEST_F(JsonLogTest, NoTwoLinesHaveTheSameTimeThoughTheClockStands) {
  FileLog log{settings};
  log.write(Stream::out, "1\n2\n", time);
  log.write(Stream::err, "3\n", time - std::chrono::seconds{1});
  EXPECT_TRUE(written().contains(R"("2\n","stream":"stdout","time":"2026-11-21T07:51:53.120000001Z")"));
  EXPECT_TRUE(written().contains(R"("3\n","stream":"stderr","time":"2026-11-21T07:51:53.120000002Z")"));
}

TEST_F(JsonLogTest, AttributesStandBetweenStreamAndTime) {
  settings.attrs = {{"b", "2"}, {"a", "<"}};
  FileLog log{settings};
  log.write(Stream::out, "x\n", time);
  EXPECT_EQ(written(),
            R"({"log":"x\n","stream":"stdout","attrs":{"a":"\u003c","b":"2"},"time":"2026-11-21T07:51:53.12Z"})"
            "\n");
}

TEST_F(JsonLogTest, AnUnfinishedLineIsKeptWithoutNewlineAtTheEnd) {
  FileLog log{settings};
  log.write(Stream::out, "no newline", time);
  EXPECT_EQ(written(), "");
  log.end(Stream::out, time);
  EXPECT_EQ(written(), R"({"log":"no newline","stream":"stdout","time":"2026-11-21T07:51:53.12Z"})"
                       "\n");
}

TEST_F(JsonLogTest, ALineBeyond16KiBIsSplitAndKeepsTheTimeOfItsBeginning) {
  FileLog log{settings};
  log.write(Stream::out, std::string(16384, 'a'), time);
  log.write(Stream::out, "b\n", time + std::chrono::seconds{1});
  EXPECT_EQ(written(), R"({"log":")" + std::string(16384, 'a') +
                           R"(","stream":"stdout","time":"2026-11-21T07:51:53.12Z"})"
                           "\n"
                           R"({"log":"b\n","stream":"stdout","time":"2026-11-21T07:51:53.12Z"})"
                           "\n");
}

TEST_F(JsonLogTest, ALineOf16KiBLessItsNewlineIsWhole) {
  FileLog log{settings};
  log.write(Stream::out, std::string(16383, 'a') + "\n", time);
  EXPECT_TRUE(written().contains("aa\\n\""));
}

TEST_F(JsonLogTest, AFullFileIsRotatedBeforeTheNextLineAndTheOldestGoes) {
  settings.max_size = 100;  // two lines
  settings.max_file = 3;
  FileLog log{settings};
  for (const auto* line : {"1\n", "2\n", "3\n", "4\n", "5\n", "6\n", "7\n"}) log.write(Stream::out, line, time);
  EXPECT_TRUE(written().contains(R"("log":"7\n")"));
  EXPECT_TRUE(written(".1").contains(R"("log":"5\n")"));
  EXPECT_TRUE(written(".2").contains(R"("log":"4\n")"));
  EXPECT_FALSE(exists(".3"));
}

TEST_F(JsonLogTest, OneFileOnlyIsTruncated) {
  settings.max_size = 100;
  FileLog log{settings};
  for (const auto* line : {"1\n", "2\n", "3\n"}) log.write(Stream::out, line, time);
  EXPECT_FALSE(written().contains(R"("log":"1\n")"));
  EXPECT_TRUE(written().contains(R"("log":"3\n")"));
  EXPECT_FALSE(exists(".1"));
}

TEST_F(JsonLogTest, ARotatedFileIsCompressedByAChild) {
  settings.max_size = 100;
  settings.max_file = 3;
  settings.compress = true;
  FileLog log{settings};
  for (const auto* line : {"1\n", "2\n", "3\n"}) log.write(Stream::out, line, time);
  const auto child = ::waitpid(-1, nullptr, 0);
  ASSERT_GT(child, 0);
  log.child_ended(child);
  EXPECT_TRUE(exists(".1.gz"));
  EXPECT_FALSE(exists(".1"));
  for (const auto* line : {"4\n", "5\n"}) log.write(Stream::out, line, time);
  EXPECT_TRUE(exists(".2.gz"));
}

TEST_F(JsonLogTest, ACompressionThatIsOvertakenLosesNothing) {
  settings.max_size = 60;  // every line
  settings.max_file = 4;
  settings.compress = true;
  {
    FileLog log{settings};
    for (const auto* line : {"1\n", "2\n", "3\n", "4\n"}) log.write(Stream::out, line, time);
  }
  for (const auto* suffix : {".1", ".2", ".3"}) {
    EXPECT_TRUE(exists(suffix) != exists(std::string{suffix} + ".gz")) << suffix;
    EXPECT_FALSE(exists(std::string{suffix} + ".gz.new")) << suffix;
  }
}

}  // namespace
}  // namespace berth::shim

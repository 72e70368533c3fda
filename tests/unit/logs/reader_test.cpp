#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include <thread>
#include <vector>

#include "logs/logs.hpp"

namespace berth::logs {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

const Time start = *parse_rfc3339("2026-11-21T07:00:00Z");

/// A line of the file: entry `number` was written that many seconds after `start`.
std::string line(int number, std::string_view stream = "stdout") {
  return fmt::format(R"({{"log":"{}\n","stream":"{}","time":"{}"}})"
                     "\n",
                     number, stream, to_rfc3339(start + seconds{number}));
}

std::string lines(int first, int last) {
  std::string text;
  for (int number = first; number <= last; ++number) text += line(number);
  return text;
}

class ReaderTest : public testing::Test {
 protected:
  void append(std::string_view text) const { write_all(open_file(path, O_WRONLY | O_CREAT | O_APPEND, 0640), text); }

  void write_compressed(const std::string& suffix, const std::string& text) const {
    const auto gz = ::gzopen((path + suffix).c_str(), "wb1");
    ::gzwrite(gz, text.data(), static_cast<unsigned>(text.size()));
    ::gzclose(gz);
  }

  static std::vector<int> rest(Reader& reader) {
    std::vector<int> numbers;
    for (Entry entry; reader.next(entry);) numbers.push_back(std::stoi(entry.bytes));
    return numbers;
  }

  [[nodiscard]] std::vector<int> read(ReadOptions options) const {
    Reader reader{path, std::move(options)};
    return rest(reader);
  }

  static int next(Reader& reader) {
    Entry entry;
    return reader.next(entry) ? std::stoi(entry.bytes) : -1;
  }

  TempDir temporary{"/tmp", "logs"};
  std::string path = temporary.path() / "c-json.log";
  Pipe finish = make_pipe();  ///< the container ends when the write end is closed
};

TEST_F(ReaderTest, AnEntryHasAllThatIsInItsLine) {
  append(R"({"log":"a\u003c\u00e4\n","stream":"stderr","attrs":{"k":"v w"},"time":"2026-11-21T07:00:00.5Z"})"
         "\n");
  Reader reader{path, {}};
  Entry entry;
  ASSERT_TRUE(reader.next(entry));
  EXPECT_EQ(entry.bytes, "a<\xc3\xa4\n");
  EXPECT_EQ(entry.stream, Stream::err);
  EXPECT_EQ(entry.time, start + std::chrono::milliseconds{500});
  EXPECT_EQ(format(entry, {}), "a<\xc3\xa4\n");
  EXPECT_EQ(format(entry, {.timestamps = true, .details = true}),
            "2026-11-21T07:00:00.500000000Z k=v%20w a<\xc3\xa4\n");
  EXPECT_FALSE(reader.next(entry));
}

TEST_F(ReaderTest, EscapesAndBytesThatAreNoTextComeBackExactly) {
  append(R"({"log":"\udc80\udcff\u0000\\\"\/\ud83d\ude00\u2028\t\n","stream":"stdout","time":"2026-11-21T07:00:00Z"})"
         "\n");
  Reader reader{path, {}};
  Entry entry;
  ASSERT_TRUE(reader.next(entry));
  EXPECT_EQ(entry.bytes, std::string("\x80\xff\0\\\"/\xf0\x9f\x98\x80\xe2\x80\xa8\t\n", 15));
}

TEST_F(ReaderTest, LinesOfOtherWritersAreReadToo) {
  append(R"({ "time" : "2026-11-21T08:00:00.25+01:00", "stream":"stderr", "more": [1], "log" : "a\n" })"
         "\n");
  Reader reader{path, {}};
  Entry entry;
  ASSERT_TRUE(reader.next(entry));
  EXPECT_EQ(entry.bytes, "a\n");
  EXPECT_EQ(entry.stream, Stream::err);
  EXPECT_EQ(entry.time, start + std::chrono::milliseconds{250});
}

TEST_F(ReaderTest, OnlyTheFirstPieceOfALineHasATimestamp) {
  append(R"({"log":"a","stream":"stdout","time":"2026-11-21T07:00:00Z"})"
         "\n");
  append(line(1, "stderr"));
  append(R"({"log":"b\n","stream":"stdout","time":"2026-11-21T07:00:00Z"})"
         "\n");
  append(line(2));
  Reader reader{path, {.timestamps = true}};
  std::string text;
  for (Entry entry; reader.next(entry);) text += format(entry, {.timestamps = true});
  EXPECT_EQ(text,
            "2026-11-21T07:00:00.000000000Z a2026-11-21T07:00:01.000000000Z 1\nb\n2026-11-21T07:00:02.000000000Z 2\n");
}

TEST_F(ReaderTest, RotatedFilesComeFirstOldestFirst) {
  write_compressed(".2.gz", lines(1, 2));
  write_file(path + ".1", lines(3, 4));
  append(lines(5, 6));
  EXPECT_THAT(read({}), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST_F(ReaderTest, ANumberThatIsFreeWhileFilesAreRotatedHidesNothing) {
  append(lines(5, 6));
  write_compressed(".2.gz", lines(3, 4));
  write_compressed(".3.gz", lines(1, 2));
  EXPECT_THAT(read({}), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST_F(ReaderTest, AMissingFileIsEmpty) {
  EXPECT_THAT(read({}), IsEmpty());
}

TEST_F(ReaderTest, TheTailReachesIntoRotatedFiles) {
  write_compressed(".2.gz", lines(1, 3));
  write_file(path + ".1", lines(4, 5));
  append(lines(6, 7));
  EXPECT_THAT(read({.tail = 0}), IsEmpty());
  EXPECT_THAT(read({.tail = 1}), ElementsAre(7));
  EXPECT_THAT(read({.tail = 2}), ElementsAre(6, 7));
  EXPECT_THAT(read({.tail = 3}), ElementsAre(5, 6, 7));
  EXPECT_THAT(read({.tail = 5}), ElementsAre(3, 4, 5, 6, 7));
  EXPECT_THAT(read({.tail = 100}), ElementsAre(1, 2, 3, 4, 5, 6, 7));
}

TEST_F(ReaderTest, TheTailOfALargeFileIsFoundFromItsEnd) {
  append(lines(1, 20000));
  EXPECT_THAT(read({.tail = 2}), ElementsAre(19999, 20000));
  EXPECT_EQ(read({.tail = 5000}).front(), 15001);
}

TEST_F(ReaderTest, SinceUntilAndStreamsSelect) {
  append(line(1) + line(2, "stderr") + line(3) + line(4));
  EXPECT_THAT(read({.since = start + seconds{2}, .until = start + seconds{3}}), ElementsAre(2, 3));
  EXPECT_THAT(read({.stderr_ = false}), ElementsAre(1, 3, 4));
  EXPECT_THAT(read({.stdout_ = false}), ElementsAre(2));
}

TEST_F(ReaderTest, CorruptLinesAreLeftOutAndAnIncompleteOneIsNotRead) {
  append(line(1) + "garbage\n{}\n" + std::string(2 << 20, 'x') + "\n" + line(2) + line(3).substr(0, 20));
  EXPECT_THAT(read({}), ElementsAre(1, 2));
  EXPECT_THAT(read({.tail = 1}), ElementsAre(2));
}

TEST_F(ReaderTest, AFollowerGetsWhatIsWrittenLaterAndEndsWithTheContainer) {
  append(line(1));
  Reader reader{path, {.follow = true}, {.finished = finish.read_end}};
  EXPECT_EQ(next(reader), 1);
  std::jthread writer{[&] {
    append(line(2).substr(0, 10));
    append(line(2).substr(10) + line(3));
    finish.write_end.reset();
  }};
  EXPECT_THAT(rest(reader), ElementsAre(2, 3));
}

TEST_F(ReaderTest, AFollowerWaitsForAFileThatIsNotThereYet) {
  Reader reader{path, {.follow = true}, {.finished = finish.read_end}};
  std::jthread writer{[&] {
    append(line(1));
    finish.write_end.reset();
  }};
  EXPECT_THAT(rest(reader), ElementsAre(1));
}

TEST_F(ReaderTest, AFollowerGoesThroughRotations) {
  append(line(1));
  Reader reader{path, {.follow = true}, {.finished = finish.read_end}};
  EXPECT_EQ(next(reader), 1);
  append(line(2));
  fs::rename(path, path + ".2");
  write_file(path + ".1", line(3));
  append(line(4));
  finish.write_end.reset();
  EXPECT_THAT(rest(reader), ElementsAre(2, 3, 4));
}

TEST_F(ReaderTest, AFollowerKnowsAFileThatWasCompressedUnderItsHands) {
  append(line(1));
  Reader reader{path, {.follow = true}, {.finished = finish.read_end}};
  EXPECT_EQ(next(reader), 1);
  append(line(2));
  write_compressed(".1.gz", lines(1, 2));
  fs::remove(path);
  append(line(3));
  finish.write_end.reset();
  EXPECT_THAT(rest(reader), ElementsAre(2, 3));
}

TEST_F(ReaderTest, AFollowerStartsAgainAfterATruncation) {
  append(lines(1, 3));
  Reader reader{path, {.tail = 1, .follow = true}, {.finished = finish.read_end}};
  EXPECT_EQ(next(reader), 3);
  ASSERT_EQ(::truncate(path.c_str(), 0), 0);
  append(line(4));
  finish.write_end.reset();
  EXPECT_THAT(rest(reader), ElementsAre(4));
}

TEST_F(ReaderTest, AFollowerEndsWhenItsClientHangsUp) {
  append(line(1));
  auto sockets = make_socket_pair(SOCK_STREAM);
  Reader reader{path, {.follow = true}, {.finished = finish.read_end, .client = sockets.first}};
  EXPECT_EQ(next(reader), 1);
  sockets.second.reset();
  EXPECT_EQ(next(reader), -1);
}

TEST_F(ReaderTest, AFollowerEndsAtUntil) {
  append(line(1));
  Reader reader{path, {.until = now() + std::chrono::milliseconds{20}, .follow = true}, {.finished = finish.read_end}};
  EXPECT_EQ(next(reader), 1);
  EXPECT_EQ(next(reader), -1);
}

}  // namespace
}  // namespace berth::logs

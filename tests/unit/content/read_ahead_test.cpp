#include "content/read_ahead.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>

#include "base/error.hpp"

namespace berth::content {
namespace {

TEST(ReadAhead, EverythingArrivesInOrder) {
  std::string piece;
  int given = 0;
  ReadAhead stream{[&] {
    piece = given == 1000 ? std::string{} : std::to_string(given++) + ",";
    return std::span<const char>{piece};
  }};
  std::string all;
  for (auto bytes = stream.next(); !bytes.empty(); bytes = stream.next()) all.append(bytes.data(), bytes.size());
  EXPECT_TRUE(all.starts_with("0,1,2,3,4,5,6,7,8,9,10,"));
  EXPECT_TRUE(all.ends_with(",998,999,"));
  EXPECT_TRUE(stream.next().empty()) << "the end stays the end";
}

TEST(ReadAhead, FailureArrivesAfterWhatCameBefore) {
  int given = 0;
  ReadAhead stream{[&]() -> std::span<const char> {
    if (given++ == 1) throw Error{Kind::cancelled, "gone"};
    return {"x", 1};
  }};
  EXPECT_EQ(stream.next().size(), 1U);
  EXPECT_THROW(stream.next(), Error);
  EXPECT_THROW(stream.next(), Error) << "and stays";
}

TEST(ReadAhead, ConsumerMayLeaveEarly) {
  std::atomic<int> calls = 0;
  {
    ReadAhead stream{[&]() -> std::span<const char> {
      ++calls;
      return {"endless", 7};
    }};
    EXPECT_EQ(stream.next().size(), 7U);
  }
  EXPECT_LE(calls, 5) << "no further ahead than the slots";
}

}  // namespace
}  // namespace berth::content

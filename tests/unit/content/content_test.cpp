#include "content/content.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace berth::content {
namespace {

class Content : public testing::Test {
 protected:
  std::size_t ingests() {
    const fs::directory_iterator all{directory_.path() / "content/ingest"};
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
  }

  TempDir directory_{"/tmp", "berth-content-"};
  ContentStore store_{directory_.path() / "content"};
};

TEST_F(Content, BlobIsFoundUnderItsDigest) {
  const auto digest = store_.put("hello");
  EXPECT_EQ(digest.to_string(), "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
  EXPECT_TRUE(store_.contains(digest));
  EXPECT_EQ(store_.read(digest), "hello");
  EXPECT_EQ(store_.list(), std::vector{digest});
  EXPECT_EQ(ingests(), 0U);
}

TEST_F(Content, BlobOfWrongDigestIsRefusedAndLeavesNothing) {
  {
    auto ingest = store_.ingest(100);
    ingest.write("hello");
    EXPECT_THROW(ingest.commit(sha256("other")), Error);
  }
  EXPECT_TRUE(store_.list().empty());
  EXPECT_EQ(ingests(), 0U);
}

TEST_F(Content, BlobLargerThanTheLimitIsRefused) {
  auto ingest = store_.ingest(4);
  EXPECT_THROW(ingest.write("hello"), Error);
}

TEST_F(Content, AbandonedIngestLeavesNothing) {
  { store_.ingest(10).write("x"); }
  EXPECT_EQ(ingests(), 0U);
}

TEST_F(Content, ChangedBlobIsCorruptWhenRead) {
  const auto digest = store_.put("hello");
  write_file(directory_.path() / "content/blobs/sha256" / digest.hex(), "jello");
  try {
    static_cast<void>(store_.read(digest));
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::corrupt);
  }
}

TEST_F(Content, RemovedBlobIsGone) {
  const auto digest = store_.put("hello");
  store_.remove(digest);
  store_.remove(digest);
  EXPECT_FALSE(store_.contains(digest));
  EXPECT_THROW(static_cast<void>(store_.open(digest)), Error);
}

TEST_F(Content, RecoverRemovesIngestsOfEarlierRuns) {
  write_file(directory_.path() / "content/ingest/old", "half");
  store_.recover();
  EXPECT_EQ(ingests(), 0U);
}

}  // namespace
}  // namespace berth::content

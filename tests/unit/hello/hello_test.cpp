#include "hello/hello.hpp"

#include <string_view>

#include <gtest/gtest.h>

namespace berth {
namespace {

std::string_view text() {
  const auto bytes = hello_archive();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(HelloArchive, IsATarOfWholeBlocks) {
  ASSERT_GT(text().size(), 1024U);
  EXPECT_EQ(text().size() % 512, 0U);
  EXPECT_EQ(text().substr(257, 5), "ustar");
}

TEST(HelloArchive, StartsWithTheManifestThatNamesHelloLatest) {
  EXPECT_TRUE(text().starts_with("manifest.json"));
  EXPECT_TRUE(text().contains(R"("RepoTags":["hello:latest"])"));
}

TEST(HelloArchive, HoldsAnElfProgramThatGreets) {
  EXPECT_TRUE(
      text().contains("\x7f"
                      "ELF"));
  EXPECT_TRUE(text().contains("Hello from a Berth container!"));
}

}  // namespace
}  // namespace berth

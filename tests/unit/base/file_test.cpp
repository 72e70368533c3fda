#include "base/file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <iterator>
#include <thread>
#include <vector>

#include "base/error.hpp"

namespace berth {
namespace {

class FileTest : public ::testing::Test {
 protected:
  TempDir directory_{fs::temp_directory_path(), "berth-file-"};
  fs::path root_ = directory_.path();
};

TEST_F(FileTest, ReplacedFilesAreWhole) {
  replace_file(root_ / "a", "one", 0600, true);
  replace_file(root_ / "a", "two", 0600, false);
  EXPECT_EQ(read_file(root_ / "a"), "two");
  EXPECT_EQ(std::distance(fs::directory_iterator{root_}, {}), 1) << "a temporary file is left";
}

TEST_F(FileTest, AFileMayBeReplacedByManyAtOnce) {
  const std::string one(100'000, '1');
  const std::string two(200'000, '2');
  {
    std::vector<std::jthread> threads;
    for (const auto* content : {&one, &two, &one, &two}) {
      threads.emplace_back([this, content] {
        for (int i = 0; i < 50; ++i) EXPECT_NO_THROW(replace_file(root_ / "a", *content, 0600, false));
      });
    }
  }
  const auto found = read_file(root_ / "a");
  EXPECT_TRUE(found == one || found == two) << found.size() << " bytes";
}

TEST_F(FileTest, AMissingFileIsNotFoundOrNothing) {
  EXPECT_FALSE(find_file(root_ / "absent"));
  try {
    read_file(root_ / "absent");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::not_found);
  }
}

TEST_F(FileTest, ReadingIsBounded) {
  write_file(root_ / "big", std::string(5000, 'x'));
  EXPECT_EQ(read_file(root_ / "big", 5000).size(), 5000U);
  EXPECT_THROW(read_file(root_ / "big", 4999), Error);
}

TEST_F(FileTest, TreesAreRemovedAndLinksAreNotFollowed) {
  make_directories(root_ / "outside");
  write_file(root_ / "outside/keep", "x");
  make_directories(root_ / "tree/a/b");
  write_file(root_ / "tree/a/b/c", "x");
  fs::create_symlink(root_ / "outside", root_ / "tree/a/link");
  remove_tree(root_ / "tree");
  EXPECT_FALSE(fs::exists(root_ / "tree"));
  EXPECT_TRUE(fs::exists(root_ / "outside/keep"));
  EXPECT_NO_THROW(remove_tree(root_ / "tree"));
}

TEST_F(FileTest, PathsInARootNeverLeaveIt) {
  make_directories(root_ / "jail/etc");
  write_file(root_ / "secret", "outside");
  write_file(root_ / "jail/secret", "inside");
  fs::create_symlink("/secret", root_ / "jail/absolute");
  fs::create_symlink("../../../../secret", root_ / "jail/etc/climbing");
  const auto jail = open_directory(root_ / "jail");
  for (const auto* path : {"absolute", "etc/climbing", "../secret", "/../../secret"}) {
    EXPECT_EQ(read_to_end(open_in_root(jail, path, O_RDONLY), 100), "inside") << path;
  }
}

TEST_F(FileTest, DirectoriesInARootAreMadeInside) {
  make_directories(root_ / "jail");
  const auto jail = open_directory(root_ / "jail");
  make_directories_in_root(jail, "/a/../b/c");
  EXPECT_TRUE(fs::is_directory(root_ / "jail/b/c"));
  make_directories_in_root(jail, "../../up");
  EXPECT_TRUE(fs::is_directory(root_ / "jail/up"));
  EXPECT_FALSE(fs::exists(root_ / "up"));
}

}  // namespace
}  // namespace berth

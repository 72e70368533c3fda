#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <functional>
#include <thread>

#include "base/error.hpp"
#include "base/file.hpp"
#include "runtime/overlay.hpp"

namespace berth::runtime {
namespace {

using testing::HasSubstr;
using testing::Not;

/// Both ways must give the same root, whichever of them this kernel is served by: true for that of older ones.
class OverlayRoot : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: file systems are mounted";
    for (const auto* name : {"upper", "work"}) make_directories(folder_.path() / name);
    overlay_.upper = folder_.path() / "upper";
    overlay_.work = folder_.path() / "work";
  }

  void add_layers(int count) {
    for (int layer = 0; layer < count; ++layer) {
      const auto path = folder_.path() / "a-folder-whose-name-is-long-enough-for-many-pages" / std::to_string(layer);
      make_directories(path);
      write_file(path / ("file-" + std::to_string(layer)), "");
      write_file(path / "topmost", std::to_string(layer));
      overlay_.lower.push_back(path);
    }
  }

  /// In a mount namespace that ends with the thread.
  static void in_own_namespace(const std::function<void()>& work) {
    std::thread{[&] {
      ASSERT_EQ(::unshare(CLONE_NEWNS), 0);
      kernel::change_mount(FdRef{AT_FDCWD}, "/", {.propagation = MS_PRIVATE}, true);
      work();
    }}.join();
  }

  static kernel::Mount mount(const Overlay& overlay) {
    return GetParam() ? mount_overlay_in_one_option(overlay) : mount_overlay(overlay);
  }

  TempDir folder_{fs::temp_directory_path(), "overlay-"};
  Overlay overlay_;
};

TEST_P(OverlayRoot, HasAllLayersAndKeepsWhatIsWrittenInTheUpperDirectory) {
  add_layers(100);
  in_own_namespace([&] {
    const auto root = mount(overlay_);
    const fs::path inside = fd_path(root.fd());
    EXPECT_EQ(read_file(inside / "topmost"), "0");
    EXPECT_TRUE(fs::exists(inside / "file-99"));
    write_file(inside / "new", "text");
    EXPECT_EQ(read_file(fs::path{overlay_.upper} / "new"), "text");
    EXPECT_THAT(read_file("/proc/thread-self/mountinfo"), Not(HasSubstr(overlay_.upper))) << "attached nowhere";
  });
}

TEST_P(OverlayRoot, OfALayerThatIsNotThereIsRefused) {
  add_layers(1);
  overlay_.lower.push_back(folder_.path() / "gone");
  in_own_namespace([&] { EXPECT_THROW(mount(overlay_), Error); });
}

INSTANTIATE_TEST_SUITE_P(InOneOption, OverlayRoot, testing::Bool());

TEST_F(OverlayRoot, InOneOptionHasNoMoreLayersThanOnePageNames) {
  add_layers(300);
  in_own_namespace([&] {
    try {
      mount_overlay_in_one_option(overlay_);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), Kind::unsupported);
      EXPECT_EQ(error.message(), "this kernel cannot mount 300 layers");
    }
  });
}

}  // namespace
}  // namespace berth::runtime

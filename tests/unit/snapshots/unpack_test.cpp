#include "snapshots/unpack.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../support/compress.hpp"
#include "../support/tar_builder.hpp"
#include "base/error.hpp"
#include "base/file.hpp"

namespace berth::snapshots {
namespace {

using test::EntryOptions;
using test::source_of;
using test::TarBuilder;
using test::TarFormat;
using testing::HasSubstr;

class UnpackLayer : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "unpacking needs root";
    fs::create_directory(root());
  }

  [[nodiscard]] fs::path root() const { return directory_.path() / "fs"; }
  [[nodiscard]] fs::path at(const std::string& path) const { return root() / path; }

  LayerDigests unpack(const std::string& tar) { return unpack_layer(source_of(tar), open_directory(root())); }

  /// The error of a layer that must be refused.
  Error refusal(const std::string& tar) {
    try {
      unpack(tar);
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "accepted";
    return {Kind::internal, "accepted"};
  }

  [[nodiscard]] struct stat look(const std::string& path) const {
    struct stat status {};
    EXPECT_EQ(::lstat(at(path).c_str(), &status), 0) << path;
    return status;
  }
  [[nodiscard]] bool exists(const std::string& path) const { return fs::exists(fs::symlink_status(at(path))); }
  [[nodiscard]] std::string attribute(const std::string& path, const char* name) const {
    std::string value(256, '\0');
    const auto size = ::lgetxattr(at(path).c_str(), name, value.data(), value.size());
    return size < 0 ? std::string{"(none)"} : value.substr(0, static_cast<std::size_t>(size));
  }
  [[nodiscard]] bool is_whiteout(const std::string& path) const {
    const auto status = look(path);
    return S_ISCHR(status.st_mode) && status.st_rdev == ::makedev(0, 0);
  }

  TempDir directory_{"/tmp", "berth-unpack-"};
};

TEST_F(UnpackLayer, FilesKeepContentModeOwnerAndTime) {
  unpack(
      TarBuilder{}
          .directory("bin/", {.mode = 0711, .uid = 7, .gid = 8, .mtime = 1234, .mtime_nsec = 987'654'321})
          .file("bin/tool", "content", {.mode = 0640, .uid = 1000, .gid = 1001, .mtime = -5, .mtime_nsec = 123'456'789})
          .finish());
  EXPECT_EQ(read_file(at("bin/tool")), "content");
  const auto file = look("bin/tool");
  EXPECT_EQ(file.st_mode, S_IFREG | 0640U);
  EXPECT_EQ(file.st_uid, 1000U);
  EXPECT_EQ(file.st_gid, 1001U);
  EXPECT_EQ(file.st_mtim.tv_sec, -5);
  EXPECT_EQ(file.st_mtim.tv_nsec, 123'456'789);
  const auto directory = look("bin");
  EXPECT_EQ(directory.st_mode, S_IFDIR | 0711U);
  EXPECT_EQ(directory.st_uid, 7U);
  EXPECT_EQ(directory.st_mtim.tv_sec, 1234);
  EXPECT_EQ(directory.st_mtim.tv_nsec, 987'654'321);
}

TEST_F(UnpackLayer, SetuidSetgidAndStickySurviveTheChangeOfOwner) {
  unpack(TarBuilder{}
             .file("su", "x", {.mode = 04755, .uid = 5, .gid = 6})
             .file("wall", "x", {.mode = 02755, .uid = 5, .gid = 6})
             .directory("tmp", {.mode = 01777})
             .finish());
  EXPECT_EQ(look("su").st_mode & 07777U, 04755U);
  EXPECT_EQ(look("wall").st_mode & 07777U, 02755U);
  EXPECT_EQ(look("tmp").st_mode & 07777U, 01777U);
}

TEST_F(UnpackLayer, RootEntrySetsTheRootsAttributes) {
  unpack(TarBuilder{}.directory("./", {.mode = 0555, .uid = 3, .mtime = 77}).file("./a", "").finish());
  struct stat status {};
  ASSERT_EQ(::stat(root().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0555U);
  EXPECT_EQ(status.st_uid, 3U);
  EXPECT_EQ(status.st_mtim.tv_sec, 77);
}

TEST_F(UnpackLayer, ParentsThatAreNotInTheArchiveAreMade) {
  unpack(TarBuilder{}.file("a/b/c/file", "x").finish());
  EXPECT_EQ(read_file(at("a/b/c/file")), "x");
  EXPECT_EQ(look("a/b").st_mode & 07777U, 0755U);
}

TEST_F(UnpackLayer, HardLinksShareTheFile) {
  const auto digests = unpack(TarBuilder{}
                                  .file("one", "12345", {.mode = 0600})
                                  .hard_link("dir/two", "one")
                                  .hard_link("three", "/one")
                                  .finish());
  EXPECT_EQ(look("one").st_ino, look("dir/two").st_ino);
  EXPECT_EQ(look("one").st_nlink, 3U);
  EXPECT_EQ(look("one").st_mode & 07777U, 0600U);
  EXPECT_EQ(digests.size, 5);
}

TEST_F(UnpackLayer, HardLinkToASymlinkIsTheSymlink) {
  unpack(TarBuilder{}.symlink("link", "/etc/passwd").hard_link("again", "link").finish());
  EXPECT_TRUE(fs::is_symlink(at("again")));
}

TEST_F(UnpackLayer, SymlinksKeepTargetOwnerAndTime) {
  unpack(TarBuilder{}.symlink("a/link", "../../../outside", {.uid = 9, .mtime = 42, .mtime_nsec = 5}).finish());
  EXPECT_EQ(fs::read_symlink(at("a/link")), "../../../outside");
  EXPECT_EQ(look("a/link").st_uid, 9U);
  EXPECT_EQ(look("a/link").st_mtim.tv_nsec, 5);
}

TEST_F(UnpackLayer, DevicesAndFifosAreMade) {
  unpack(TarBuilder{}
             .node("dev/null", AE_IFCHR, {.mode = 0666, .device = ::makedev(1, 3)})
             .node("dev/loop", AE_IFBLK, {.mode = 0660, .gid = 6, .device = ::makedev(7, 300)})
             .node("run/fifo", AE_IFIFO, {.mode = 0622})
             .finish());
  EXPECT_EQ(look("dev/null").st_mode, S_IFCHR | 0666U);
  EXPECT_EQ(look("dev/null").st_rdev, ::makedev(1, 3));
  EXPECT_EQ(look("dev/loop").st_mode, S_IFBLK | 0660U);
  EXPECT_EQ(look("dev/loop").st_rdev, ::makedev(7, 300));
  EXPECT_EQ(look("run/fifo").st_mode, S_IFIFO | 0622U);
}

TEST_F(UnpackLayer, ExtendedAttributesAndFileCapabilitiesAreKept) {
  const std::string capability{"\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 20};
  unpack(TarBuilder{}
             .file("ping", "x",
                   {.mode = 0755, .uid = 4, .attributes = {{"security.capability", capability}, {"user.note", "hi"}}})
             .directory("d", {.mode = 0755, .attributes = {{"user.kind", "dir"}}})
             .finish());
  EXPECT_EQ(attribute("ping", "security.capability"), capability);
  EXPECT_EQ(attribute("ping", "user.note"), "hi");
  EXPECT_EQ(attribute("d", "user.kind"), "dir");
}

TEST_F(UnpackLayer, OverlayAttributesOfTheArchiveAreDropped) {
  unpack(TarBuilder{}
             .directory("d", {.mode = 0755,
                              .attributes = {{"trusted.overlay.redirect", "/etc"}, {"trusted.overlay.opaque", "y"}}})
             .finish());
  EXPECT_EQ(attribute("d", "trusted.overlay.redirect"), "(none)");
  EXPECT_EQ(attribute("d", "trusted.overlay.opaque"), "(none)");
}

TEST_F(UnpackLayer, SparseFilesStaySparse) {
  constexpr std::int64_t total = 64 << 20;
  const auto tar = TarBuilder{}.sparse("disk", total, 32 << 20, "middle").finish();
  ASSERT_LT(tar.size(), 1U << 20U);
  unpack(tar);
  const auto status = look("disk");
  EXPECT_EQ(status.st_size, total);
  EXPECT_LT(status.st_blocks, 2048);
  EXPECT_EQ(read_file(at("disk"), 128U << 20U).substr(32 << 20, 6), "middle");
}

TEST_F(UnpackLayer, LongAndForeignNamesArriveInFull) {
  const std::string deep = std::string(200, 'a') + "/" + std::string(220, 'b') + "/" + std::string(255, 'c');
  const std::string foreign = "d/\xc3\xa4\xe6\x97\xa5\xf0\x9f\x9a\xa2";
  for (const auto format : {TarFormat::pax, TarFormat::gnu}) {
    unpack(TarBuilder{format}.file(deep, "deep").file(foreign, "ship").symlink("l", std::string(300, 'x')).finish());
    EXPECT_EQ(read_file(at(deep)), "deep");
    EXPECT_EQ(read_file(at(foreign)), "ship");
    EXPECT_EQ(fs::read_symlink(at("l")).native().size(), 300U);
  }
}

TEST_F(UnpackLayer, NamesThatAreNotUtf8ArriveInFull) {
  unpack(TarBuilder{TarFormat::gnu}.file("latin-\xe4", "x").finish());
  EXPECT_EQ(read_file(at("latin-\xe4")), "x");
}

// Go's archive/tar, and so Docker, writes any bytes into pax records.
TEST_F(UnpackLayer, PaxRecordsAsGoWritesThemArriveInFull) {
  const std::string capability{"\x01\x00\x00\x02\n\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 20};
  unpack(test::raw_entry("PaxHeaders.0/f", 'x',
                         test::pax_record("path", "dir/latin-\xe4") +
                             test::pax_record("SCHILY.xattr.security.capability", capability) +
                             test::pax_record("mtime", "1700000000.000000007")) +
         test::raw_entry("dir/latin", '0', "content") + std::string(1024, '\0'));
  EXPECT_EQ(read_file(at("dir/latin-\xe4")), "content");
  EXPECT_EQ(attribute("dir/latin-\xe4", "security.capability"), capability);
  EXPECT_EQ(look("dir/latin-\xe4").st_mtim.tv_nsec, 7);
}

TEST_F(UnpackLayer, WhiteoutsBecomeDevicesAndOpaqueDirectoriesAnAttribute) {
  unpack(TarBuilder{}
             .file("etc/.wh.passwd", "")
             .directory("var/cache", {.mode = 0755})
             .file("var/cache/.wh..wh..opq", "")
             .file("var/cache/new", "x")
             .file(".wh..wh.plnk", "")
             .finish());
  EXPECT_TRUE(is_whiteout("etc/passwd"));
  EXPECT_EQ(attribute("var/cache", "trusted.overlay.opaque"), "y");
  EXPECT_FALSE(exists("var/cache/.wh..wh..opq"));
  EXPECT_FALSE(exists(".wh..wh.plnk"));
}

TEST_F(UnpackLayer, WhiteoutDoesNotHideWhatTheSameLayerBrings) {
  unpack(TarBuilder{}
             .file("file", "kept")
             .file(".wh.file", "")
             .directory("dir", {.mode = 0755})
             .file("dir/inside", "kept")
             .file(".wh.dir", "")
             .file(".wh.later", "")
             .directory("later", {.mode = 0755})
             .finish());
  EXPECT_EQ(read_file(at("file")), "kept");
  EXPECT_EQ(read_file(at("dir/inside")), "kept");
  EXPECT_EQ(attribute("dir", "trusted.overlay.opaque"), "y");
  EXPECT_EQ(attribute("later", "trusted.overlay.opaque"), "y");
}

TEST_F(UnpackLayer, WhiteoutOfTheParentIsRefused) {
  for (const auto* name : {"a/.wh...", "a/.wh..", "a/.wh."}) {
    EXPECT_EQ(refusal(TarBuilder{}.directory("a").file(name, "").finish()).kind(), Kind::invalid) << name;
  }
}

TEST_F(UnpackLayer, LaterEntriesReplaceEarlierOnes) {
  unpack(TarBuilder{}
             .directory("a", {.mode = 0755})
             .file("a/inside", "x")
             .file("a", "now a file")
             .file("b", "file")
             .directory("b", {.mode = 0700})
             .file("b/inside", "y")
             .symlink("c", "b")
             .file("c", "no link")
             .symlink("d", "b")
             .directory("d", {.mode = 0750})
             .file("d/inside", "z")
             .finish());
  EXPECT_EQ(read_file(at("a")), "now a file");
  EXPECT_EQ(read_file(at("b/inside")), "y");
  EXPECT_EQ(read_file(at("c")), "no link");
  EXPECT_EQ(read_file(at("d/inside")), "z");
  EXPECT_EQ(read_file(at("b/inside")), "y");
}

TEST_F(UnpackLayer, DirectoriesMergeAndTakeTheLastAttributes) {
  unpack(TarBuilder{}
             .directory("d", {.mode = 0700})
             .file("d/one", "1")
             .directory("d", {.mode = 0751})
             .file("d/two", "2")
             .finish());
  EXPECT_EQ(read_file(at("d/one")), "1");
  EXPECT_EQ(read_file(at("d/two")), "2");
  EXPECT_EQ(look("d").st_mode & 07777U, 0751U);
}

TEST_F(UnpackLayer, AbsoluteNamesAreTakenFromTheRootOfTheImage) {
  unpack(TarBuilder{}.file("/etc/hostname", "x").finish());
  EXPECT_EQ(read_file(at("etc/hostname")), "x");
}

TEST_F(UnpackLayer, NamesThatLeaveTheRootAreRefused) {
  for (const auto* name : {"../evil", "a/../../evil", "/../evil", "./../evil", ".."}) {
    const auto error = refusal(TarBuilder{}.directory("a").file(name, "x").finish());
    EXPECT_EQ(error.kind(), Kind::invalid) << name;
    EXPECT_THAT(error.message(), HasSubstr("outside"));
  }
  EXPECT_FALSE(fs::exists(directory_.path() / "evil"));
}

TEST_F(UnpackLayer, EntriesDoNotPassThroughASymlinkToOutside) {
  const auto outside = directory_.path() / "outside";
  fs::create_directory(outside);
  for (const auto& target :
       {outside.native(), std::string{"../outside"}, std::string{"../../../../../../.."} + outside.native()}) {
    const auto error = refusal(TarBuilder{}.symlink("link", target).file("link/evil", "x").finish());
    EXPECT_EQ(error.kind(), Kind::invalid) << error.message();
    EXPECT_TRUE(fs::is_empty(outside));
  }
}

TEST_F(UnpackLayer, FilesReplaceSymlinksInsteadOfFollowingThem) {
  const auto victim = directory_.path() / "victim";
  write_file(victim, "untouched");
  unpack(TarBuilder{}.symlink("link", victim.native()).file("link", "new", {.mode = 0777}).finish());
  EXPECT_EQ(read_file(victim), "untouched");
  EXPECT_EQ(read_file(at("link")), "new");
}

TEST_F(UnpackLayer, ModesAreNotSetThroughSymlinks) {
  const auto victim = directory_.path() / "victim";
  fs::create_directory(victim);
  fs::permissions(victim, fs::perms::owner_all);
  unpack(TarBuilder{}
             .symlink("link", victim.native(), {.mode = 0777, .uid = 77})
             .directory("link", {.mode = 0777})
             .finish());
  EXPECT_EQ(fs::status(victim).permissions(), fs::perms::owner_all);
}

TEST_F(UnpackLayer, SymlinksWithinTheLayerAreFollowedInsideTheRoot) {
  unpack(
      TarBuilder{}.directory("usr/lib", {.mode = 0755}).symlink("lib", "/usr/lib").file("lib/libc.so", "elf").finish());
  EXPECT_EQ(read_file(at("usr/lib/libc.so")), "elf");
}

TEST_F(UnpackLayer, HardLinksToOutsideAreRefused) {
  const auto secret = directory_.path() / "secret";
  write_file(secret, "secret");
  for (const auto& target : {std::string{"../secret"}, secret.native(), std::string{"link/secret"}}) {
    const auto error =
        refusal(TarBuilder{}.symlink("link", directory_.path().native()).hard_link("stolen", target).finish());
    EXPECT_EQ(error.kind(), Kind::invalid) << target;
    EXPECT_FALSE(exists("stolen"));
  }
}

TEST_F(UnpackLayer, HardLinkToAFileOfAnotherLayerIsRefusedAndSaysSo) {
  const auto error = refusal(TarBuilder{}.hard_link("usr/bin/new", "usr/bin/of-lower-layer").finish());
  EXPECT_THAT(error.message(), HasSubstr("which this layer does not have"));
}

TEST_F(UnpackLayer, TruncatedArchivesAreCorrupt) {
  const auto tar = TarBuilder{}.file("a", std::string(5000, 'a')).finish();
  for (const auto size : {100U, 600U, 2000U, 5100U}) {
    const auto error = refusal(tar.substr(0, size));
    EXPECT_EQ(error.kind(), Kind::corrupt) << size;
    EXPECT_THAT(error.message(), HasSubstr("unexpected EOF")) << size;
  }
}

TEST_F(UnpackLayer, GarbageIsCorrupt) {
  EXPECT_EQ(refusal(std::string(4096, 'g')).kind(), Kind::corrupt);
}

TEST_F(UnpackLayer, EmptyArchiveIsAnEmptyLayer) {
  const auto digests = unpack(std::string(1024, '\0'));
  EXPECT_EQ(digests.diff_id.to_string(), "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef");
  EXPECT_TRUE(fs::is_empty(root()));
}

TEST_F(UnpackLayer, CompressedStreamsHaveADigestOfTheirOwn) {
  const auto tar = TarBuilder{}.file("a", std::string(100'000, 'a')).finish();
  const auto plain = unpack(tar);
  EXPECT_EQ(plain.diff_id, content::sha256(tar));
  EXPECT_EQ(plain.blob, plain.diff_id);
  for (const auto& packed : {test::gzip(tar), test::zstd(tar)}) {
    const auto digests = unpack(packed);
    EXPECT_EQ(digests.diff_id, plain.diff_id);
    EXPECT_EQ(digests.blob, content::sha256(packed));
    EXPECT_EQ(digest_layer(source_of(packed)).blob, content::sha256(packed));
  }
}

TEST_F(UnpackLayer, PaddingAfterTheEndCountsForTheDigest) {
  const auto tar = TarBuilder{}.file("a", "x").finish() + std::string(20'480, '\0');
  EXPECT_EQ(unpack(tar).diff_id, content::sha256(tar));
}

TEST_F(UnpackLayer, EndlessPaddingIsRefused) {
  const auto tar = TarBuilder{}.file("a", "x").finish();
  EXPECT_EQ(refusal(test::zstd(tar + std::string(80U << 20U, '\0'))).kind(), Kind::invalid);
}

TEST_F(UnpackLayer, ManyEntriesInOneDirectoryAndDeepTreesWork) {
  TarBuilder tar;
  for (int i = 0; i < 10'000; ++i) tar.file("many/" + std::to_string(i), "x", {.mode = 0600});
  std::string path;
  for (int i = 0; i < 300; ++i) path += "d/";
  tar.file(path + "deep", "x");
  const auto digests = unpack(tar.finish());
  EXPECT_EQ(digests.size, 10'001);
  EXPECT_TRUE(exists(path + "deep"));
}

TEST_F(UnpackLayer, ErrorOfTheSourcePassesThrough) {
  const auto broken = [](std::span<char>) -> std::size_t { throw Error{Kind::cancelled, "client is gone"}; };
  EXPECT_THROW(
      {
        try {
          unpack_layer(broken, open_directory(root()));
        } catch (const Error& error) {
          EXPECT_EQ(error.kind(), Kind::cancelled);
          throw;
        }
      },
      Error);
}

}  // namespace
}  // namespace berth::snapshots

#include <sys/mount.h>
#include <sys/stat.h>

#include "store_fixture.hpp"

namespace berth::images {
namespace {

using test::docker_archive;
using test::OciArchive;
using test::TarBuilder;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Load : public StoreTest {};

TEST_F(Load, DockerArchiveGivesNamesLayersAndConfiguration) {
  EXPECT_EQ(load(docker_archive({web_})), "Loaded image: web:latest\n");
  const auto image = store_->get("web");
  EXPECT_EQ(image.id, id_of(web_));
  EXPECT_THAT(image.config.config.Cmd, ElementsAre("sh"));
  const auto lower = store_->lower_directories(image.id);
  ASSERT_EQ(lower.size(), 2U);
  EXPECT_EQ(read_file(lower[0] / "top"), "top content");
  EXPECT_EQ(read_file(lower[1] / "base"), "base");
  EXPECT_THAT(events_, ElementsAre("load " + image.id.to_string()));
}

TEST_F(Load, GzipAndZstdArchivesAreTheSame) {
  EXPECT_EQ(load(test::gzip(docker_archive({base_}))), "Loaded image: base:1\n");
  EXPECT_EQ(load(test::zstd(docker_archive({web_}))), "Loaded image: web:latest\n");
  EXPECT_EQ(snapshots_->list().size(), 2U);
}

TEST_F(Load, SeveralImagesShareLayersAndAreNamedInOrder) {
  auto unnamed = web_;
  unnamed.cmd = "other";
  unnamed.names = {};
  EXPECT_EQ(load(docker_archive({base_, web_, unnamed})), "Loaded image: base:1\nLoaded image: web:latest\n");
  EXPECT_EQ(snapshots_->list().size(), 2U);
  EXPECT_TRUE(store_->find(id_of(unnamed).to_string()));
}

TEST_F(Load, NamelessImagePrintsItsId) {
  auto unnamed = base_;
  unnamed.names = {};
  EXPECT_EQ(load(docker_archive({unnamed})), "Loaded image ID: " + id_of(unnamed).to_string() + "\n");
}

TEST_F(Load, NameMovesToTheNewImageAndTheClientIsTold) {
  load(docker_archive({base_}));
  auto other = web_;
  other.names = {"base:1"};
  EXPECT_EQ(load(docker_archive({other})), "The image base:1 already exists, renaming the old one with ID " +
                                               id_of(base_).to_string() + " to empty string\nLoaded image: base:1\n");
  EXPECT_EQ(store_->get("base:1").id, id_of(other));
  EXPECT_TRUE(store_->find(id_of(base_).hex()));
}

TEST_F(Load, SecondLoadChangesNothing) {
  load(docker_archive({web_}));
  const auto before = leftovers();
  EXPECT_EQ(load(docker_archive({web_})), "Loaded image: web:latest\n");
  EXPECT_EQ(leftovers(), before);
}

TEST_F(Load, OciLayoutWithEachCompressionLoads) {
  EXPECT_EQ(load(OciArchive{.image = base_}.write()), "Loaded image: base:1\n");
  EXPECT_EQ(
      load(OciArchive{.image = web_, .pack = test::gzip, .layer_type = "application/vnd.oci.image.layer.v1.tar+gzip"}
               .write()),
      "Loaded image: web:latest\n");
  auto other = web_;
  other.names = {"ghcr.io/a/b:1"};
  EXPECT_EQ(load(test::gzip(OciArchive{
                .image = other, .pack = test::zstd, .layer_type = "application/vnd.oci.image.layer.v1.tar+zstd"}
                                .write())),
            "Loaded image: ghcr.io/a/b:1\n");
  EXPECT_EQ(snapshots_->list().size(), 2U);
}

TEST_F(Load, LayersThatAreLinksInTheArchiveAreFound) {
  const auto config = test::config_text({.layers = {base_layer_, base_layer_}, .names = {}});
  const auto archive =
      TarBuilder{}
          .file("one/layer.tar", base_layer_)
          .symlink("two/layer.tar", "../one/layer.tar")
          .file("c.json", config)
          .file("manifest.json",
                R"([{"Config":"c.json","RepoTags":["twice:1"],"Layers":["one/layer.tar","two/layer.tar"]}])")
          .finish();
  EXPECT_EQ(load(archive), "Loaded image: twice:1\n");
  EXPECT_EQ(store_->lower_directories(store_->get("twice:1").id).size(), 1U) << "overlayfs refuses a directory twice";
}

TEST_F(Load, ProgressNamesTheLayer) {
  std::vector<std::string> ids;
  store_->load(test::source_of(docker_archive({base_})), {}, [&](const json::Object& message) {
    if (message.contains("id")) ids.emplace_back(message.at("id").as_string());
  });
  EXPECT_THAT(ids, ElementsAre(test::hex_of(base_layer_).substr(0, 12)));
}

TEST_F(Load, ImageOfAnotherSystemIsRefused) {
  auto config = test::config_of(base_);
  config["os"] = "windows";
  const auto archive = TarBuilder{}
                           .file("l.tar", base_layer_)
                           .file("c.json", json::write(json::Value(config)))
                           .file("manifest.json", R"([{"Config":"c.json","RepoTags":null,"Layers":["l.tar"]}])")
                           .finish();
  EXPECT_EQ(load_failure(archive).message(), "cannot load windows image on linux");
  EXPECT_THAT(leftovers(), IsEmpty());
}

TEST_F(Load, PlatformThatIsNotThereIsNotFound) {
  EXPECT_EQ(load_failure(docker_archive({base_}), {.platform = oci::parse_platform("linux/s390x")}).kind(),
            Kind::not_found);
  EXPECT_THAT(leftovers(), IsEmpty());
}

// --- refused, and nothing stays ---

TEST_F(Load, WrongDiffIdIsCorruptAndLeavesNothing) {
  auto archive = docker_archive({web_});
  const auto at = archive.find("top content");
  archive[at] = 'T';
  const auto error = load_failure(archive);
  EXPECT_EQ(error.kind(), Kind::corrupt);
  EXPECT_THAT(error.message(), HasSubstr("invalid diffID for layer 1: expected \"" + test::digest_of(top_layer_)));
  EXPECT_THAT(leftovers(), IsEmpty());
  EXPECT_THAT(events_, IsEmpty());
}

TEST_F(Load, GoodImageBesideABadOneIsNotKept) {
  auto archive = docker_archive({base_, web_});
  archive[archive.find("top content")] = 'T';
  EXPECT_EQ(load_failure(archive).kind(), Kind::corrupt);
  EXPECT_THAT(leftovers(), IsEmpty());
}

TEST_F(Load, BlobThatIsNotItsNameIsCorrupt) {
  const OciArchive right{.image = base_};
  const auto manifest_like = test::config_text(base_);
  for (const auto& victim : {base_layer_, manifest_like}) {
    auto wrong = right;
    wrong.replaced[test::hex_of(victim)] = victim == base_layer_ ? top_layer_ : test::config_text(web_);
    const auto error = load_failure(wrong.write());
    EXPECT_EQ(error.kind(), Kind::corrupt) << error.message();
    EXPECT_THAT(leftovers(), IsEmpty());
  }
}

TEST_F(Load, DigestThatClimbsOutIsRefused) {
  const auto index = R"({"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",)"
                     R"("digest":"sha256:../../../etc/passwd","size":1}]})";
  EXPECT_EQ(load_failure(TarBuilder{}.file("index.json", index).finish()).kind(), Kind::invalid);
  EXPECT_THAT(leftovers(), IsEmpty());
}

TEST_F(Load, PathsInManifestThatClimbOutAreRefused) {
  for (const auto* config : {"../../../etc/passwd", "/etc/passwd", "link"}) {
    const auto archive = TarBuilder{}
                             .symlink("link", "/etc/passwd")
                             .file("manifest.json", fmt::format(R"([{{"Config":"{}","Layers":[]}}])", config))
                             .finish();
    EXPECT_EQ(load_failure(archive).kind(), Kind::invalid) << config;
  }
}

TEST_F(Load, LayerThatClimbsOutRollsTheWholeLoadBack) {
  const auto outside = directory_.path() / "outside";
  fs::create_directory(outside);
  const std::vector<std::string> hostile = {
      TarBuilder{}.file("../../../outside/evil", "x").finish(),
      TarBuilder{}.symlink("link", outside.native()).file("link/evil", "x").finish(),
      TarBuilder{}.hard_link("stolen", "../../../../meta.db").finish(),
  };
  for (const auto& layer : hostile) {
    auto image = web_;
    image.layers.push_back(layer);
    EXPECT_EQ(load_failure(docker_archive({base_, image})).kind(), Kind::invalid);
    EXPECT_THAT(leftovers(), IsEmpty());
    EXPECT_TRUE(fs::is_empty(outside));
  }
}

TEST_F(Load, TruncatedArchiveLeavesNothing) {
  const auto archive = docker_archive({web_});
  for (const auto part : {10U, 30U, 60U, 80U}) {
    const auto error = load_failure(archive.substr(0, archive.size() * part / 100 + 7));
    EXPECT_TRUE(error.kind() == Kind::corrupt || error.kind() == Kind::invalid) << error.message();
    EXPECT_THAT(leftovers(), IsEmpty());
  }
  const auto packed = test::gzip(archive);
  EXPECT_EQ(load_failure(packed.substr(0, packed.size() / 2)).kind(), Kind::corrupt);
  EXPECT_THAT(leftovers(), IsEmpty());
}

TEST_F(Load, WhatIsNoArchiveIsRefused) {
  EXPECT_THAT(load_failure("hello").message(), HasSubstr("error processing tar file"));
  EXPECT_EQ(load_failure("").message(), "invalid archive: does not contain a manifest.json");
  EXPECT_EQ(load_failure(TarBuilder{}.file("readme", "x").finish()).message(),
            "invalid archive: does not contain a manifest.json");
  EXPECT_THAT(load_failure(TarBuilder{}.file("manifest.json", "null").finish()).message(),
              HasSubstr("manifest cannot be null (but can be [])"));
  EXPECT_THAT(load_failure(TarBuilder{}.file("manifest.json", "{").finish()).message(), HasSubstr("unexpected EOF"));
}

TEST_F(Load, LayerCountMustBeThatOfTheConfiguration) {
  const auto archive = TarBuilder{}
                           .file("c.json", test::config_text(web_))
                           .file("l.tar", base_layer_)
                           .file("manifest.json", R"([{"Config":"c.json","Layers":["l.tar"]}])")
                           .finish();
  EXPECT_EQ(load_failure(archive).message(), "invalid manifest, layers length mismatch: expected 1, got 2");
  EXPECT_THAT(leftovers(), IsEmpty());
}

TEST_F(Load, ManifestThatIsAlsoAnIndexIsRefused) {
  const std::string both = R"({"schemaVersion":2,"config":{},"layers":[],"manifests":[]})";
  const auto index = fmt::format(
      R"({{"schemaVersion":2,"manifests":[{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{}","size":{}}}]}})",
      test::digest_of(both), both.size());
  const auto archive = TarBuilder{}.file("blobs/sha256/" + test::hex_of(both), both).file("index.json", index).finish();
  EXPECT_EQ(load_failure(archive).kind(), Kind::invalid);
}

TEST_F(Load, ClientThatGoesAwayLeavesNothing) {
  const auto archive = docker_archive({web_});
  std::size_t at = 0;
  const Source source = [&](std::span<char> buffer) {
    if (at > archive.size() / 2) throw Error{Kind::cancelled, "client is gone"};
    const auto size = std::min<std::size_t>({buffer.size(), 1000, archive.size() - at});
    std::memcpy(buffer.data(), archive.data() + at, size);
    at += size;
    return size;
  };
  const auto error = failure([&] { store_->load(source, {}, [](const json::Object&) {}); });
  EXPECT_EQ(error.kind(), Kind::cancelled) << error.message();
  EXPECT_THAT(leftovers(), IsEmpty());
}

TEST_F(Load, ManyDocumentsAreBounded) {
  TarBuilder tar;
  const std::string document = "{" + std::string(15 << 20, ' ');
  for (int i = 0; i < 6; ++i) tar.file(std::to_string(i) + ".json", document);
  EXPECT_EQ(load_failure(test::zstd(tar.finish())).kind(), Kind::invalid);
}

TEST_F(Load, FullDiskIsSaidAndLeavesNothing) {
  const auto small = directory_.path() / "small";
  fs::create_directory(small);
  if (::mount("none", small.c_str(), "tmpfs", 0, "size=2m") != 0) GTEST_SKIP() << "cannot mount a small file system";
  {
    const snapshots::SnapshotStore snapshots{small};
    snapshots::SnapshotStore writable{small};
    ImageStore store{*content_, writable, *database_};
    auto image = base_;
    image.layers = {test::layer_with("big", std::string(4U << 20U, 'x'))};
    const auto error = failure(
        [&] { store.load(test::source_of(docker_archive({image})), {.quiet = true}, [](const json::Object&) {}); });
    EXPECT_THAT(error.message(), HasSubstr("no space left on device"));
    EXPECT_TRUE(fs::is_empty(small / "ingest"));
    EXPECT_TRUE(fs::is_empty(small / "overlay"));
  }
  ::umount2(small.c_str(), MNT_DETACH);
  EXPECT_THAT(leftovers(), IsEmpty());
}

// --- after a crash ---

TEST_F(Load, WhatACrashLeavesIsRemovedAtTheNextStart) {
  load(docker_archive({base_}));
  const auto before = leftovers();
  // A load that was killed: half a layer, half a blob, a layer and a blob with a name but without a row.
  fs::create_directories(directory_.path() / "snapshots/ingest/layer-abc/fs/etc");
  write_file(directory_.path() / "content/ingest/0123", "half");
  fs::create_directories(directory_.path() / "snapshots/overlay" / std::string(64, 'a') / "fs");
  fs::create_directories(directory_.path() / "snapshots/discard/xyz/fs");
  content_->put("nobody's");
  open();
  EXPECT_EQ(leftovers(), before);
  EXPECT_TRUE(store_->find("base:1"));
}

}  // namespace
}  // namespace berth::images

#include "store_fixture.hpp"

namespace berth::images {
namespace {

using test::docker_archive;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Images : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    if (!store_) return;
    load(docker_archive({base_, web_}));
    events_.clear();
  }

  std::string base_id_ = id_of(base_).to_string();
  std::string web_id_ = id_of(web_).to_string();
  /// What is left of the stack of web when base stays.
  std::string web_chain_ =
      content::sha256(test::digest_of(base_layer_) + " " + test::digest_of(top_layer_)).to_string();
};

// --- resolving ---

TEST_F(Images, AreFoundByNameTagAndId) {
  for (const std::string& name : {std::string{"web"}, std::string{"web:latest"}, std::string{"docker.io/library/web"},
                                  web_id_, web_id_.substr(7), web_id_.substr(7, 12), web_id_.substr(0, 17)}) {
    EXPECT_EQ(store_->get(name).id.to_string(), web_id_) << name;
  }
}

TEST_F(Images, UnknownOnesAreNotFoundInDockersWords) {
  EXPECT_EQ(failure([&] { store_->get("nginx"); }).message(), "No such image: nginx:latest");
  EXPECT_EQ(failure([&] { store_->get("a.b/c:1"); }).message(), "No such image: a.b/c:1");
  EXPECT_EQ(failure([&] { store_->get("nginx"); }).kind(), Kind::not_found);
  const auto id = "sha256:" + std::string(64, '0');
  EXPECT_EQ(failure([&] { store_->get(id); }).message(), "No such image: " + id);
}

TEST_F(Images, NamesThatCannotBeAreInvalid) {
  EXPECT_EQ(failure([&] { store_->get("Web"); }).message(),
            "invalid reference format: repository name (library/Web) must be lowercase");
  EXPECT_EQ(failure([&] { store_->get("a b"); }).kind(), Kind::invalid);
}

TEST_F(Images, IdPrefixThatIsNotUniqueIsNotFound) {
  EXPECT_EQ(failure([&] { store_->get("sha256:"); }).kind(), Kind::invalid);
  auto image = base_;
  image.names = {};
  for (int i = 0; i < 20; ++i) {
    image.cmd = std::to_string(i);
    load(docker_archive({image}));
  }
  int ambiguous = 0;
  for (const char digit : std::string_view{"0123456789abcdef"}) {
    try {
      store_->get(std::string(1, digit));
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), Kind::not_found);
      ++ambiguous;
    }
  }
  EXPECT_GT(ambiguous, 0);
}

TEST_F(Images, PlatformMustFitIfOneIsAskedFor) {
  EXPECT_NO_THROW(store_->get("web", oci::parse_platform("linux/amd64")));
  EXPECT_EQ(failure([&] { store_->get("web", oci::parse_platform("linux/arm64")); }).message(),
            "image with reference web was found but does not provide the specified platform (linux/arm64)");
}

// --- showing ---

TEST_F(Images, InspectShowsEverything) {
  const auto image = store_->inspect("web");
  EXPECT_EQ(image.Id, web_id_);
  EXPECT_THAT(image.RepoTags, ElementsAre("web:latest"));
  EXPECT_THAT(image.RepoDigests, IsEmpty());
  EXPECT_EQ(image.Created, "2026-01-02T03:04:05.000000006Z");
  EXPECT_EQ(image.Author, "tester");
  EXPECT_EQ(image.Architecture, "amd64");
  EXPECT_EQ(image.Os, "linux");
  EXPECT_EQ(image.Size, 4 + 11);
  EXPECT_THAT(image.Config.Env, ElementsAre("PATH=/bin"));
  EXPECT_EQ(image.Config.Labels.at("tier"), "front");
  EXPECT_EQ(image.RootFS.Type, "layers");
  EXPECT_THAT(image.RootFS.Layers, ElementsAre(test::digest_of(base_layer_), test::digest_of(top_layer_)));
  EXPECT_EQ(image.GraphDriver_.Name, "overlay2");
  EXPECT_THAT(image.GraphDriver_.Data.at("UpperDir"), HasSubstr(test::hex_of(top_layer_)));
  EXPECT_EQ(image.Metadata.LastTagTime, "0001-01-01T00:00:00Z");
}

TEST_F(Images, HistoryIsNewestFirstWithSizesOfLayers) {
  const auto items = store_->history("web");
  ASSERT_EQ(items.size(), 3U);
  EXPECT_EQ(items[0].Id, web_id_);
  EXPECT_EQ(items[0].CreatedBy, "CMD");
  EXPECT_EQ(items[0].Size, 0);
  EXPECT_THAT(*items[0].Tags, ElementsAre("web:latest"));
  EXPECT_EQ(items[1].Id, "<missing>");
  EXPECT_EQ(items[1].Size, 11);
  EXPECT_FALSE(items[1].Tags);
  EXPECT_EQ(items[2].Size, 4);
  EXPECT_EQ(items[2].Created, 1767323045);
}

TEST_F(Images, ListIsNewestFirst) {
  const auto images = store_->list({});
  ASSERT_EQ(images.size(), 2U);
  EXPECT_EQ(images[0].Id, web_id_);
  EXPECT_EQ(images[0].Size, 15);
  EXPECT_EQ(images[0].SharedSize, -1);
  EXPECT_EQ(images[0].Labels->at("tier"), "front");
  EXPECT_EQ(images[1].Created, 1735689600);
  EXPECT_EQ(store_->list({.shared_size = true})[0].SharedSize, 4);
}

TEST_F(Images, ListFilters) {
  store_->tag("base:1", "a.b:5000/team/base", "x");
  auto nameless = base_;
  nameless.cmd = "nameless";
  nameless.names = {};
  load(docker_archive({nameless}));
  EXPECT_THAT(listed({{"label", {"tier"}}}), ElementsAre("web:latest"));
  EXPECT_THAT(listed({{"label", {"tier=back"}}}), IsEmpty());
  EXPECT_THAT(listed({{"dangling", {"true"}}}), ElementsAre("<none>"));
  EXPECT_THAT(listed({{"dangling", {"false"}}}).size(), 2U);
  EXPECT_THAT(listed({{"before", {"web"}}, {"dangling", {"0"}}}), ElementsAre("a.b:5000/team/base:x"));
  EXPECT_THAT(listed({{"since", {"base:1"}}}), ElementsAre("web:latest"));
  EXPECT_THAT(listed({{"until", {"2025-06-01"}}, {"dangling", {"false"}}}), ElementsAre("a.b:5000/team/base:x"));
  EXPECT_THAT(listed({{"reference", {"w*"}}}), ElementsAre("web:latest"));
  EXPECT_THAT(listed({{"reference", {"*:1"}}}), ElementsAre("base:1"));
  EXPECT_THAT(listed({{"reference", {"a.b:5000/*/base"}}}), ElementsAre("a.b:5000/team/base:x"));
  EXPECT_THAT(listed({{"reference", {"*/base"}}}), IsEmpty());
}

TEST_F(Images, FiltersThatDoNotExistAreInvalid) {
  EXPECT_EQ(failure([&] { listed({{"color", {"red"}}}); }).message(), "invalid filter 'color'");
  EXPECT_EQ(failure([&] { listed({{"dangling", {"maybe"}}}); }).message(), "invalid filter 'dangling=[maybe]'");
  EXPECT_EQ(failure([&] { listed({{"before", {"nosuch"}}}); }).message(), "No such image: nosuch:latest");
}

// --- naming ---

TEST_F(Images, TagNamesAndAnnounces) {
  store_->tag("web", "localhost:5000/a/b", "v1");
  store_->tag(web_id_, "other", "");
  EXPECT_THAT(store_->inspect("web").RepoTags, ElementsAre("other:latest", "web:latest", "localhost:5000/a/b:v1"));
  EXPECT_NE(store_->inspect("web").Metadata.LastTagTime, "0001-01-01T00:00:00Z");
  EXPECT_THAT(events_, ElementsAre("tag localhost:5000/a/b:v1", "tag other:latest"));
}

TEST_F(Images, TagMovesAName) {
  store_->tag("web", "base", "1");
  EXPECT_EQ(store_->get("base:1").id.to_string(), web_id_);
}

TEST_F(Images, TagRefusesWhatIsNoName) {
  EXPECT_EQ(failure([&] { store_->tag("web", "UPPER", ""); }).kind(), Kind::invalid);
  EXPECT_EQ(failure([&] { store_->tag("web", "ok", "b@d"); }).message(), "invalid tag format");
  EXPECT_EQ(failure([&] { store_->tag("none", "ok", ""); }).kind(), Kind::not_found);
}

// --- removing ---

TEST_F(Images, RemovingTheLastNameDeletesWhatNobodyElseHas) {
  EXPECT_THAT(flat(store_->remove("web", {})),
              ElementsAre("Untagged web:latest", "Deleted " + web_id_, "Deleted " + web_chain_));
  EXPECT_THAT(events_, ElementsAre("untag " + web_id_, "delete " + web_id_));
  EXPECT_EQ(snapshots_->list().size(), 1U);
  flat(store_->remove("base:1", {}));
  EXPECT_THAT(leftovers(), IsEmpty());
}

TEST_F(Images, RemovingOneOfSeveralNamesOnlyUntags) {
  store_->tag("web", "again", "");
  EXPECT_THAT(flat(store_->remove("again", {})), ElementsAre("Untagged again:latest"));
  EXPECT_TRUE(store_->find("web"));
}

TEST_F(Images, RemovingByIdTakesASingleNameAlong) {
  EXPECT_THAT(flat(store_->remove(web_id_.substr(7, 12), {})),
              ElementsAre("Untagged web:latest", "Deleted " + web_id_, "Deleted " + web_chain_));
}

TEST_F(Images, RemovingByIdWithSeveralNamesMustBeForced) {
  store_->tag("web", "again", "");
  const auto error = failure([&] { store_->remove(web_id_, {}); });
  EXPECT_EQ(error.kind(), Kind::conflict);
  EXPECT_EQ(error.message(), "conflict: unable to delete " + web_id_.substr(7, 12) +
                                 " (must be forced) - image is referenced in multiple repositories");
  EXPECT_THAT(
      flat(store_->remove(web_id_, {.force = true})),
      ElementsAre("Untagged again:latest", "Untagged web:latest", "Deleted " + web_id_, "Deleted " + web_chain_));
}

TEST_F(Images, ImageOfARunningContainerStays) {
  uses_ = {{.container_id = std::string(64, 'c'), .image_id = web_id_, .running = true}};
  EXPECT_EQ(
      failure([&] { store_->remove("web", {}); }).message(),
      "conflict: unable to remove repository reference \"web\" (must force) - container cccccccccccc is using its "
      "referenced image " +
          web_id_.substr(7, 12));
  EXPECT_EQ(failure([&] { store_->remove(web_id_, {.force = true}); }).message(),
            "conflict: unable to delete " + web_id_.substr(7, 12) +
                " (cannot be forced) - image is being used by running container cccccccccccc");
  EXPECT_TRUE(store_->find("web"));
}

TEST_F(Images, ForcedRemovalWithAStoppedContainerKeepsItsLayersUntilTheContainerIsGone) {
  const auto id = id_of(web_);
  uses_ = {{.container_id = std::string(64, 'c'), .image_id = web_id_}};
  EXPECT_EQ(failure([&] { store_->remove(web_id_, {}); }).message(),
            "conflict: unable to delete " + web_id_.substr(7, 12) +
                " (must be forced) - image is being used by stopped container cccccccccccc");
  EXPECT_THAT(flat(store_->remove("web", {.force = true})), Contains("Deleted " + web_id_));
  EXPECT_FALSE(store_->find(web_id_));
  EXPECT_THAT(listed({}), ElementsAre("base:1"));
  ASSERT_EQ(store_->lower_directories(id).size(), 2U);
  EXPECT_TRUE(fs::exists(store_->lower_directories(id)[0] / "top"));
  open();
  EXPECT_TRUE(fs::exists(store_->lower_directories(id)[0] / "top")) << "a restart changes nothing";

  uses_.clear();
  store_->collect();
  EXPECT_EQ(snapshots_->list().size(), 1U);
}

TEST_F(Images, RetiredImageComesBackWhenItIsLoadedAgain) {
  uses_ = {{.container_id = std::string(64, 'c'), .image_id = web_id_}};
  store_->remove("web", {.force = true});
  load(docker_archive({web_}));
  EXPECT_TRUE(store_->find("web"));
  uses_.clear();
  store_->collect();
  EXPECT_TRUE(fs::exists(store_->lower_directories(id_of(web_))[0] / "top"));
}

TEST_F(Images, HeldImageIsNotRemoved) {
  {
    const auto hold = store_->hold(id_of(web_));
    EXPECT_EQ(failure([&] { store_->remove(web_id_, {.force = true}); }).kind(), Kind::conflict);
  }
  EXPECT_NO_THROW(store_->remove(web_id_, {}));
  EXPECT_EQ(failure([&] { const auto gone = store_->hold(id_of(web_)); }).kind(), Kind::not_found);
}

// --- pruning ---

TEST_F(Images, PruneRemovesOnlyNamelessImagesByDefault) {
  store_->tag("base:1", "web", "latest");
  const auto report = store_->prune({});
  EXPECT_THAT(flat(*report.ImagesDeleted), ElementsAre("Deleted " + web_id_, "Deleted " + web_chain_));
  EXPECT_EQ(report.SpaceReclaimed, 11);
  EXPECT_FALSE(store_->prune({}).ImagesDeleted);
}

TEST_F(Images, PruneOfAllSparesWhatIsUsed) {
  uses_ = {{.container_id = std::string(64, 'c'), .image_id = base_id_}};
  const auto report = store_->prune({{"dangling", {"false"}}});
  EXPECT_THAT(flat(*report.ImagesDeleted), Contains("Untagged web:latest"));
  EXPECT_TRUE(store_->find("base:1"));
  EXPECT_FALSE(store_->find("web"));
}

TEST_F(Images, PruneFilters) {
  EXPECT_FALSE(store_->prune({{"dangling", {"false"}}, {"label!", {"tier"}}, {"until", {"2020-01-01"}}}).ImagesDeleted);
  EXPECT_TRUE(store_->prune({{"dangling", {"false"}}, {"label", {"tier=front"}}}).ImagesDeleted);
  EXPECT_TRUE(store_->find("base:1"));
  EXPECT_EQ(failure([&] { store_->prune({{"name", {"x"}}}); }).message(), "invalid filter 'name'");
}

// --- importing ---

TEST_F(Images, ImportMakesAnImageOfOneLayer) {
  std::string status;
  const auto id =
      store_->import(test::source_of(test::gzip(top_layer_)),
                     {.repo = "imported", .tag = "v1", .message = "by hand", .changes = {"CMD [\"/top\"]", "ENV A=b"}},
                     [&](const json::Object& message) { status = message.at("status").as_string(); });
  EXPECT_EQ(status, id.to_string());
  const auto image = store_->inspect("imported:v1");
  EXPECT_EQ(image.Id, id.to_string());
  EXPECT_EQ(image.Comment, "by hand");
  EXPECT_THAT(image.Config.Cmd, ElementsAre("/top"));
  EXPECT_THAT(image.Config.Env, ElementsAre("A=b"));
  EXPECT_THAT(image.RootFS.Layers, ElementsAre(test::digest_of(top_layer_)));
  EXPECT_EQ(store_->history("imported:v1").at(0).Comment, "by hand");
  EXPECT_THAT(events_, ElementsAre("tag imported:v1", "import " + id.to_string()));
}

TEST_F(Images, ImportOfGarbageLeavesNothing) {
  const auto before = leftovers();
  const auto ignore = [](const json::Object&) {};
  EXPECT_THROW(store_->import(test::source_of(std::string(2000, 'x')), {}, ignore), Error);
  EXPECT_THROW(store_->import(test::source_of(top_layer_), {.changes = {"RUN x"}}, ignore), Error);
  EXPECT_THROW(store_->import(test::source_of(top_layer_), {.repo = "UPPER"}, ignore), Error);
  EXPECT_EQ(leftovers(), before);
}

TEST_F(Images, EmbeddedArchiveIsLoadedOnce) {
  auto hello = base_;
  hello.names = {"hello:latest"};
  const auto archive = docker_archive({hello});
  const auto bytes = std::as_bytes(std::span{archive});
  EXPECT_TRUE(ensure_loaded(*store_, "hello:latest", bytes));
  EXPECT_FALSE(ensure_loaded(*store_, "hello:latest", bytes));
}

TEST_F(Images, TotalsCountEachLayerOnce) {
  EXPECT_EQ(store_->totals().images, 2);
  EXPECT_EQ(store_->totals().bytes, 15);
}

TEST_F(Images, FindNameGivesATag) {
  EXPECT_EQ(store_->find_name(id_of(web_)), "web:latest");
  EXPECT_EQ(store_->find_name(content::sha256("x")), std::nullopt);
}

}  // namespace
}  // namespace berth::images

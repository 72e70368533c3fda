#include "oci/reference.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace berth::oci {
namespace {

const std::string digest = "sha256:" + std::string(64, 'a');

TEST(Reference, NamesGetDockersDefaults) {
  const std::pair<const char*, const char*> cases[] = {
      {"busybox", "docker.io/library/busybox"},
      {"busybox:1.36", "docker.io/library/busybox:1.36"},
      {"docker.io/busybox", "docker.io/library/busybox"},
      {"index.docker.io/busybox", "docker.io/library/busybox"},
      {"team/app", "docker.io/team/app"},
      {"localhost/app", "localhost/app"},
      {"localhost:5000/app:x", "localhost:5000/app:x"},
      {"ghcr.io/a/b/c", "ghcr.io/a/b/c"},
      {"Upper/app", "Upper/app"},
      {"[::1]:5000/app", "[::1]:5000/app"},
      {"a__b/c-d.e---f", "docker.io/a__b/c-d.e---f"},
  };
  for (const auto& [text, canonical] : cases) EXPECT_EQ(Reference::parse(text).to_string(), canonical);
}

TEST(Reference, FamiliarFormIsWhatPeopleWrite) {
  for (const auto* text : {"busybox:latest", "team/app:1", "ghcr.io/a/b:2", "localhost:5000/x"}) {
    EXPECT_EQ(Reference::parse(text).familiar(), text);
  }
  EXPECT_EQ(Reference::parse("docker.io/library/busybox").familiar(), "busybox");
  EXPECT_EQ(Reference::parse("docker.io/library/a/b").familiar(), "library/a/b");
}

TEST(Reference, TagAndDigestAreBothKept) {
  const auto reference = Reference::parse("busybox:1@" + digest);
  EXPECT_EQ(reference.tag(), "1");
  EXPECT_EQ(reference.digest()->to_string(), digest);
  EXPECT_EQ(reference.familiar(), "busybox:1@" + digest);
}

TEST(Reference, LatestIsTheDefaultTag) {
  EXPECT_EQ(Reference::parse("a").with_default_tag().familiar(), "a:latest");
  EXPECT_EQ(Reference::parse("a:1").with_default_tag().familiar(), "a:1");
  EXPECT_EQ(Reference::parse("a@" + digest).with_default_tag().familiar(), "a@" + digest);
}

TEST(Reference, MalformedTextsAreInvalid) {
  for (const std::string& text : {std::string{},
                                  std::string{"a b"},
                                  std::string{":tag"},
                                  std::string{"a:"},
                                  std::string{"a:b:c"},
                                  std::string{"-a"},
                                  std::string{"a-"},
                                  std::string{"a___b"},
                                  std::string{"a..b"},
                                  std::string{"a//b"},
                                  std::string{"../a"},
                                  std::string{"a/../b"},
                                  std::string{"/a"},
                                  std::string{"a@sha256:abc"},
                                  std::string{"a@sha256:../../x"},
                                  std::string{"a@md5:" + std::string(32, 'a')},
                                  std::string{"host:port/a"},
                                  "a:" + std::string(129, 'x'),
                                  std::string{"a\n"},
                                  std::string{"https://a.b/c"}}) {
    try {
      Reference::parse(text);
      ADD_FAILURE() << "accepted: " << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), Kind::invalid);
      EXPECT_EQ(error.message(), "invalid reference format") << text;
    }
    EXPECT_FALSE(Reference::try_parse(text));
  }
}

TEST(Reference, MessagesThatSayMore) {
  const auto message = [](const std::string& text) {
    try {
      Reference::parse(text);
    } catch (const Error& error) {
      return error.message();
    }
    return std::string{"accepted"};
  };
  EXPECT_EQ(message("Busybox"), "invalid reference format: repository name (library/Busybox) must be lowercase");
  const std::string id(64, 'a');
  EXPECT_EQ(message(id), "invalid repository name (" + id + "), cannot specify 64-byte hexadecimal strings");
  EXPECT_EQ(message(std::string(256, 'a') + "/b"), "repository name must not be more than 255 characters");
}

TEST(Digest, OnlyWellFormedSha256IsAccepted) {
  EXPECT_EQ(Digest::parse(digest).to_string(), digest);
  for (const std::string& text :
       {std::string{"sha256:../../x"}, std::string{"sha256:"}, "sha256:" + std::string(63, 'a'),
        "sha256:" + std::string(65, 'a'), "sha256:" + std::string(64, 'A'), "sha512:" + std::string(128, 'a'),
        std::string(64, 'a'), std::string{}}) {
    EXPECT_FALSE(Digest::try_parse(text)) << text;
    EXPECT_THROW(Digest::parse(text), Error) << text;
  }
}

}  // namespace
}  // namespace berth::oci

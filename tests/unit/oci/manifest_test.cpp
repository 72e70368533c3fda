#include "oci/manifest.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "oci/image_config.hpp"

namespace berth::oci {
namespace {

const std::string digest = "sha256:" + std::string(64, 'b');
const Descriptor manifest_descriptor{.mediaType = std::string{media_type::oci_manifest}};
const Descriptor index_descriptor{.mediaType = std::string{media_type::oci_index}};

std::string manifest_text(const std::string& more = {}) {
  return R"({"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":")" + digest +
         R"(","size":2},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":")" + digest +
         R"(","size":3}])" + more + "}";
}

TEST(Manifest, PartsAreRead) {
  const auto manifest = parse_manifest(manifest_text(), manifest_descriptor);
  EXPECT_EQ(manifest.config.digest.to_string(), digest);
  ASSERT_EQ(manifest.layers.size(), 1U);
  EXPECT_EQ(manifest.layers[0].size, 3);
}

TEST(Manifest, MediaTypeInsideMustBeTheDescriptors) {
  EXPECT_NO_THROW(parse_manifest(manifest_text(R"(,"mediaType":"application/vnd.oci.image.manifest.v1+json")"),
                                 manifest_descriptor));
  EXPECT_THROW(
      parse_manifest(manifest_text(R"(,"mediaType":"application/vnd.oci.image.index.v1+json")"), manifest_descriptor),
      Error);
}

TEST(Manifest, WhatCouldBeBothIsRefused) {
  EXPECT_THROW(parse_manifest(manifest_text(R"(,"manifests":[])"), manifest_descriptor), Error);
  EXPECT_THROW(parse_index(R"({"schemaVersion":2,"manifests":[],"layers":[]})", index_descriptor), Error);
  EXPECT_THROW(parse_index(R"({"schemaVersion":2,"manifests":[],"config":{}})", index_descriptor), Error);
}

TEST(Manifest, OldSchemaAndMissingConfigAreRefused) {
  EXPECT_THROW(parse_manifest(R"({"schemaVersion":1,"config":{"digest":")" + digest + R"("}})", manifest_descriptor),
               Error);
  EXPECT_THROW(parse_manifest(R"({"schemaVersion":2,"layers":[]})", manifest_descriptor), Error);
}

TEST(Manifest, DigestThatIsAPathIsRefused) {
  EXPECT_THROW(parse_index(R"({"schemaVersion":2,"manifests":[{"digest":"sha256:../../x"}]})", index_descriptor),
               Error);
}

TEST(Platform, AliasesAndDefaults) {
  EXPECT_EQ(to_string(parse_platform("linux/x86_64")), "linux/amd64");
  EXPECT_EQ(to_string(parse_platform("aarch64")), "linux/arm64");
  EXPECT_EQ(to_string(parse_platform("linux/arm/v7")), "linux/arm/v7");
  EXPECT_EQ(parse_platform("linux").architecture, host_platform().architecture);
  for (const auto* text : {"", "linux/", "a/b/c/d", "plan 9/amd64", "toaster"})
    EXPECT_THROW(parse_platform(text), Error) << text;
}

TEST(Platform, VariantsMatchWithTheirDefaults) {
  EXPECT_TRUE(matches(parse_platform("linux/arm64/v8"), parse_platform("linux/arm64")));
  EXPECT_TRUE(matches(parse_platform("linux/arm64"), parse_platform("linux/arm64/v8")));
  EXPECT_FALSE(matches(parse_platform("linux/arm/v6"), parse_platform("linux/arm/v7")));
  EXPECT_FALSE(matches(parse_platform("linux/amd64"), parse_platform("linux/arm64")));
}

TEST(ImageConfig, WrittenAndReadAgainIsTheSame) {
  const auto* text =
      R"({"architecture":"amd64","created":"2026-01-01T00:00:00Z","config":{"User":"web","ExposedPorts":{"80/tcp":{}},)"
      R"("Env":["A=b"],"Cmd":["x"],"Labels":{"k":"v"},"Healthcheck":{"Test":["CMD","x"],"Interval":5}},)"
      R"("history":[{"created_by":"RUN x","empty_layer":true}],"os":"linux","rootfs":{"type":"layers","diff_ids":[]}})";
  EXPECT_EQ(json::write(json::parse<ImageConfig>(text)), text);
}

TEST(ImageConfig, NullsAreAsGood) {
  const auto config = json::parse<ImageConfig>(R"({"config":null,"history":null,"rootfs":{"diff_ids":null}})");
  EXPECT_TRUE(config.config.Cmd.empty());
}

}  // namespace
}  // namespace berth::oci

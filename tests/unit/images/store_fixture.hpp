// A store in a temporary directory, and what its tests look at.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "../support/compress.hpp"
#include "../support/image_builder.hpp"
#include "base/error.hpp"
#include "content/content.hpp"
#include "images/images.hpp"
#include "metadata/database.hpp"
#include "snapshots/snapshots.hpp"

namespace berth::images {

class StoreTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "unpacking needs root";
    open();
  }

  /// As a daemon does that starts on what is on disk.
  void open() {
    store_.reset();
    database_ = std::make_unique<metadata::Database>(directory_.path() / "meta.db");
    content_ = std::make_unique<content::ContentStore>(directory_.path() / "content");
    snapshots_ = std::make_unique<snapshots::SnapshotStore>(directory_.path() / "snapshots");
    store_ = std::make_unique<ImageStore>(*content_, *snapshots_, *database_);
    store_->on_event([this](const ImageEvent& event) {
      const auto name = event.attributes.find("name");
      events_.push_back(event.action + " " + (name == event.attributes.end() ? std::string{} : name->second));
    });
    store_->on_uses([this] { return uses_; });
    store_->recover();
  }

  /// Loads and returns what was printed.
  std::string load(const std::string& archive, const LoadRequest& request = {.quiet = true}) {
    std::string output;
    store_->load(test::source_of(archive), request, [&](const json::Object& message) {
      if (const auto* stream = message.if_contains("stream")) output += stream->as_string();
    });
    return output;
  }

  template <class Action>
  Error failure(const Action& action) {
    try {
      action();
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "no error";
    return {Kind::internal, "no error"};
  }
  Error load_failure(const std::string& archive, const LoadRequest& request = {.quiet = true}) {
    return failure([&] { load(archive, request); });
  }

  oci::Digest id_of(const test::ImageSpec& image) { return content::sha256(test::config_text(image)); }

  /// Every file that is not part of an empty store.
  std::vector<std::string> leftovers() {
    std::vector<std::string> found;
    for (const auto* part :
         {"content/blobs/sha256", "content/ingest", "snapshots/overlay", "snapshots/ingest", "snapshots/discard"}) {
      for (const auto& entry : fs::directory_iterator{directory_.path() / part}) found.push_back(entry.path());
    }
    for (const auto* table : {"images", "image_layers", "image_names"}) {
      database_->query(std::string{"SELECT 1 FROM "} + table, {},
                       [&](const metadata::Row&) { found.emplace_back(table); });
    }
    return found;
  }

  std::vector<std::string> flat(const std::vector<DeleteItem>& items) {
    std::vector<std::string> lines;
    for (const auto& item : items) {
      lines.push_back(item.Untagged.empty() ? "Deleted " + item.Deleted : "Untagged " + item.Untagged);
    }
    return lines;
  }

  std::vector<std::string> listed(const Filters& filters, bool all = false) {
    std::vector<std::string> names;
    for (const auto& summary : store_->list({.all = all, .filters = filters})) {
      names.push_back(summary.RepoTags.empty() ? "<none>" : summary.RepoTags.front());
    }
    return names;
  }

  TempDir directory_{"/tmp", "berth-images-"};
  std::unique_ptr<metadata::Database> database_;
  std::unique_ptr<content::ContentStore> content_;
  std::unique_ptr<snapshots::SnapshotStore> snapshots_;
  std::unique_ptr<ImageStore> store_;
  std::vector<std::string> events_;
  std::vector<ContainerUse> uses_;

  const std::string base_layer_ = test::layer_with("base", "base");
  const std::string top_layer_ = test::layer_with("top", "top content");
  const test::ImageSpec base_{.layers = {base_layer_}, .names = {"base:1"}, .created = "2025-01-01T00:00:00Z"};
  const test::ImageSpec web_{
      .layers = {base_layer_, top_layer_}, .names = {"web:latest"}, .labels = {{"tier", "front"}}};
};

}  // namespace berth::images

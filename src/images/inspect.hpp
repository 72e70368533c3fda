// What the Engine API shows of images (v1.51), members named as on the wire.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "oci/image_config.hpp"

namespace berth::images {

/// One element of GET /images/json. Before API 1.43 clients expect "<none>:<none>" in place of empty lists.
struct Summary {
  std::int64_t Containers = -1;
  std::int64_t Created = 0;  ///< Unix seconds
  std::string Id;
  json::Nullable<std::map<std::string, std::string>> Labels;
  std::string ParentId;
  std::vector<std::string> RepoDigests, RepoTags;
  std::int64_t SharedSize = -1;
  std::int64_t Size = 0;
};
BOOST_DESCRIBE_STRUCT(Summary, (), (Containers, Created, Id, Labels, ParentId, RepoDigests, RepoTags, SharedSize, Size))

struct GraphDriver {
  std::map<std::string, std::string> Data;
  std::string Name;
};
BOOST_DESCRIBE_STRUCT(GraphDriver, (), (Data, Name))

struct RootFsSummary {
  std::string Type;
  json::OmitEmpty<std::vector<std::string>> Layers;
};
BOOST_DESCRIBE_STRUCT(RootFsSummary, (), (Type, Layers))

struct LocalMetadata {
  std::string LastTagTime;  ///< the zero time if it was never tagged here
};
BOOST_DESCRIBE_STRUCT(LocalMetadata, (), (LastTagTime))

/// GET /images/{name}/json.
struct Inspect {
  std::string Id;
  std::vector<std::string> RepoTags, RepoDigests;
  std::string Parent, Comment;
  json::OmitEmpty<std::string> Created;
  std::string DockerVersion, Author;
  oci::RunConfig Config;
  std::string Architecture;
  json::OmitEmpty<std::string> Variant;
  std::string Os;
  std::int64_t Size = 0;
  GraphDriver GraphDriver_;
  RootFsSummary RootFS;
  LocalMetadata Metadata;
};
BOOST_DESCRIBE_STRUCT(Inspect, (),
                      (Id, RepoTags, RepoDigests, Parent, Comment, Created, DockerVersion, Author, Config, Architecture,
                       Variant, Os, Size, GraphDriver_, RootFS, Metadata))

/// One element of GET /images/{name}/history.
struct HistoryItem {
  std::string Comment;
  std::int64_t Created = 0;  ///< Unix seconds
  std::string CreatedBy;
  std::string Id;  ///< "<missing>" but for steps that are images here
  std::int64_t Size = 0;
  json::Nullable<std::vector<std::string>> Tags;
};
BOOST_DESCRIBE_STRUCT(HistoryItem, (), (Comment, Created, CreatedBy, Id, Size, Tags))

/// One element of the answer of DELETE /images/{name}: exactly one of the two.
struct DeleteItem {
  json::OmitEmpty<std::string> Untagged;
  json::OmitEmpty<std::string> Deleted;
};
BOOST_DESCRIBE_STRUCT(DeleteItem, (), (Untagged, Deleted))

/// The answer of POST /images/prune.
struct PruneReport {
  json::Nullable<std::vector<DeleteItem>> ImagesDeleted;
  std::int64_t SpaceReclaimed = 0;
};
BOOST_DESCRIBE_STRUCT(PruneReport, (), (ImagesDeleted, SpaceReclaimed))

}  // namespace berth::images

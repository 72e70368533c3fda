// The configuration of an image (image-spec config.md, with Docker's additions): its digest is the image's ID.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "oci/digest.hpp"

namespace berth::oci {

/// Docker's HEALTHCHECK; times in nanoseconds.
struct ImageHealthcheck {
  json::OmitEmpty<std::vector<std::string>> Test;  ///< {"NONE"}, {"CMD", args...} or {"CMD-SHELL", command}
  std::optional<std::int64_t> Interval, Timeout, StartPeriod, StartInterval, Retries;
};
BOOST_DESCRIBE_STRUCT(ImageHealthcheck, (), (Test, Interval, Timeout, StartPeriod, StartInterval, Retries))

/// A set, written as an object of empty objects: {"80/tcp": {}}.
using NameSet = std::map<std::string, json::Object>;

/// What a container of this image uses unless told otherwise. What is empty is left out when written.
struct RunConfig {
  json::OmitEmpty<std::string> User;
  json::OmitEmpty<NameSet> ExposedPorts;
  json::OmitEmpty<std::vector<std::string>> Env;
  json::OmitEmpty<std::vector<std::string>> Entrypoint;
  json::OmitEmpty<std::vector<std::string>> Cmd;
  json::OmitEmpty<NameSet> Volumes;
  json::OmitEmpty<std::string> WorkingDir;
  json::OmitEmpty<std::map<std::string, std::string>> Labels;
  json::OmitEmpty<std::string> StopSignal;
  std::optional<bool> ArgsEscaped;
  std::optional<ImageHealthcheck> Healthcheck;
  json::OmitEmpty<std::vector<std::string>> OnBuild;
  json::OmitEmpty<std::vector<std::string>> Shell;
};
BOOST_DESCRIBE_STRUCT(RunConfig, (),
                      (User, ExposedPorts, Env, Entrypoint, Cmd, Volumes, WorkingDir, Labels, StopSignal, ArgsEscaped,
                       Healthcheck, OnBuild, Shell))

struct RootFs {
  std::string type;              ///< "layers"
  std::vector<Digest> diff_ids;  ///< of the uncompressed layers, lowest first
};
BOOST_DESCRIBE_STRUCT(RootFs, (), (type, diff_ids))

struct HistoryEntry {
  json::OmitEmpty<std::string> created;  ///< RFC 3339
  json::OmitEmpty<std::string> created_by;
  json::OmitEmpty<std::string> author;
  json::OmitEmpty<std::string> comment;
  std::optional<bool> empty_layer;  ///< true: this step made no layer
};
BOOST_DESCRIBE_STRUCT(HistoryEntry, (), (created, created_by, author, comment, empty_layer))

struct ImageConfig {
  json::OmitEmpty<std::string> architecture;
  json::OmitEmpty<std::string> variant;
  json::OmitEmpty<std::string> author;
  json::OmitEmpty<std::string> comment;
  json::OmitEmpty<std::string> created;  ///< RFC 3339; may be absent
  json::OmitEmpty<std::string> docker_version;
  RunConfig config;
  json::OmitEmpty<std::vector<HistoryEntry>> history;
  json::OmitEmpty<std::string> os;
  RootFs rootfs;
};
BOOST_DESCRIBE_STRUCT(ImageConfig, (),
                      (architecture, variant, author, comment, created, docker_version, config, history, os, rootfs))

}  // namespace berth::oci

// Names of images as users write them.
#pragma once

#include <string>
#include <string_view>

namespace berth::cli {

/// "registry:5000/team/app:1.2@sha256:..." in its parts; tag and digest are empty if not written.
struct ImageName {
  std::string repository;
  std::string tag;
  std::string digest;
};

ImageName split_image_name(std::string_view text);

/// Throws `invalid`, worded as docker does, if this cannot be the name of an image.
ImageName parse_image_name(std::string_view text);

/// "docker.io/library/busybox:latest": with the registry and the folder that are left out in writing.
std::string full_name(const ImageName& name);

/// Without docker.io/ and library/, as lists show it.
std::string familiar_repository(std::string_view repository);

/// The name with ":latest" if it has neither tag nor digest.
std::string with_default_tag(std::string_view text);

/// The first twelve digits of an ID, without "sha256:".
std::string short_id(std::string_view id);

}  // namespace berth::cli

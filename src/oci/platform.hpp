// The operating system and processor that an image is for.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace berth::oci {

struct Platform {
  std::string architecture;  ///< Go's names: "amd64", "arm64"
  std::string os;
  json::OmitEmpty<std::string> variant;  ///< "v8"
};
BOOST_DESCRIBE_STRUCT(Platform, (), (architecture, os, variant))

/// What this machine runs.
Platform host_platform();

/// "linux", "linux/amd64", "arm64", "linux/arm/v7", with the usual aliases (x86_64, aarch64, ...); what is left out is
/// the host's. Throws `invalid`.
Platform parse_platform(std::string_view text);

/// "linux/amd64" or "linux/arm/v7".
std::string to_string(const Platform& platform);

/// True if an image for `image` runs where `wanted` is asked for: same system and processor, and the variant if both
/// name one.
bool matches(const Platform& image, const Platform& wanted);

}  // namespace berth::oci

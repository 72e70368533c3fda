// Names inside a layer: made clean before anything is done with them.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace berth::snapshots {

/// The name relative to the layer's root without ".", ".." and doubled slashes; empty for the root itself. An absolute
/// name is taken from the layer's root, as Docker does. Throws `invalid` if "..", resolved by the text alone, leaves
/// the root.
std::string clean_path(std::string_view name);

/// "usr/bin/env" -> {"usr/bin", "env"}.
std::pair<std::string_view, std::string_view> split_path(std::string_view clean);

/// What the last part of a name says about the layers below (image-spec layer.md "Whiteouts").
enum class Whiteout {
  none,
  file,     ///< ".wh.name": name is gone
  opaque,   ///< ".wh..wh..opq": what is below in this directory is gone
  ignored,  ///< other ".wh..wh.*": bookkeeping of a file system of old
};

/// Throws `invalid` on a whiteout of "", "." or "..".
Whiteout classify(std::string_view base_name);

inline constexpr std::string_view whiteout_prefix = ".wh.";

}  // namespace berth::snapshots

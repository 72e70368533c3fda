// Parts of a container that both the list and `inspect` show.
#pragma once

#include <string>
#include <vector>

#include "base/file.hpp"
#include "containers/inspect.hpp"
#include "images/images.hpp"

namespace berth::containers {

/// Binds and mounts as `inspect` shows them under "Mounts".
std::vector<MountPoint> mount_points(const HostConfig& host_config);

/// `text_matches` for the name with or without its slash.
bool name_matches(const std::string& name, const std::string& pattern);

/// Bytes of an image's layers; 0 if it has been removed.
std::int64_t image_size(images::ImageStore& images, const oci::Digest& id);

/// Bytes that all but the directories in a directory take; 0 if it does not exist. Hard links count once. Reads without
/// any lock: what a running program adds or removes meanwhile may count or not.
std::int64_t directory_size(const fs::path& directory);

}  // namespace berth::containers

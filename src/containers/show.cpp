#include "containers/show.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <set>

#include "base/strings.hpp"

namespace berth::containers {
namespace {

/// "host:container[:options]" as a mount point.
MountPoint bind_point(const std::string& bind) {
  const auto parts = split(bind, ':');
  MountPoint point;
  point.Type = "bind";
  point.Source = parts.at(0);
  point.Destination = parts.size() > 1 ? parts[1] : parts[0];
  point.Mode = parts.size() > 2 ? parts[2] : "";
  point.Propagation = "rprivate";
  for (const auto& option : split(point.Mode, ',')) {
    if (option == "ro") point.RW = false;
    if (option.ends_with("shared") || option.ends_with("slave") || option.ends_with("private"))
      point.Propagation = option;
  }
  return point;
}

}  // namespace

std::vector<MountPoint> mount_points(const HostConfig& host_config) {
  std::vector<MountPoint> points;
  if (host_config.Binds) {
    for (const auto& bind : *host_config.Binds) points.push_back(bind_point(bind));
  }
  for (const auto& mount : host_config.Mounts) {
    MountPoint point;
    point.Type = mount.Type;
    point.Source = mount.Source;
    point.Destination = mount.Target;
    point.RW = !mount.ReadOnly.value_or(false);
    if (mount.Type == "bind") {
      point.Propagation = mount.BindOptions_ && !mount.BindOptions_->Propagation.empty()
                              ? static_cast<std::string>(mount.BindOptions_->Propagation)
                              : "rprivate";
    }
    points.push_back(std::move(point));
  }
  return points;
}

bool name_matches(const std::string& name, const std::string& pattern) {
  return text_matches(name, pattern) || text_matches("/" + name, pattern);
}

std::int64_t image_size(images::ImageStore& images, const oci::Digest& id) {
  return images.find(id.to_string()) ? images.inspect(id.to_string()).Size : 0;
}

std::int64_t directory_size(const fs::path& directory) {
  std::int64_t total = 0;
  std::set<ino_t> seen;
  std::error_code ignored;
  if (!fs::exists(directory, ignored)) return 0;
  const auto options = fs::directory_options::skip_permission_denied;
  for (fs::recursive_directory_iterator entry{directory, options, ignored}, end; entry != end;
       entry.increment(ignored)) {
    struct stat status {};
    if (::lstat(entry->path().c_str(), &status) < 0) continue;  // it went away meanwhile
    if (S_ISDIR(status.st_mode)) continue;
    if (status.st_nlink == 1 || seen.insert(status.st_ino).second) total += status.st_size;
  }
  return total;
}

}  // namespace berth::containers

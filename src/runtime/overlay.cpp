#include "runtime/overlay.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/utsname.h>

#include <cstdio>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"

namespace berth::runtime {
namespace {

using kernel::FileSystem;
using kernel::Mount;

/// The kernel takes at most 255 characters per option of the new API; longer paths go by descriptor.
constexpr std::size_t max_option = 255;

/// A path that the option's length allows; `keep` holds what it refers to.
std::string option_path(const std::string& path, std::vector<UniqueFd>& keep, std::size_t limit) {
  if (path.size() <= limit) return path;
  keep.push_back(open_file(path, O_PATH | O_DIRECTORY));
  return fd_path(keep.back());
}

/// Before Linux 6.5 overlay takes any option, and says only when it is mounted, and to the kernel's log, that it does
/// not know "lowerdir+".
bool overlay_knows_its_options() {
  utsname system{};
  unsigned major = 0;
  unsigned minor = 0;
  if (::uname(&system) < 0 || std::sscanf(system.release, "%u.%u", &major, &minor) != 2) return true;
  return std::pair{major, minor} >= std::pair{6U, 5U};
}

}  // namespace

Mount mount_overlay_in_one_option(const Overlay& overlay) {
  std::vector<UniqueFd> keep;
  std::string options = "lowerdir=";
  for (const auto& layer : overlay.lower) {
    options += option_path(layer, keep, 0) + ':';
  }
  options.pop_back();
  options += ",upperdir=" + option_path(overlay.upper, keep, 0) + ",workdir=" + option_path(overlay.work, keep, 0);
  if (options.size() >= 4096)
    throw Error{Kind::unsupported, "this kernel cannot mount {} layers", overlay.lower.size()};
  // By its path: a descriptor would go on to mean what lies under the mount.
  const auto* target = overlay.upper.c_str();
  if (::mount("overlay", target, "overlay", 0, options.c_str()) < 0) {
    throw Error::from_errno(errno, "mount overlay of {} layers", overlay.lower.size());
  }
  auto copy = Mount::clone_of(FdRef{AT_FDCWD}, target, false);
  if (::umount2(target, MNT_DETACH) < 0) throw Error::from_errno(errno, "unmount overlay");
  return copy;
}

Mount mount_overlay(const Overlay& overlay) {
  if (!overlay_knows_its_options()) return mount_overlay_in_one_option(overlay);
  std::vector<UniqueFd> keep;
  FileSystem layers{"overlay"};
  layers.set("source", "overlay");
  for (std::size_t index = 0; index < overlay.lower.size(); ++index) {
    const bool added = layers.try_set("lowerdir+", option_path(overlay.lower[index], keep, max_option));
    if (added) continue;
    if (index == 0) return mount_overlay_in_one_option(overlay);
    throw Error{Kind::unsupported, "cannot mount layer {} of {}", index + 1, overlay.lower.size()};
  }
  layers.set("upperdir", option_path(overlay.upper, keep, max_option));
  layers.set("workdir", option_path(overlay.work, keep, max_option));
  return layers.make();
}

}  // namespace berth::runtime

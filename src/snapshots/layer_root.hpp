// The directory that a layer is unpacked into, and the ways to put entries there without ever leaving it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hpp"
#include "snapshots/tar_reader.hpp"

namespace berth::snapshots {

/// Parents are opened with openat2(RESOLVE_IN_ROOT) and kept by descriptor; everything else is one name below a parent
/// that is open, never followed. Names are clean (clean_path). What is in the way is replaced, except that directories
/// merge.
class LayerRoot {
 public:
  explicit LayerRoot(UniqueFd root);

  void put_directory(const std::string& path, const TarEntry& entry);
  void put_symlink(const std::string& path, const TarEntry& entry);
  /// Devices and fifos.
  void put_node(const std::string& path, const TarEntry& entry);
  /// `target` must be in this layer, as Docker wants it too: a link to a file of a lower layer would not be one in
  /// overlayfs.
  void put_hard_link(const std::string& path, const std::string& target);
  /// A new empty file, open for writing; `finish_file` gives it its attributes.
  UniqueFd put_file(const std::string& path);
  static void finish_file(FdRef file, const TarEntry& entry);

  /// Hides `path` of the layers below.
  void put_whiteout(const std::string& path);
  /// Hides what the layers below have in the directory `path`.
  void make_opaque(const std::string& path);

  /// Sets the directories' times, which their contents kept changing. Call once, last.
  void finish();

 private:
  struct OpenDirectory {
    std::string path;
    UniqueFd fd;
    std::uint64_t last_use = 0;
  };
  struct DirectoryTime {
    std::string path;
    timespec mtime;
  };

  /// The descriptor is good until the next call of this or forget_open.
  FdRef open_directory(std::string_view directory);
  FdRef open_parent(std::string_view path);
  FdRef remember(std::string_view path, UniqueFd fd);
  void forget_open() noexcept;
  void remove_existing(FdRef parent, const std::string& name);
  void remember_time(const std::string& path, const timespec& mtime);

  UniqueFd root_;
  std::vector<OpenDirectory> open_;
  std::uint64_t uses_ = 0;
  std::vector<DirectoryTime> times_;
  std::size_t remembered_bytes_ = 0;
};

}  // namespace berth::snapshots

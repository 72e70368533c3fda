#include "snapshots/snapshots.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/id.hpp"
#include "base/strings.hpp"
#include "base/undo.hpp"

namespace berth::snapshots {
namespace {

constexpr const char* root_name = "fs";
constexpr const char* size_name = "size";

void rename_path(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) < 0) throw Error::from_errno(errno, "rename {}", quote(from.native()));
}

}  // namespace

SnapshotStore::SnapshotStore(const fs::path& root)
    : layers_(fs::absolute(root) / "overlay"),
      ingests_(fs::absolute(root) / "ingest"),
      discards_(fs::absolute(root) / "discard"),
      empty_(fs::absolute(root) / "empty") {
  for (const auto& path : {layers_, ingests_, discards_}) make_directories(path, 0700);
  make_directories(empty_, 0755);
}

Unpacked SnapshotStore::unpack(const content::Source& source) const {
  TempDir directory{ingests_, "layer-"};
  const auto root = directory.path() / root_name;
  // The layer's directory stays private; the root in it is what a container sees as "/".
  if (::mkdir(root.c_str(), 0755) < 0 || ::chmod(root.c_str(), 0755) < 0) {
    throw Error::from_errno(errno, "make {}", quote(root.native()));
  }
  auto digests = unpack_layer(source, open_directory(root));
  write_file(directory.path() / size_name, fmt::format("{}", digests.size), 0600);
  return {std::move(directory), std::move(digests)};
}

void SnapshotStore::commit(std::vector<Unpacked> layers) const {
  if (layers.empty()) return;
  // One sync of the whole file system: with thousands of files it is many times faster than a sync of each.
  if (::syncfs(open_directory(layers_).get()) < 0) throw Error::from_errno(errno, "sync layers");
  Undo undo;
  for (auto& layer : layers) {
    const auto& diff_id = layer.digests().diff_id;
    if (contains(diff_id)) continue;
    rename_path(layer.directory_.path(), entry(diff_id));
    layer.directory_.release();
    undo.add([this, diff_id] {
      try {
        discard(diff_id);
      } catch (const Error&) {  // Start-up removes it: no image refers to it.
        return;
      }
    });
  }
  sync_path(layers_);
  undo.dismiss();
}

bool SnapshotStore::contains(const oci::Digest& diff_id) const {
  return !diff_id.empty() && ::access(entry(diff_id).c_str(), F_OK) == 0;
}

fs::path SnapshotStore::directory(const oci::Digest& diff_id) const {
  return entry(diff_id) / root_name;
}

std::int64_t SnapshotStore::size(const oci::Digest& diff_id) const {
  const auto text = find_file(entry(diff_id) / size_name, 64);
  return text ? parse_number<std::int64_t>(*text).value_or(0) : 0;
}

std::vector<oci::Digest> SnapshotStore::list() const {
  std::vector<oci::Digest> diff_ids;
  for (const auto& item : fs::directory_iterator{layers_}) {
    if (auto diff_id = oci::Digest::try_parse("sha256:" + item.path().filename().native())) {
      diff_ids.push_back(std::move(*diff_id));
    }
  }
  return diff_ids;
}

void SnapshotStore::discard(const oci::Digest& diff_id) const {
  const auto target = discards_ / random_hex(8);
  if (::rename(entry(diff_id).c_str(), target.c_str()) < 0 && errno != ENOENT) {
    throw Error::from_errno(errno, "discard layer {}", diff_id);
  }
}

void SnapshotStore::purge() const {
  for (const auto& item : fs::directory_iterator{discards_}) remove_tree(item.path());
}

void SnapshotStore::recover() const {
  for (const auto& item : fs::directory_iterator{ingests_}) remove_tree(item.path());
  purge();
}

fs::path SnapshotStore::entry(const oci::Digest& diff_id) const {
  if (diff_id.empty()) throw Error{Kind::internal, "empty diff ID"};
  return layers_ / diff_id.hex();
}

}  // namespace berth::snapshots

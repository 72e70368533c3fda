#include "images/archive.hpp"

#include <algorithm>
#include <cstring>

#include "base/error.hpp"
#include "base/id.hpp"
#include "base/strings.hpp"
#include "content/decoder.hpp"
#include "images/progress.hpp"
#include "snapshots/layer_path.hpp"
#include "snapshots/tar_reader.hpp"

namespace berth::images {
namespace {

using snapshots::EntryType;
using snapshots::TarEntry;
using snapshots::TarReader;

constexpr std::size_t tar_block = 512;
constexpr std::uint64_t max_entries = 100'000;
constexpr std::int64_t max_document = 16 << 20;
constexpr std::size_t max_documents = 64U << 20U;
constexpr std::size_t max_trailing = 64U << 20U;
constexpr int max_links = 16;
constexpr std::string_view blobs = "blobs/sha256/";

/// The content of the reader's present entry as a stream.
class EntryStream {
 public:
  explicit EntryStream(TarReader& reader) : reader_(reader) {}

  std::size_t read(std::span<char> buffer) {
    while (unread_.empty() && !ended_) next_block();
    const auto size = std::min(buffer.size(), unread_.size());
    std::memcpy(buffer.data(), unread_.data(), size);
    unread_ = unread_.subspan(size);
    return size;
  }

 private:
  void next_block() {
    const auto block = reader_.next_block();
    ended_ = !block.has_value();
    if (ended_) return;
    // Holes cost the sender nothing, and us the time to read them: no image archive has any.
    if (block->offset != end_) throw Error{Kind::invalid, "sparse files are not accepted in an image archive"};
    unread_ = block->bytes;
    end_ += static_cast<std::int64_t>(unread_.size());
  }

  TarReader& reader_;
  std::span<const char> unread_;
  std::int64_t end_ = 0;
  bool ended_ = false;
};

/// A header block whose checksum is right; an empty tar begins with zeros.
bool is_tar_header(std::string_view block) {
  if (block.size() < tar_block) return false;
  if (std::ranges::all_of(block, [](char c) { return c == '\0'; })) return true;
  unsigned sum = 0;
  for (std::size_t i = 0; i < tar_block; ++i) {
    const bool in_checksum = i >= 148 && i < 156;
    sum += in_checksum ? unsigned{' '} : static_cast<unsigned char>(block[i]);
  }
  auto field = block.substr(148, 8);
  field = field.substr(0, field.find('\0'));
  return parse_number<unsigned>(trim(field), 8) == sum;
}

bool looks_like_layer(std::string_view head) {
  return head.starts_with("\x1f\x8b") || head.starts_with("\x28\xb5\x2f\xfd") || is_tar_header(head);
}

/// What the name says the diff ID is: blobs/sha256/<hex> of an uncompressed layer, <hex>.tar as podman writes it, or
/// <hex>/layer.tar, where Docker's older IDs, which are no diff IDs, match no layer.
std::optional<oci::Digest> promised_diff_id(std::string_view path) {
  auto [folder, name] = snapshots::split_path(path);
  if (name == "layer.tar") name = snapshots::split_path(folder).second;
  if (name.ends_with(".tar")) name.remove_suffix(4);
  return oci::Digest::try_parse("sha256:" + std::string{name});
}

/// Twelve digits for the progress line: of the digest in the name, or the old layer directory's.
std::string progress_id(std::string_view path) {
  if (const auto diff_id = promised_diff_id(path)) return short_id(diff_id->hex());
  const auto first = path.substr(0, path.find('/'));
  return is_full_id(first) ? short_id(first) : std::string{path.substr(0, 64)};
}

void check_name(std::string_view path, const oci::Digest& digest) {
  if (path.starts_with(blobs) && path.substr(blobs.size()) != digest.hex()) {
    throw Error{Kind::corrupt, "{}: its content has the digest {}", path, digest};
  }
}

}  // namespace

class Archive::Reader {
 public:
  Reader(Archive& archive, const Source& source, const snapshots::SnapshotStore& snapshots, HeldSet& held,
         const Messages& progress)
      : archive_(archive), snapshots_(snapshots), held_(held), progress_(progress), decoder_(source) {}

  void run() {
    TarReader reader{[&] { return decoder_.next(); }};
    std::uint64_t entries = 0;
    while (const auto* entry = reader.next()) {
      if (++entries > max_entries) throw Error{Kind::invalid, "the archive has more than {} entries", max_entries};
      const auto path = snapshots::clean_path(entry->path);
      if (entry->type == EntryType::file) read_file(reader, *entry, path);
      if (entry->type == EntryType::hard_link) add_link(path, snapshots::clean_path(entry->target));
      if (entry->type == EntryType::symlink && !entry->target.starts_with('/')) {
        const auto parent = std::string{snapshots::split_path(path).first};
        add_link(path, snapshots::clean_path(parent + "/" + std::string{entry->target}));
      }
    }
    // The rest of the stream is padding; reading it lets the sender finish, and a broken checksum show.
    std::size_t trailing = 0;
    for (auto bytes = decoder_.next(); !bytes.empty(); bytes = decoder_.next()) {
      trailing += bytes.size();
      if (trailing > max_trailing) throw Error{Kind::invalid, "more than {} bytes follow the archive", max_trailing};
    }
  }

 private:
  void read_file(TarReader& reader, const TarEntry& entry, const std::string& path) {
    const auto size = entry.size;
    EntryStream stream{reader};
    std::string head(tar_block, '\0');
    std::size_t filled = 0;
    while (filled < head.size()) {
      const auto got = stream.read(std::span{head}.subspan(filled));
      if (got == 0) break;
      filled += got;
    }
    head.resize(filled);
    archive_.links_.erase(path);
    if (looks_like_layer(head)) {
      archive_.documents_.erase(path);
      archive_.layers_.erase(path);
      archive_.layers_.emplace(path, read_layer(path, size, head, stream));
    } else if (size <= max_document) {
      read_document(path, size, std::move(head), stream);
    }
  }

  ArchiveLayer read_layer(const std::string& path, std::int64_t size, const std::string& head, EntryStream& stream) {
    LayerProgress progress{progress_, progress_id(path), size};
    std::string_view unread = head;
    const Source source = [&](std::span<char> buffer) {
      if (unread.empty()) {
        const auto got = stream.read(buffer);
        progress.add(got);
        return got;
      }
      const auto got = std::min(buffer.size(), unread.size());
      std::memcpy(buffer.data(), unread.data(), got);
      unread.remove_prefix(got);
      progress.add(got);
      return got;
    };
    ArchiveLayer layer;
    try {
      const auto promised = promised_diff_id(path);
      if (promised) held_.add(*promised);  // before looking: what is held stays
      if (promised && snapshots_.contains(*promised)) {
        layer.digests = snapshots::digest_layer(source);
        if (layer.digests.diff_id != *promised) {
          throw Error{Kind::corrupt, "its content has the digest {}", layer.digests.diff_id};
        }
      } else {
        layer.unpacked.emplace(snapshots_.unpack(source));
        layer.digests = layer.unpacked->digests();
      }
    } catch (Error& error) {
      throw error.in("layer {}", path);
    }
    check_name(path, layer.digests.blob);
    progress.finish();
    return layer;
  }

  void read_document(const std::string& path, std::int64_t size, std::string bytes, EntryStream& stream) {
    auto filled = bytes.size();
    bytes.resize(static_cast<std::size_t>(size));
    while (filled < bytes.size()) {
      const auto got = stream.read(std::span{bytes}.subspan(filled));
      if (got == 0) throw Error{Kind::invalid, "sparse files are not accepted in an image archive"};
      filled += got;
    }
    if (path.starts_with(blobs)) check_name(path, content::sha256(bytes));
    kept_bytes_ += bytes.size() + path.size();
    if (kept_bytes_ > max_documents) {
      throw Error{Kind::invalid, "the archive's documents are larger than {} bytes together", max_documents};
    }
    archive_.layers_.erase(path);
    archive_.documents_[path] = std::move(bytes);
  }

  void add_link(const std::string& path, std::string target) {
    kept_bytes_ += path.size() + target.size();
    if (kept_bytes_ > max_documents) throw Error{Kind::invalid, "the archive has too many links"};
    archive_.links_[path] = std::move(target);
  }

  Archive& archive_;
  const snapshots::SnapshotStore& snapshots_;
  HeldSet& held_;
  const Messages& progress_;
  content::Decoder decoder_;
  std::size_t kept_bytes_ = 0;
};

Archive::Archive(const Source& source, const snapshots::SnapshotStore& snapshots, HeldSet& held,
                 const Messages& progress) {
  Reader{*this, source, snapshots, held, progress}.run();
}

std::string Archive::resolve(std::string_view path) const {
  auto name = snapshots::clean_path(path);
  for (int hops = 0; hops < max_links; ++hops) {
    const auto link = links_.find(name);
    if (link == links_.end()) break;
    name = link->second;
  }
  return name;
}

const std::string* Archive::find_document(std::string_view path) const {
  const auto found = documents_.find(resolve(path));
  return found == documents_.end() ? nullptr : &found->second;
}

const std::string& Archive::document(std::string_view path) const {
  if (const auto* text = find_document(path)) return *text;
  throw Error{Kind::invalid, "invalid archive: it does not contain {}", quote(path)};
}

ArchiveLayer& Archive::layer(std::string_view path) {
  const auto found = layers_.find(resolve(path));
  if (found == layers_.end())
    throw Error{Kind::invalid, "invalid archive: it does not contain the layer {}", quote(path)};
  return found->second;
}

}  // namespace berth::images

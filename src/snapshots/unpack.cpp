#include "snapshots/unpack.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "content/read_ahead.hpp"
#include "snapshots/layer_path.hpp"
#include "snapshots/layer_root.hpp"
#include "snapshots/tar_reader.hpp"

namespace berth::snapshots {
namespace {

constexpr std::uint64_t max_entries = 10'000'000;
// After the archive's end there is padding, rarely more than a few kilobytes.
constexpr std::uint64_t max_trailing = 64U << 20U;

// Large enough that writing a file out by itself is no slower than with its neighbours.
constexpr std::int64_t early_write_size = 256 << 10;

/// The uncompressed stream, hashed as it is read.
class HashedLayer {
 public:
  explicit HashedLayer(const content::Source& source) : decoder_(source) {}

  std::span<const char> next() {
    const auto bytes = decoder_.next();
    hash_.update(bytes);
    return bytes;
  }

  /// After the last byte was read.
  LayerDigests digests() {
    LayerDigests digests{.diff_id = hash_.finish()};
    digests.blob = decoder_.compression() == content::Compression::none ? digests.diff_id : decoder_.input_digest();
    return digests;
  }

 private:
  content::Decoder decoder_;
  content::Sha256 hash_;
};

void write_at(FdRef file, std::span<const char> bytes, std::int64_t offset) {
  while (!bytes.empty()) {
    const auto written = ::pwrite(file.get(), bytes.data(), bytes.size(), offset);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw Error::from_errno(errno, "write");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    offset += written;
  }
}

void write_content(FdRef file, TarReader& reader, std::int64_t size) {
  std::int64_t end = 0;
  while (const auto block = reader.next_block()) {
    write_at(file, block->bytes, block->offset);
    end = std::max(end, block->offset + static_cast<std::int64_t>(block->bytes.size()));
  }
  // A hole at the end of a sparse file.
  if (end < size && ::ftruncate(file.get(), size) < 0) throw Error::from_errno(errno, "set size");
  // Only begins: commit() waits for all, and has less to wait for. A refusal costs nothing but that.
  if (end >= early_write_size) ::sync_file_range(file.get(), 0, 0, SYNC_FILE_RANGE_WRITE);
}

/// Returns the bytes that the entry adds to the layer's size.
std::int64_t apply(LayerRoot& root, TarReader& reader, const TarEntry& entry) {
  const auto path = clean_path(entry.path);
  const auto [parent, name] = split_path(path);
  switch (classify(name)) {
    case Whiteout::none: break;
    case Whiteout::ignored: return 0;
    case Whiteout::opaque: root.make_opaque(std::string{parent}); return 0;
    case Whiteout::file: {
      const auto hidden = name.substr(whiteout_prefix.size());
      root.put_whiteout(parent.empty() ? std::string{hidden} : std::string{parent} + "/" + std::string{hidden});
      return 0;
    }
  }
  switch (entry.type) {
    case EntryType::directory: root.put_directory(path, entry); return 0;
    case EntryType::file: {
      const auto file = root.put_file(path);
      write_content(file, reader, entry.size);
      LayerRoot::finish_file(file, entry);
      return entry.size;
    }
    case EntryType::symlink: root.put_symlink(path, entry); return static_cast<std::int64_t>(entry.target.size());
    case EntryType::hard_link: root.put_hard_link(path, clean_path(entry.target)); return 0;
    case EntryType::character_device:
    case EntryType::block_device:
    case EntryType::fifo: root.put_node(path, entry); return 0;
    case EntryType::other: return 0;
  }
  return 0;
}

/// What follows the archive's end counts for the digest.
void drain(content::ReadAhead& stream) {
  std::uint64_t trailing = 0;
  for (auto bytes = stream.next(); !bytes.empty(); bytes = stream.next()) {
    trailing += bytes.size();
    if (trailing > max_trailing)
      throw Error{Kind::invalid, "more than {} bytes follow the end of the layer", max_trailing};
  }
}

}  // namespace

LayerDigests unpack_layer(const content::Source& source, UniqueFd directory) {
  HashedLayer layer{source};
  content::ReadAhead stream{[&] { return layer.next(); }};
  TarReader reader{[&] { return stream.next(); }};
  LayerRoot root{std::move(directory)};
  std::int64_t size = 0;
  std::uint64_t entries = 0;
  while (const auto* entry = reader.next()) {
    if (++entries > max_entries) throw Error{Kind::invalid, "the layer has more than {} entries", max_entries};
    try {
      size += apply(root, reader, *entry);
    } catch (Error& error) {
      throw error.in("unpack {}", quote(entry->path));
    }
  }
  drain(stream);
  root.finish();
  auto digests = layer.digests();
  digests.size = size;
  return digests;
}

LayerDigests digest_layer(const content::Source& source) {
  HashedLayer layer{source};
  while (!layer.next().empty()) {
  }
  return layer.digests();
}

}  // namespace berth::snapshots

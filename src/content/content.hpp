// content: bytes by digest.
//
// Keeps immutable blobs under their sha256. A blob becomes visible only when it is complete, durable and its digest is
// right; what a crash leaves half-written is removed by recover(). Knows nothing of images: whoever stores a blob
// records that it needs it, and removes it.
//
// Uses: base, oci.   Used by: snapshots, images.   Threads: any.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hpp"
#include "base/file.hpp"
#include "content/sha256.hpp"
#include "oci/digest.hpp"

namespace berth::content {

class ContentStore;

/// A blob being written. Abandoned, with its file, unless committed.
class Ingest {
 public:
  Ingest(Ingest&& other) noexcept;
  Ingest& operator=(Ingest&&) = delete;
  Ingest(const Ingest&) = delete;
  Ingest& operator=(const Ingest&) = delete;
  ~Ingest();

  /// Throws `too_large` beyond the limit.
  void write(std::string_view bytes);
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

  /// Makes the blob durable and visible. Throws `corrupt` if it is not the expected one. An equal blob may exist
  /// already.
  oci::Digest commit(const std::optional<oci::Digest>& expected = std::nullopt);

 private:
  friend class ContentStore;
  Ingest(const ContentStore& store, fs::path path, UniqueFd file, std::uint64_t limit);

  const ContentStore& store_;
  fs::path path_;
  UniqueFd file_;
  std::uint64_t limit_;
  std::uint64_t size_ = 0;
  Sha256 hash_;
};

class ContentStore {
 public:
  /// `root` is <data-root>/content; it is made if missing.
  explicit ContentStore(fs::path root);

  [[nodiscard]] Ingest ingest(std::uint64_t limit) const;
  /// Stores bytes that are in memory.
  oci::Digest put(std::string_view bytes) const;

  [[nodiscard]] bool contains(const oci::Digest& digest) const;
  /// Throws `not_found`.
  [[nodiscard]] UniqueFd open(const oci::Digest& digest) const;
  /// The whole blob, its digest checked again: `corrupt` if the disk changed it, `too_large` beyond the limit.
  [[nodiscard]] std::string read(const oci::Digest& digest, std::size_t limit = 16U << 20U) const;
  /// Absence is fine.
  void remove(const oci::Digest& digest) const;
  [[nodiscard]] std::vector<oci::Digest> list() const;

  /// Removes what ingests of an earlier run left. Only while there are none.
  void recover() const;

 private:
  friend class Ingest;
  [[nodiscard]] fs::path blob_path(const oci::Digest& digest) const;

  fs::path blobs_;
  fs::path ingests_;
};

}  // namespace berth::content

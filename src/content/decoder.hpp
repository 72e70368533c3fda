// Streams as they come from clients and archives: plain, gzip or zstd, told apart by their first bytes.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "content/sha256.hpp"

namespace berth::content {

/// Gives the next bytes of a stream; 0 at its end. Throws when the stream breaks.
using Source = std::function<std::size_t(std::span<char>)>;

enum class Compression { none, gzip, zstd };

/// Decompresses a stream, in process and in bounded memory (a zstd window is at most 128 MiB).
class Decoder {
 public:
  /// Reads the first bytes to see what it is. Throws `unsupported` on xz and bzip2.
  explicit Decoder(Source source);
  ~Decoder();
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  [[nodiscard]] Compression compression() const noexcept { return compression_; }

  /// The next uncompressed bytes, valid until the next call; empty at the end.
  /// Throws `corrupt` if the compressed data is broken or ends early.
  std::span<const char> next();

  /// The digest of what was read from the source, for a compressed stream that was read to its end.
  oci::Digest input_digest() { return input_hash_.finish(); }

 private:
  struct Gzip;
  struct Zstd;

  bool refill();
  std::span<const char> next_plain();
  std::span<const char> next_gzip();
  std::span<const char> next_zstd();
  bool starts_next_member();

  Source source_;
  Compression compression_ = Compression::none;
  std::vector<char> input_;
  std::span<char> unread_;  ///< of input_
  std::vector<char> output_;
  Sha256 input_hash_;
  std::unique_ptr<Gzip> gzip_;
  std::unique_ptr<Zstd> zstd_;
};

}  // namespace berth::content

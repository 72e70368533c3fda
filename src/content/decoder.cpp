#include "content/decoder.hpp"

#include <isa-l/igzip_lib.h>
#include <zstd.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/error.hpp"

namespace berth::content {
namespace {

// Fits the second-level cache together with the output, and is long enough that a read costs nothing.
constexpr std::size_t buffer_size = 256U << 10U;

Compression detect(std::string_view head) {
  if (head.starts_with("\x1f\x8b")) return Compression::gzip;
  if (head.starts_with("\x28\xb5\x2f\xfd")) return Compression::zstd;
  // A skippable frame: 0x184D2A5?, little endian.
  if (head.size() >= 4 && (static_cast<unsigned char>(head[0]) & 0xf0U) == 0x50 &&
      head.substr(1, 3) == "\x2a\x4d\x18") {
    return Compression::zstd;
  }
  if (head.starts_with(std::string_view{"\xfd\x37zXZ\0", 6}))
    throw Error{Kind::unsupported, "xz compression is not supported"};
  if (head.starts_with("BZh")) throw Error{Kind::unsupported, "bzip2 compression is not supported"};
  return Compression::none;
}

}  // namespace

struct Decoder::Gzip {
  inflate_state state{};
  bool between_members = false;

  void start() {
    ::isal_inflate_init(&state);
    state.crc_flag = ISAL_GZIP;  // header and trailer too
    between_members = false;
  }
};

struct Decoder::Zstd {
  ZSTD_DStream* stream = ::ZSTD_createDStream();
  std::size_t pending = 0;   ///< 0 when a frame is complete
  bool output_full = false;  ///< there may be more to come without new input

  Zstd() {
    if (stream == nullptr) throw std::bad_alloc{};
  }
  ~Zstd() { ::ZSTD_freeDStream(stream); }
  Zstd(const Zstd&) = delete;
  Zstd& operator=(const Zstd&) = delete;
};

Decoder::Decoder(Source source) : source_(std::move(source)), input_(buffer_size) {
  // A source may give a few bytes at a time; the magic needs six.
  std::size_t filled = 0;
  while (filled < 6) {
    const auto size = source_(std::span{input_}.subspan(filled));
    if (size == 0) break;
    filled += size;
  }
  unread_ = std::span{input_}.first(filled);
  compression_ = detect({unread_.data(), unread_.size()});
  if (compression_ == Compression::none) return;
  output_.resize(buffer_size);
  input_hash_.update(unread_);
  if (compression_ == Compression::gzip) {
    gzip_ = std::make_unique<Gzip>();
    gzip_->start();
  } else {
    zstd_ = std::make_unique<Zstd>();
  }
}

Decoder::~Decoder() = default;

std::span<const char> Decoder::next() {
  switch (compression_) {
    case Compression::none: return next_plain();
    case Compression::gzip: return next_gzip();
    case Compression::zstd: return next_zstd();
  }
  return {};
}

bool Decoder::refill() {
  const auto size = source_(input_);
  unread_ = std::span{input_}.first(size);
  if (compression_ != Compression::none) input_hash_.update(unread_);
  return size > 0;
}

std::span<const char> Decoder::next_plain() {
  if (unread_.empty()) refill();
  return std::exchange(unread_, {});
}

/// gzip allows several members one after the other, and writers to tape pad with zeros.
bool Decoder::starts_next_member() {
  while (!unread_.empty() || refill()) {
    if (unread_.front() == '\x1f') return true;
    if (std::ranges::any_of(unread_, [](char c) { return c != '\0'; })) {
      throw Error{Kind::corrupt, "gzip: garbage after the end of the compressed data"};
    }
    unread_ = {};
  }
  return false;
}

std::span<const char> Decoder::next_gzip() {
  auto& state = gzip_->state;
  state.next_out = reinterpret_cast<std::uint8_t*>(output_.data());
  state.avail_out = static_cast<std::uint32_t>(output_.size());
  while (state.avail_out == output_.size()) {
    if (gzip_->between_members) {
      if (!starts_next_member()) return {};
      const auto out = state.next_out;
      const auto left = state.avail_out;
      gzip_->start();
      state.next_out = out;
      state.avail_out = left;
    }
    const bool ended = unread_.empty() && !refill();
    state.next_in = reinterpret_cast<std::uint8_t*>(unread_.data());
    state.avail_in = static_cast<std::uint32_t>(unread_.size());
    if (const int code = ::isal_inflate(&state); code < 0) {
      throw Error{Kind::corrupt, "gzip: {}", code == ISAL_INCORRECT_CHECKSUM ? "checksum error" : "invalid data"};
    }
    unread_ = unread_.last(state.avail_in);
    gzip_->between_members = state.block_state == ISAL_BLOCK_FINISH;
    if (ended && !gzip_->between_members && state.avail_out == output_.size()) {
      throw Error{Kind::corrupt, "gzip: unexpected end of the compressed data"};
    }
  }
  return std::span{output_}.first(output_.size() - state.avail_out);
}

std::span<const char> Decoder::next_zstd() {
  ZSTD_outBuffer out{output_.data(), output_.size(), 0};
  while (out.pos == 0) {
    if (unread_.empty() && !zstd_->output_full && !refill()) {
      if (zstd_->pending != 0) throw Error{Kind::corrupt, "zstd: unexpected end of the compressed data"};
      return {};
    }
    ZSTD_inBuffer in{unread_.data(), unread_.size(), 0};
    zstd_->pending = ::ZSTD_decompressStream(zstd_->stream, &out, &in);
    if (::ZSTD_isError(zstd_->pending) != 0) {
      throw Error{Kind::corrupt, "zstd: {}", ::ZSTD_getErrorName(zstd_->pending)};
    }
    unread_ = unread_.subspan(in.pos);
    zstd_->output_full = out.pos == out.size && zstd_->pending != 0;
  }
  return std::span{output_}.first(out.pos);
}

}  // namespace berth::content

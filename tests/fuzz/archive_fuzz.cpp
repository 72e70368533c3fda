// Any bytes as what a client may send: a compressed stream, a tar in it, and the documents and names that an archive
// holds. Nothing is written to disk; an Error is the right answer to almost all of it.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "base/error.hpp"
#include "content/decoder.hpp"
#include "oci/image_config.hpp"
#include "oci/manifest.hpp"
#include "oci/reference.hpp"
#include "snapshots/layer_path.hpp"
#include "snapshots/tar_reader.hpp"

namespace berth {
namespace {

constexpr std::size_t max_uncompressed = 16U << 20U;

void read_archive(std::string_view bytes) {
  content::Decoder decoder{[&](std::span<char> buffer) {
    const auto size = std::min(buffer.size(), bytes.size());
    std::memcpy(buffer.data(), bytes.data(), size);
    bytes.remove_prefix(size);
    return size;
  }};
  std::size_t total = 0;
  snapshots::TarReader reader{[&]() -> std::span<const char> {
    const auto piece = decoder.next();
    total += piece.size();
    return total > max_uncompressed ? std::span<const char>{} : piece;
  }};
  while (const auto* entry = reader.next()) {
    const auto path = snapshots::clean_path(entry->path);
    if (("/" + path + "/").find("/../") != std::string::npos) __builtin_trap();
    static_cast<void>(snapshots::classify(snapshots::split_path(path).second));
    while (reader.next_block()) {
    }
  }
}

void read_document(std::string_view text) {
  const oci::Descriptor manifest{.mediaType = std::string{oci::media_type::oci_manifest}};
  const oci::Descriptor index{.mediaType = std::string{oci::media_type::oci_index}};
  for (const auto& read : {+[](std::string_view t, const oci::Descriptor&d) { oci::parse_manifest(t, d); },
                           +[](std::string_view t, const oci::Descriptor&d) { oci::parse_index(t, d); },
                           +[](std::string_view t, const oci::Descriptor&) { json::parse<oci::ImageConfig>(t); }}) {
    try {
      read(text, text.size() % 2 == 0 ? manifest : index);
    } catch (const Error&) {  // refused
    }
  }
  if (const auto reference = oci::Reference::try_parse(text)) {
    // What we write we must read as the same.
    if (oci::Reference::parse(reference->familiar()) != *reference) __builtin_trap();
  }
}

}  // namespace
}  // namespace berth

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  try {
    berth::read_archive(bytes);
  } catch (const berth::Error&) {  // refused
  }
  berth::read_document(bytes);
  return 0;
}

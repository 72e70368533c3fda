// Compressed streams for tests.
#pragma once

#include <isa-l/igzip_lib.h>
#include <zstd.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace berth::test {

inline std::string gzip(std::string_view bytes) {
  isal_zstream stream{};
  ::isal_deflate_stateless_init(&stream);
  stream.gzip_flag = IGZIP_GZIP;
  stream.end_of_stream = 1;
  std::string in{bytes};
  std::string out(bytes.size() + bytes.size() / 8 + 1024, '\0');
  stream.next_in = reinterpret_cast<std::uint8_t*>(in.data());
  stream.avail_in = static_cast<std::uint32_t>(in.size());
  stream.next_out = reinterpret_cast<std::uint8_t*>(out.data());
  stream.avail_out = static_cast<std::uint32_t>(out.size());
  ::isal_deflate_stateless(&stream);
  out.resize(stream.total_out);
  return out;
}

inline std::string zstd(std::string_view bytes) {
  std::string out(::ZSTD_compressBound(bytes.size()), '\0');
  out.resize(::ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), 3));
  return out;
}

}  // namespace berth::test

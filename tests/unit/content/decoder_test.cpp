#include "content/decoder.hpp"

#include <gtest/gtest.h>

#include "../support/compress.hpp"
#include "../support/tar_builder.hpp"
#include "base/error.hpp"

namespace berth::content {
namespace {

using test::gzip;
using test::source_of;
using test::zstd;

std::string decode(const std::string& stream, std::size_t step = 65536) {
  Decoder decoder{source_of(stream, step)};
  std::string out;
  for (auto bytes = decoder.next(); !bytes.empty(); bytes = decoder.next()) out.append(bytes.data(), bytes.size());
  return out;
}

Kind failure(const std::string& stream) {
  try {
    decode(stream);
  } catch (const Error& error) {
    return error.kind();
  }
  return Kind::internal;
}

std::string text() {
  std::string bytes;
  for (int i = 0; i < 200'000; ++i) bytes += std::to_string(i * 7919);
  return bytes;
}

TEST(Decoder, EachCompressionGivesTheSameBytes) {
  const auto bytes = text();
  EXPECT_EQ(decode(bytes), bytes);
  EXPECT_EQ(decode(gzip(bytes)), bytes);
  EXPECT_EQ(decode(zstd(bytes)), bytes);
}

TEST(Decoder, SourceMayGiveFewBytesAtATime) {
  const std::string bytes(3000, 'x');
  for (const auto step : {1U, 7U}) {
    EXPECT_EQ(decode(bytes, step), bytes);
    EXPECT_EQ(decode(gzip(bytes), step), bytes);
    EXPECT_EQ(decode(zstd(bytes), step), bytes);
  }
}

TEST(Decoder, MembersFollowEachOther) {
  EXPECT_EQ(decode(gzip("one") + gzip("") + gzip("two") + std::string(512, '\0')), "onetwo");
  EXPECT_EQ(decode(zstd("one") + zstd("two")), "onetwo");
}

TEST(Decoder, HighlyCompressedDataComesOutWhole) {
  const std::string zeros(30U << 20U, '\0');
  EXPECT_EQ(decode(gzip(zeros)).size(), zeros.size());
  EXPECT_EQ(decode(zstd(zeros)).size(), zeros.size());
}

TEST(Decoder, BrokenStreamsAreCorrupt) {
  const auto bytes = text();
  for (const auto& packed : {gzip(bytes), zstd(bytes)}) {
    EXPECT_EQ(failure(packed.substr(0, packed.size() / 2)), Kind::corrupt);
    EXPECT_EQ(failure(packed.substr(0, packed.size() - 3)), Kind::corrupt);
    auto flipped = packed;
    flipped[packed.size() / 2] = static_cast<char>(~flipped[packed.size() / 2]);
    EXPECT_EQ(failure(flipped), Kind::corrupt);
  }
  EXPECT_EQ(failure(gzip("x") + "garbage"), Kind::corrupt);
}

TEST(Decoder, EmptyStreamIsEmpty) {
  EXPECT_EQ(decode(""), "");
}

TEST(Decoder, OtherCompressionsAreUnsupported) {
  EXPECT_EQ(failure(std::string("\xfd"
                                "7zXZ\0\0\0",
                                8)),
            Kind::unsupported);
  EXPECT_EQ(failure("BZh91AY&SY"), Kind::unsupported);
}

TEST(Decoder, InputDigestIsOfTheCompressedStream) {
  const auto packed = gzip(text());
  Decoder decoder{source_of(packed)};
  while (!decoder.next().empty()) {
  }
  EXPECT_EQ(decoder.input_digest(), sha256(packed));
}

}  // namespace
}  // namespace berth::content

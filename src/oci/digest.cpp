#include "oci/digest.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace berth::oci {
namespace {

constexpr std::string_view prefix = "sha256:";

bool is_sha256_hex(std::string_view text) {
  return text.size() == 64 &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace

std::optional<Digest> Digest::try_parse(std::string_view text) {
  if (!text.starts_with(prefix) || !is_sha256_hex(text.substr(prefix.size()))) return std::nullopt;
  return Digest{text.substr(prefix.size())};
}

Digest Digest::parse(std::string_view text) {
  if (auto digest = try_parse(text)) return *digest;
  if (!text.starts_with(prefix) && text.contains(':')) {
    throw Error{Kind::invalid, "unsupported digest algorithm: {}", quote(text.substr(0, 100))};
  }
  throw Error{Kind::invalid, "invalid digest: {}", quote(text.substr(0, 100))};
}

Digest Digest::from_hex(std::string_view hex) {
  if (!is_sha256_hex(hex)) throw Error{Kind::invalid, "invalid digest: {}", quote(hex.substr(0, 100))};
  return Digest{hex};
}

Digest Digest::from_json(const json::Value& value) {
  if (value.is_null()) return {};
  if (!value.is_string()) json::throw_mismatch(value, "digest", "string");
  return parse({value.get_string().data(), value.get_string().size()});
}

json::Value Digest::to_json() const {
  return json::to(to_string());
}

}  // namespace berth::oci

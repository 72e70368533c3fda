// The digest of a blob: "sha256:" and 64 lower-case hexadecimal digits.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.hpp"

namespace berth::oci {

/// A checked digest: safe as a file name. Only sha256, the one algorithm that images use. Default: empty, of nothing.
class Digest {
 public:
  Digest() = default;

  /// Throws `invalid` on anything but "sha256:<64 lower-case hexadecimal digits>".
  static Digest parse(std::string_view text);
  /// Nothing instead of an exception.
  static std::optional<Digest> try_parse(std::string_view text);
  /// From the 64 digits alone; throws `invalid`.
  static Digest from_hex(std::string_view hex);

  [[nodiscard]] const std::string& hex() const noexcept { return hex_; }
  [[nodiscard]] std::string to_string() const { return empty() ? std::string{} : "sha256:" + hex_; }
  [[nodiscard]] bool empty() const noexcept { return hex_.empty(); }
  auto operator<=>(const Digest&) const = default;

  static Digest from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;

 private:
  explicit Digest(std::string_view hex) : hex_(hex) {}
  std::string hex_;
};

}  // namespace berth::oci

template <>
struct fmt::formatter<berth::oci::Digest> : fmt::formatter<std::string> {
  template <class Context>
  auto format(const berth::oci::Digest& digest, Context& context) const {
    return fmt::formatter<std::string>::format(digest.to_string(), context);
  }
};

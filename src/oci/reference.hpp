// References to images, "name:tag@digest", in Docker's grammar and with Docker's defaults.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "oci/digest.hpp"

namespace berth::oci {

/// A checked reference. `busybox` is docker.io/library/busybox without a tag; `ghcr.io/a/b:1` is what it says.
class Reference {
 public:
  /// Throws `invalid` with Docker's texts: "invalid reference format", "... repository name (library/X) must be
  /// lowercase".
  static Reference parse(std::string_view text);
  static std::optional<Reference> try_parse(std::string_view text);

  /// "docker.io", "localhost:5000": the registry.
  [[nodiscard]] const std::string& domain() const noexcept { return domain_; }
  /// "library/busybox".
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] const std::optional<std::string>& tag() const noexcept { return tag_; }
  [[nodiscard]] const std::optional<Digest>& digest() const noexcept { return digest_; }

  /// "docker.io/library/busybox".
  [[nodiscard]] std::string name() const { return domain_ + "/" + path_; }
  /// "busybox": without the default registry and its "library/".
  [[nodiscard]] std::string familiar_name() const;
  /// "docker.io/library/busybox:latest@sha256:...", whatever of it there is.
  [[nodiscard]] std::string to_string() const { return name() + suffix(); }
  /// "busybox:latest": as people write it.
  [[nodiscard]] std::string familiar() const { return familiar_name() + suffix(); }

  /// The same with ":latest" if there is neither tag nor digest.
  [[nodiscard]] Reference with_default_tag() const;
  /// The same name with this tag and no digest; throws `invalid` ("invalid tag format") on a bad tag.
  [[nodiscard]] Reference with_tag(std::string_view tag) const;
  [[nodiscard]] Reference with_digest(const Digest& digest) const;
  /// The name alone.
  [[nodiscard]] Reference without_version() const;

  bool operator==(const Reference&) const = default;

 private:
  Reference() = default;
  [[nodiscard]] std::string suffix() const;

  std::string domain_;
  std::string path_;
  std::optional<std::string> tag_;
  std::optional<Digest> digest_;
};

}  // namespace berth::oci

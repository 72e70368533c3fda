#include "oci/platform.hpp"

#include <sys/utsname.h>

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "base/strings.hpp"

namespace berth::oci {
namespace {

/// The names that people and `uname -m` use, and Go's.
constexpr std::pair<std::string_view, std::string_view> architecture_aliases[] = {
    {"x86_64", "amd64"}, {"x86-64", "amd64"}, {"aarch64", "arm64"}, {"armhf", "arm"},   {"armel", "arm"},
    {"armv7l", "arm"},   {"i386", "386"},     {"i686", "386"},      {"ppc64", "ppc64"},
};

constexpr std::string_view architectures[] = {"386",      "amd64", "arm",     "arm64",   "loong64", "mips64",
                                              "mips64le", "ppc64", "ppc64le", "riscv64", "s390x"};

std::string normal_architecture(std::string_view name) {
  const auto lower = to_lower(name);
  for (const auto& [alias, wanted] : architecture_aliases) {
    if (alias == lower) return std::string{wanted};
  }
  return lower;
}

bool is_known_architecture(const std::string& name) {
  return std::ranges::find(architectures, name) != std::end(architectures);
}

/// arm64 has one variant, v8, which is as good as none; arm without one means v7.
std::string normal_variant(const std::string& architecture, const std::string& variant) {
  if (architecture == "arm64" && (variant.empty() || variant == "8")) return "v8";
  if (architecture == "arm" && variant.empty()) return "v7";
  return variant;
}

}  // namespace

Platform host_platform() {
  utsname names{};
  if (::uname(&names) < 0) throw Error::from_errno(errno, "uname");
  return {.architecture = normal_architecture(static_cast<const char*>(names.machine)), .os = "linux"};
}

Platform parse_platform(std::string_view text) {
  const auto parts = split(text, '/');
  const bool well_formed =
      parts.size() <= 3 && std::ranges::all_of(parts, [](const std::string& part) {
        return !part.empty() &&
               part.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") ==
                   std::string::npos;
      });
  if (!well_formed) throw Error{Kind::invalid, "{}: invalid platform", quote(text)};
  Platform platform = host_platform();
  if (parts.size() == 1) {
    if (const auto architecture = normal_architecture(parts[0]); is_known_architecture(architecture)) {
      platform.architecture = architecture;
    } else if (const auto os = to_lower(parts[0]);
               os == "linux" || os == "windows" || os == "darwin" || os == "freebsd") {
      platform.os = os;
    } else {
      throw Error{Kind::invalid, "{}: unknown operating system or architecture", quote(text)};
    }
    return platform;
  }
  platform.os = to_lower(parts[0]);
  platform.architecture = normal_architecture(parts[1]);
  if (parts.size() == 3) platform.variant = to_lower(parts[2]);
  return platform;
}

std::string to_string(const Platform& platform) {
  std::string text = platform.os + "/" + platform.architecture;
  if (!platform.variant.empty()) text += "/" + platform.variant;
  return text;
}

bool matches(const Platform& image, const Platform& wanted) {
  const auto architecture = normal_architecture(image.architecture);
  if (to_lower(image.os) != wanted.os || architecture != wanted.architecture) return false;
  return image.variant.empty() || wanted.variant.empty() ||
         normal_variant(architecture, image.variant) == normal_variant(wanted.architecture, wanted.variant);
}

}  // namespace berth::oci

#include "snapshots/layer_path.hpp"

#include "base/error.hpp"

namespace berth::snapshots {

std::string clean_path(std::string_view name) {
  std::string clean;
  clean.reserve(name.size());
  for (std::size_t at = 0; at < name.size();) {
    const auto end = std::min(name.find('/', at), name.size());
    const auto part = name.substr(at, end - at);
    at = end + 1;
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      if (!clean.empty()) clean += '/';
      clean += part;
      continue;
    }
    if (clean.empty()) throw Error{Kind::invalid, "{} is outside of the image's root", quote(name)};
    const auto slash = clean.rfind('/');
    clean.resize(slash == std::string::npos ? 0 : slash);
  }
  return clean;
}

std::pair<std::string_view, std::string_view> split_path(std::string_view clean) {
  const auto slash = clean.rfind('/');
  if (slash == std::string_view::npos) return {{}, clean};
  return {clean.substr(0, slash), clean.substr(slash + 1)};
}

Whiteout classify(std::string_view base_name) {
  if (!base_name.starts_with(whiteout_prefix)) return Whiteout::none;
  if (base_name == ".wh..wh..opq") return Whiteout::opaque;
  if (base_name.starts_with(".wh..wh.")) return Whiteout::ignored;
  const auto hidden = base_name.substr(whiteout_prefix.size());
  if (hidden.empty() || hidden == "." || hidden == "..") {
    throw Error{Kind::invalid, "whiteout {} names no file", quote(base_name)};
  }
  return Whiteout::file;
}

}  // namespace berth::snapshots

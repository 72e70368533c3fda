#include "cli/image_name.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/strings.hpp"

namespace berth::cli {
namespace {

bool is_component(std::string_view part) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !part.empty() && plain(part.front()) && plain(part.back()) && !part.contains("..") &&
         std::all_of(part.begin(), part.end(), [&](char c) { return plain(c) || c == '.' || c == '_' || c == '-'; });
}

bool is_domain(std::string_view part) {
  return part.find_first_of(".:") != std::string_view::npos || part == "localhost" || to_lower(part) != part;
}

bool is_tag(std::string_view tag) {
  return !tag.empty() && tag.size() <= 128 && tag[0] != '.' && tag[0] != '-' &&
         tag.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") ==
             std::string_view::npos;
}

}  // namespace

ImageName split_image_name(std::string_view text) {
  ImageName name;
  if (const auto at = text.find('@'); at != std::string_view::npos) {
    name.digest = text.substr(at + 1);
    text = text.substr(0, at);
  }
  const auto colon = text.rfind(':');
  const auto slash = text.rfind('/');
  if (colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash)) {
    name.tag = text.substr(colon + 1);
    text = text.substr(0, colon);
  }
  name.repository = text;
  return name;
}

ImageName parse_image_name(std::string_view text) {
  auto name = split_image_name(text);
  auto parts = split(name.repository, '/');
  const bool has_domain = parts.size() > 1 && is_domain(parts.front());
  std::string path = name.repository;
  if (has_domain) {
    path = path.substr(parts.front().size() + 1);
    parts.erase(parts.begin());
  }
  if (to_lower(path) != path) {
    throw Error{Kind::invalid, "invalid reference format: repository name ({}{}) must be lowercase",
                parts.size() == 1 && !has_domain ? "library/" : "", path};
  }
  const bool tag_ok = name.tag.empty() ? !text.ends_with(':') : is_tag(name.tag);
  if (!tag_ok || !std::all_of(parts.begin(), parts.end(), is_component)) {
    throw Error{Kind::invalid, "invalid reference format"};
  }
  return name;
}

std::string full_name(const ImageName& name) {
  const auto slash = name.repository.find('/');
  const bool has_domain = slash != std::string::npos && is_domain(name.repository.substr(0, slash));
  const std::string prefix = has_domain ? "" : slash == std::string::npos ? "docker.io/library/" : "docker.io/";
  return prefix + name.repository + (name.tag.empty() ? "" : ":" + name.tag) +
         (name.digest.empty() ? "" : "@" + name.digest);
}

std::string familiar_repository(std::string_view repository) {
  for (const std::string_view domain : {"docker.io/", "index.docker.io/"}) {
    if (repository.starts_with(domain)) repository.remove_prefix(domain.size());
  }
  constexpr std::string_view official = "library/";
  if (repository.starts_with(official) && repository.find('/', official.size()) == std::string_view::npos) {
    repository.remove_prefix(official.size());
  }
  return std::string{repository};
}

std::string with_default_tag(std::string_view text) {
  const auto name = split_image_name(text);
  return std::string{text} + (name.tag.empty() && name.digest.empty() ? ":latest" : "");
}

std::string short_id(std::string_view id) {
  if (const auto colon = id.find(':'); colon != std::string_view::npos) id.remove_prefix(colon + 1);
  return std::string{id.substr(0, 12)};
}

}  // namespace berth::cli

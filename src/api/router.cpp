#include <optional>

#include "api/routes.hpp"

namespace berth::api {
namespace {

struct SplitPath {
  std::optional<std::string> version;
  std::string_view rest;
};

/// "/v1.24/info" -> {"1.24", "/info"}; a first segment that is no version stays part of the path.
SplitPath split_version(std::string_view path) {
  if (!path.starts_with("/v")) return {std::nullopt, path};
  const auto slash = path.find('/', 1);
  if (slash == std::string_view::npos) return {std::nullopt, path};
  const auto version = path.substr(2, slash - 2);
  if (version.empty() || version.find_first_not_of("0123456789.") != std::string_view::npos)
    return {std::nullopt, path};
  return {std::string{version}, path.substr(slash)};
}

ApiVersion check_version(const std::string& text) {
  const auto parts = split_once(text, '.').value_or(std::pair{std::string_view{text}, std::string_view{"0"}});
  const auto major = parse_number<int>(parts.first);
  const auto minor = parse_number<int>(parts.second);
  if (!major || !minor) throw Error{Kind::invalid, "malformed API version {}", quote(text)};
  const ApiVersion version{*major, *minor};
  if (version < oldest_version) {
    throw Error{Kind::invalid,
                "client version {} is too old. Minimum supported API version is {}.{}, please upgrade your client to a "
                "newer version",
                text, oldest_version.major, oldest_version.minor};
  }
  if (version > newest_version) {
    throw Error{Kind::invalid, "client version {} is too new. Maximum supported API version is {}.{}", text,
                newest_version.major, newest_version.minor};
  }
  return version;
}

/// The part that `{name}` stands for ("" for patterns without one); nothing if the path does not match.
std::optional<std::string_view> match(std::string_view pattern, std::string_view path) {
  const auto brace = pattern.find('{');
  if (brace == std::string_view::npos) return pattern == path ? std::optional{std::string_view{}} : std::nullopt;
  const auto prefix = pattern.substr(0, brace);
  const auto suffix = pattern.substr(pattern.find('}') + 1);
  if (path.size() <= prefix.size() + suffix.size() || !path.starts_with(prefix) || !path.ends_with(suffix)) {
    return std::nullopt;
  }
  return path.substr(prefix.size(), path.size() - prefix.size() - suffix.size());
}

/// Whether a path that is known under another method only is worth a 405: "/containers/a/nothing" also looks like a
/// container's name with a slash in it, and is no path of the API.
bool names_a_resource(const Route& route, std::string_view name) {
  return !route.pattern.ends_with('}') || !name.contains('/');
}

}  // namespace

const Route& Router::find(Request& request) const {
  const auto path = split_version(request.path());
  const Route* found = nullptr;
  std::string_view name;
  bool other_method = false;
  for (const auto& table : tables_) {
    for (const auto& route : table) {
      const auto matched = match(route.pattern, path.rest);
      if (!matched) continue;
      if (route.method != request.method()) {
        other_method = other_method || names_a_resource(route, *matched);
      } else if (found == nullptr || matched->size() < name.size()) {  // the most literal pattern wins
        found = &route;
        name = *matched;
      }
    }
  }
  if (found == nullptr && !other_method) throw Error{Kind::not_found, "page not found"};
  const auto version = path.version ? check_version(*path.version) : newest_version;
  if (found == nullptr) {
    throw Error{Kind::not_allowed, "method {} is not allowed for {}", to_string(request.method()), path.rest};
  }
  request.set_route(version, std::string{path.rest}, std::string{name});
  return *found;
}

Reply Router::answer(Request& request, engine::Engine& engine) const {
  if (request.method() == Method::options) return Reply::empty(200);  // on any path, as Docker
  const auto& route = find(request);
  if (route.handle == nullptr) throw Error{Kind::unsupported, "{}", route.not_yet};
  return route.handle(request, engine);
}

}  // namespace berth::api

#include "base/strings.hpp"
#include "client/client.hpp"

namespace berth::client {
namespace {

/// Slashes of an image's name belong to the path.
std::string path_of(const std::string& name, std::string_view action = {}) {
  std::vector<std::string> parts;
  for (const auto& part : split(name, '/')) parts.push_back(percent_encode(part));
  return fmt::format("/images/{}{}", join(parts, "/"), action);
}

json::Array array_or_empty(json::Value answer) {
  return answer.is_array() ? std::move(answer.get_array()) : json::Array{};
}

}  // namespace

json::Array Images::list(bool all, const Filters& filters) {
  return array_or_empty(
      client_.call("GET", "/images/json", {{"all", all ? "1" : ""}, {"filters", to_parameter(filters)}}));
}

json::Value Images::inspect(const std::string& name) {
  return client_.call("GET", path_of(name, "/json"));
}

json::Array Images::history(const std::string& name) {
  return array_or_empty(client_.call("GET", path_of(name, "/history")));
}

void Images::tag(const std::string& name, const std::string& repository, const std::string& tag) {
  client_.call("POST", path_of(name, "/tag"), {{"repo", repository}, {"tag", tag}});
}

json::Array Images::remove(const std::string& name, bool force, bool prune_parents) {
  return array_or_empty(
      client_.call("DELETE", path_of(name), {{"force", force ? "1" : ""}, {"noprune", prune_parents ? "" : "1"}}));
}

json::Value Images::prune(const Filters& filters) {
  return client_.call("POST", "/images/prune", {{"filters", to_parameter(filters)}});
}

Stream Images::load(const Source& archive, bool quiet, const std::string& platform) {
  return client_.upload("/images/load", {{"quiet", quiet ? "1" : "0"}, {"platform", platform}}, archive);
}

Stream Images::import(const Source& archive, const Query& parameters) {
  return client_.upload("/images/create", parameters, archive);
}

Stream Images::pull(const std::string& name, const std::string& tag, const std::string& platform) {
  return client_.stream("POST", "/images/create", {{"fromImage", name}, {"tag", tag}, {"platform", platform}});
}

Stream Images::push(const std::string& name, const std::string& tag) {
  return client_.stream("POST", path_of(name, "/push"), {{"tag", tag}});
}

Stream Images::save(const std::vector<std::string>& names) {
  Query query;
  for (const auto& name : names) query.emplace_back("names", name);
  return client_.stream("GET", "/images/get", query);
}

}  // namespace berth::client

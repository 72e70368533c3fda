#include "api/old_versions.hpp"

namespace berth::api {

void to_newest(containers::CreateBody& body, ApiVersion version) {
  auto& host = body.HostConfig_;
  if (version < ApiVersion{1, 25}) host.AutoRemove = false;  // the client removed the container itself
  if (version < ApiVersion{1, 40} && host.PidsLimit.value_or(0) <= 0) host.PidsLimit.reset();
  if (version < ApiVersion{1, 41} && host.CgroupnsMode.empty()) host.CgroupnsMode = "host";
  if (version < ApiVersion{1, 42}) host.ConsoleSize = {0, 0};
  if (version < ApiVersion{1, 43}) host.Annotations.reset();
  if (version < ApiVersion{1, 44} && body.Healthcheck_) body.Healthcheck_->StartInterval.reset();
}

void to_newest(containers::UpdateRequest& body, ApiVersion version) {
  if (version < ApiVersion{1, 40}) body.PidsLimit.reset();
}

void to_newest(network::CreateRequest& body, ApiVersion version) {
  if (version < ApiVersion{1, 48}) body.EnableIPv4.reset();
}

bool shows_members_in_lists(ApiVersion version) {
  return version < ApiVersion{1, 28};
}

void add_old_image_filter(Filters& filters, const Request& request) {
  if (request.version() >= ApiVersion{1, 41}) return;
  if (const auto reference = request.query_or("filter", ""); !reference.empty())
    filters["reference"].push_back(reference);
}

void to_version(json::Value& image, ApiVersion version) {
  auto& object = image.as_object();
  const auto* id = object.if_contains("ParentId");
  if (version < ApiVersion{1, 43} && id != nullptr) {  // only elements of a list
    if (object["RepoTags"].as_array().empty()) object["RepoTags"] = json::Array{"<none>:<none>"};
    if (object["RepoDigests"].as_array().empty()) object["RepoDigests"] = json::Array{"<none>@<none>"};
  }
  if (version < ApiVersion{1, 44}) object["VirtualSize"] = object["Size"];
}

}  // namespace berth::api

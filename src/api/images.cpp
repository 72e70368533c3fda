// Images.
#include "api/old_versions.hpp"
#include "api/resources.hpp"
#include "base/log.hpp"
#include "engine/engine.hpp"

namespace berth::api {
namespace {

using engine::Engine;

/// Messages of load and import, one JSON object each; every one reaches the client at once.
class MessageStream {
 public:
  explicit MessageStream(BodyWriter& out) : out_(out) {}

  void send(const json::Object& message) {
    out_.write(json::write(json::Value(message)) + "\r\n");
    out_.flush();
  }
  /// An error as the last message: the status was sent long ago.
  void fail(const Error& error) {
    if (error.kind() == Kind::cancelled) throw error;
    if (error.kind() == Kind::internal) log::error("reading an image failed", {{"error", error.message()}});
    send({{"errorDetail", {{"message", to_valid_utf8(error.message())}}}, {"error", to_valid_utf8(error.message())}});
  }

 private:
  BodyWriter& out_;
};

std::optional<oci::Platform> platform_of(const Request& request, std::string_view key) {
  const auto text = request.query_or(key, "");
  if (text.empty()) return std::nullopt;
  return oci::parse_platform(text);
}

/// `load` takes the platform as JSON, unlike all others.
std::optional<oci::Platform> json_platform_of(const Request& request) {
  const auto text = request.query_or("platform", "");
  if (text.empty() || request.version() < ApiVersion{1, 48}) return std::nullopt;
  return json::parse<oci::Platform>(text);
}

/// Errors come within the stream, as Docker sends them: the client reads them as the last message.
Reply load(const Request& request, Engine& engine) {
  images::LoadRequest load{.quiet = request.flag("quiet", true), .platform = json_platform_of(request)};
  return Reply::stream("application/json", [load, &request, &engine](BodyWriter& out) {
    MessageStream messages{out};
    try {
      engine.images().load([&](std::span<char> buffer) { return request.read_body(buffer); }, load,
                           [&](const json::Object& message) { messages.send(message); });
    } catch (const Error& error) {
      messages.fail(error);
    }
  });
}

Reply import(const Request& request, Engine& engine) {
  images::ImportRequest import{.repo = request.query_or("repo", ""),
                               .tag = request.query_or("tag", ""),
                               .message = request.query_or("message", ""),
                               .changes = request.queries("changes"),
                               .platform = platform_of(request, "platform")};
  return Reply::stream("application/json", [import, &request, &engine](BodyWriter& out) {
    MessageStream messages{out};
    try {
      engine.images().import([&](std::span<char> buffer) { return request.read_body(buffer); }, import,
                             [&](const json::Object& message) { messages.send(message); });
    } catch (const Error& error) {
      if (!out.begun()) throw;  // still an ordinary answer
      messages.fail(error);
    }
  });
}

Reply create(const Request& request, Engine& engine) {
  if (const auto image = request.query_or("fromImage", ""); !image.empty()) {
    throw Error{Kind::unsupported,
                "cannot pull {}: pulling images from a registry is not supported by Berth yet; load "
                "the image from an archive instead",
                quote(image)};
  }
  const auto source = request.query_or("fromSrc", "");
  if (source == "-") return import(request, engine);
  if (source.empty()) throw Error{Kind::invalid, "nothing to create an image from: use fromSrc=-"};
  throw Error{Kind::unsupported,
              "importing an image from a URL is not supported by Berth yet; send the archive in the "
              "request's body (fromSrc=-)"};
}

Reply list(const Request& request, Engine& engine) {
  images::ListRequest list{
      .all = request.flag("all"), .shared_size = request.flag("shared-size"), .filters = request.filters()};
  add_old_image_filter(list.filters, request);
  auto images = json::to(engine.images().list(list));
  for (auto& image : images.as_array()) to_version(image, request.version());
  return Reply::json(images);
}

Reply inspect(const Request& request, Engine& engine) {
  auto image = json::to(engine.images().inspect(request.name()));
  to_version(image, request.version());
  return Reply::json(image);
}

Reply history(const Request& request, Engine& engine) {
  return Reply::json(engine.images().history(request.name()));
}

Reply tag(const Request& request, Engine& engine) {
  engine.images().tag(request.name(), request.query_or("repo", ""), request.query_or("tag", ""));
  return Reply::empty(201);
}

Reply remove(const Request& request, Engine& engine) {
  return Reply::json(
      engine.images().remove(request.name(), {.force = request.flag("force"), .noprune = request.flag("noprune")}));
}

Reply prune(const Request& request, Engine& engine) {
  return Reply::json(engine.images().prune(request.filters()));
}

const Route routes[] = {
    {Method::get, "/images/json", list},               // 200, 400
    {Method::post, "/images/load", load},              // 200
    {Method::post, "/images/create", create},          // 200, 400, 501
    {Method::post, "/images/prune", prune},            // 200, 400
    {Method::get, "/images/{name}/json", inspect},     // 200, 404
    {Method::get, "/images/{name}/history", history},  // 200, 404
    {Method::post, "/images/{name}/tag", tag},         // 201, 400, 404, 409
    {Method::delete_, "/images/{name}", remove},       // 200, 404, 409
};

}  // namespace

std::span<const Route> image_routes() {
  return routes;
}

}  // namespace berth::api

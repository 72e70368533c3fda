#include "api/reply.hpp"

#include "base/strings.hpp"

namespace berth::api {

Reply Reply::text(std::string body, std::string_view content_type, int status) {
  Reply reply{.status = status, .body = std::move(body)};
  return std::move(reply.with("Content-Type", content_type));
}

Reply Reply::stream(std::string_view content_type, std::function<void(BodyWriter&)> body) {
  Reply reply{.stream_body = std::move(body)};
  return std::move(reply.with("Content-Type", content_type));
}

Reply Reply::hijack(std::string_view upgraded_type, std::function<void(Hijacked)> take) {
  Reply reply{.take_connection = std::move(take)};
  return std::move(reply.with("Content-Type", upgraded_type));
}

Reply Reply::error_text(int status, std::string_view message) {
  return json(json::Object{{"message", to_valid_utf8(message)}}, status);
}

}  // namespace berth::api

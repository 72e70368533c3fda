#include "base/strings.hpp"
#include "client/client.hpp"

namespace berth::client {
namespace {

std::string path_of(const std::string& id, std::string_view action) {
  return fmt::format("/exec/{}{}", percent_encode(id), action);
}

}  // namespace

void Execs::start_detached(const std::string& id, const json::Value& body) {
  client_.call("POST", path_of(id, "/start"), {}, &body);
}

Pending Execs::start(const std::string& id, const json::Value& body) {
  return client_.upgrade(path_of(id, "/start"), {}, &body);
}

void Execs::resize(const std::string& id, unsigned height, unsigned width) {
  client_.call("POST", path_of(id, "/resize"), {{"h", std::to_string(height)}, {"w", std::to_string(width)}});
}

json::Value Execs::inspect(const std::string& id) {
  return client_.call("GET", path_of(id, "/json"));
}

}  // namespace berth::client

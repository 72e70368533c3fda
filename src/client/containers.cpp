#include "base/strings.hpp"
#include "client/client.hpp"

namespace berth::client {
namespace {

std::string flag(bool on) {
  return on ? "1" : "";
}

std::string path_of(const std::string& id, std::string_view action = {}) {
  // A name may be given as it is shown, "/web": Docker would answer two slashes by a redirection.
  return fmt::format("/containers/{}{}", percent_encode(id.starts_with('/') ? id.substr(1) : id), action);
}

std::vector<std::string> warnings_of(const json::Value& answer) {
  std::vector<std::string> warnings;
  if (const auto* list = json::find(answer, "Warnings"); list != nullptr && list->is_array()) {
    for (const auto& warning : list->get_array()) warnings.emplace_back(warning.as_string());
  }
  return warnings;
}

std::string text_of(const std::optional<std::int64_t>& number) {
  return number ? std::to_string(*number) : "";
}

}  // namespace

json::Array Containers::list(const ListOptions& options) {
  return client_
      .call("GET", "/containers/json",
            {{"all", flag(options.all)},
             {"limit", options.limit > 0 ? std::to_string(options.limit) : ""},
             {"size", flag(options.size)},
             {"filters", to_parameter(options.filters)}})
      .as_array();
}

Created Containers::create(const std::string& name, const std::string& platform, const json::Value& body) {
  const auto answer = client_.call("POST", "/containers/create", {{"name", name}, {"platform", platform}}, &body);
  return {std::string{answer.at("Id").as_string()}, warnings_of(answer)};
}

json::Value Containers::inspect(const std::string& id, bool size) {
  return client_.call("GET", path_of(id, "/json"), {{"size", flag(size)}});
}

void Containers::start(const std::string& id, const std::string& detach_keys) {
  client_.call("POST", path_of(id, "/start"), {{"detachKeys", detach_keys}});
}

void Containers::stop(const std::string& id, const std::string& signal, std::optional<std::int64_t> seconds) {
  client_.call("POST", path_of(id, "/stop"), {{"signal", signal}, {"t", text_of(seconds)}});
}

void Containers::restart(const std::string& id, const std::string& signal, std::optional<std::int64_t> seconds) {
  client_.call("POST", path_of(id, "/restart"), {{"signal", signal}, {"t", text_of(seconds)}});
}

void Containers::kill(const std::string& id, const std::string& signal) {
  client_.call("POST", path_of(id, "/kill"), {{"signal", signal}});
}

void Containers::pause(const std::string& id) {
  client_.call("POST", path_of(id, "/pause"));
}
void Containers::unpause(const std::string& id) {
  client_.call("POST", path_of(id, "/unpause"));
}

void Containers::rename(const std::string& id, const std::string& name) {
  client_.call("POST", path_of(id, "/rename"), {{"name", name}});
}

void Containers::resize(const std::string& id, unsigned height, unsigned width) {
  client_.call("POST", path_of(id, "/resize"), {{"h", std::to_string(height)}, {"w", std::to_string(width)}});
}

std::vector<std::string> Containers::update(const std::string& id, const json::Value& body) {
  return warnings_of(client_.call("POST", path_of(id, "/update"), {}, &body));
}

std::string Containers::create_exec(const std::string& id, const json::Value& body) {
  return std::string{client_.call("POST", path_of(id, "/exec"), {}, &body).at("Id").as_string()};
}

void Containers::remove(const std::string& id, const RemoveOptions& options) {
  client_.call("DELETE", path_of(id),
               {{"force", flag(options.force)}, {"v", flag(options.volumes)}, {"link", flag(options.link)}});
}

Pending Containers::attach(const std::string& id, const AttachOptions& options) {
  return client_.upgrade(path_of(id, "/attach"), {{"stream", "1"},
                                                  {"stdin", flag(options.stdin_)},
                                                  {"stdout", flag(options.stdout_)},
                                                  {"stderr", flag(options.stderr_)},
                                                  {"logs", flag(options.logs)},
                                                  {"detachKeys", options.detach_keys}});
}

Waiting Containers::wait(const std::string& id, std::string_view condition) {
  auto pending = client_.send("POST", path_of(id, "/wait"), {{"condition", std::string{condition}}});
  return Waiting{std::move(pending.connection())};
}

Stream Containers::logs(const std::string& id, const LogOptions& options) {
  return client_.stream("GET", path_of(id, "/logs"),
                        {{"stdout", "1"},
                         {"stderr", "1"},
                         {"follow", flag(options.follow)},
                         {"timestamps", flag(options.timestamps)},
                         {"details", flag(options.details)},
                         {"since", options.since},
                         {"until", options.until},
                         {"tail", options.tail}});
}

Stream Containers::export_(const std::string& id) {
  return client_.stream("GET", path_of(id, "/export"));
}

json::Value Containers::top(const std::string& id, const std::string& ps_arguments) {
  return client_.call("GET", path_of(id, "/top"), {{"ps_args", ps_arguments}});
}

Pending Containers::stats(const std::string& id, bool follow) {
  return client_.send("GET", path_of(id, "/stats"), {{"stream", follow ? "1" : "0"}});
}

json::Array Containers::changes(const std::string& id) {
  const auto answer = client_.call("GET", path_of(id, "/changes"));
  return answer.is_null() ? json::Array{} : answer.as_array();
}

json::Value Containers::prune(const Filters& filters) {
  return client_.call("POST", "/containers/prune", {{"filters", to_parameter(filters)}});
}

}  // namespace berth::client

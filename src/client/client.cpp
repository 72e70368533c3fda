#include "client/client.hpp"

#include <algorithm>

#include "base/strings.hpp"

namespace berth::client {
namespace {

Kind kind_of(int status) {
  switch (status) {
    case 400: return Kind::invalid;
    case 401: return Kind::unauthorized;
    case 403: return Kind::forbidden;
    case 404: return Kind::not_found;
    case 405: return Kind::not_allowed;
    case 409: return Kind::conflict;
    case 413: return Kind::too_large;
    case 501: return Kind::unsupported;
    case 503: return Kind::unavailable;
    default: return Kind::internal;
  }
}

/// Throws what the daemon said if the status is of an error.
void check(const Head& head, Connection& connection) {
  if (head.status < 400) return;
  const auto body = connection.read_body();
  std::string message{trim(body)};
  try {
    const auto answer = json::parse(body);
    if (const auto* text = json::find(answer, "message"); text != nullptr && text->is_string()) {
      message = trim(std::string_view{text->get_string()});
    }
  } catch (const Error&) {
    // Not JSON: then the body itself is the message.
  }
  if (message.empty()) message = fmt::format("request returned status {}", head.status);
  throw Error{kind_of(head.status), "Error response from daemon: {}", message};
}

/// The length of the first JSON document in `text`, or 0 if it is not complete. Documents are objects.
std::size_t document_length(std::string_view text) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if ((c == '}' || c == ']') && depth > 0 && --depth == 0) {
      return i + 1;
    }
  }
  return 0;
}

}  // namespace

std::string to_parameter(const Filters& filters) {
  if (filters.empty()) return {};
  // docker's present form; the older one is a list of values.
  std::map<std::string, std::map<std::string, bool>> sets;
  for (const auto& [name, values] : filters) {
    for (const auto& value : values) sets[name][value] = true;
  }
  return json::write(sets);
}

Head Pending::accept() {
  auto head = connection_.receive();
  check(head, connection_);
  return head;
}

Exit Waiting::result() {
  const auto answer = json::parse(connection().read_body());
  Exit exit;
  if (const auto* status = json::find(answer, "StatusCode")) exit.status = status->to_number<int>();
  if (const auto* error = json::find(answer, "Error"); error != nullptr && error->is_object()) {
    if (const auto* message = json::find(*error, "Message"); message != nullptr && message->is_string()) {
      exit.error = message->get_string();
    }
  }
  return exit;
}

std::optional<json::Value> Stream::next() {
  std::string piece(32U << 10U, '\0');
  for (;;) {
    if (const auto length = document_length(rest_); length > 0) {
      auto document = json::parse(trim(std::string_view{rest_}.substr(0, length)));
      rest_.erase(0, length);
      return document;
    }
    const auto count = read_some(piece);
    if (count == 0) return std::nullopt;
    rest_.append(piece, 0, count);
  }
}

void Client::prepare_connections(std::size_t count) {
  while (prepared_.size() < count) prepared_.emplace_back(host_);
}

Connection Client::new_connection() {
  if (prepared_.empty()) return Connection{host_};
  auto connection = std::move(prepared_.back());
  prepared_.pop_back();
  return connection;
}

std::string Client::target(std::string_view path, const Query& query) const {
  std::string target = fmt::format("/v{}{}", version_, path);
  char separator = '?';
  for (const auto& [name, value] : query) {
    if (value.empty()) continue;
    target += fmt::format("{}{}={}", separator, name, percent_encode(value));
    separator = '&';
  }
  return target;
}

json::Value Client::call(std::string_view method, std::string_view path, const Query& query, const json::Value* body) {
  if (!kept_ || !kept_->reusable()) kept_.emplace(new_connection());
  kept_->send({.method = method, .target = target(path, query), .body = body != nullptr ? json::write(*body) : ""});
  const auto head = kept_->receive();
  check(head, *kept_);
  const auto answer = kept_->read_body();
  return answer.empty() ? json::Value{} : json::parse(answer);
}

Pending Client::send(std::string_view method, std::string_view path, const Query& query) {
  auto connection = new_connection();
  connection.send({.method = method, .target = target(path, query)});
  return Pending{std::move(connection)};
}

Pending Client::upgrade(std::string_view path, const Query& query, const json::Value* body) {
  auto connection = new_connection();
  connection.send({.method = "POST",
                   .target = target(path, query),
                   .body = body != nullptr ? json::write(*body) : "",
                   .upgrade = true});
  return Pending{std::move(connection)};
}

Stream Client::stream(std::string_view method, std::string_view path, const Query& query) {
  auto pending = send(method, path, query);
  auto head = pending.accept();
  return {std::move(pending.connection()), std::move(head.content_type)};
}

Stream Client::upload(std::string_view path, const Query& query, const Source& source) {
  auto connection = new_connection();
  connection.send({.method = "POST", .target = target(path, query), .content_type = "application/x-tar"}, source);
  Pending pending{std::move(connection)};
  auto head = pending.accept();
  return {std::move(pending.connection()), std::move(head.content_type)};
}

}  // namespace berth::client

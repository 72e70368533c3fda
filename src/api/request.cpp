#include "api/request.hpp"

#include <poll.h>

#include <array>

#include "base/error.hpp"

namespace berth::api {
namespace {

std::vector<std::pair<std::string, std::string>> parse_query(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> parameters;
  while (!text.empty()) {
    const auto part = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    if (part.empty()) continue;
    const auto pair = split_once(part, '=').value_or(std::pair{part, std::string_view{}});
    parameters.emplace_back(percent_decode(pair.first, true), percent_decode(pair.second, true));
  }
  return parameters;
}

/// "http://host/path" -> "/path": what a client behind a proxy sends.
std::string_view without_authority(std::string_view target) {
  const auto scheme = target.find("://");
  if (target.starts_with('/') || scheme == std::string_view::npos) return target;
  const auto slash = target.find('/', scheme + 3);
  return slash == std::string_view::npos ? "/" : target.substr(slash);
}

/// Doubled slashes become one: clients that ask for "/containers//web/json" get what they mean.
std::string squeeze_slashes(std::string_view path) {
  std::string squeezed;
  squeezed.reserve(path.size());
  for (const char c : path) {
    if (c != '/' || squeezed.empty() || squeezed.back() != '/') squeezed += c;
  }
  return squeezed;
}

void check_content_type(const Request& request) {
  const auto type = request.header("Content-Type").value_or("");
  if (type.empty() && !request.has_body()) return;
  if (to_lower(trim(type.substr(0, type.find(';')))) == "application/json") return;
  if (trim(type).empty()) throw Error{Kind::invalid, "malformed Content-Type header (): mime: no media type"};
  throw Error{Kind::invalid, "unsupported Content-Type header ({}): must be 'application/json'", type};
}

std::vector<std::string> filter_values(const json::Value& values) {
  std::vector<std::string> list;
  if (const auto* object = values.if_object()) {
    for (const auto& member : *object) {
      if (member.value().is_bool() && member.value().get_bool()) list.emplace_back(member.key());
    }
  } else if (const auto* array = values.if_array()) {
    for (const auto& item : *array) {
      if (!item.is_string()) throw Error{Kind::invalid, "invalid filter"};
      list.emplace_back(item.get_string());
    }
  } else {
    throw Error{Kind::invalid, "invalid filter"};
  }
  return list;
}

}  // namespace

std::string_view to_string(Method method) {
  constexpr std::array<std::string_view, 7> names = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "other"};
  return names.at(static_cast<std::size_t>(method));
}

Request::Request(Head head, BodySource body, FdRef client)
    : head_(std::move(head)), body_(std::move(body)), client_(client) {
  const auto target = without_authority(head_.target);
  const auto question = target.find('?');
  path_ = squeeze_slashes(percent_decode(target.substr(0, question), false));
  if (question != std::string_view::npos) query_ = parse_query(target.substr(question + 1));
}

void Request::set_route(ApiVersion version, std::string path, std::string name) {
  version_ = version;
  path_ = std::move(path);
  name_ = std::move(name);
}

std::optional<std::string> Request::query(std::string_view key) const {
  for (const auto& [name, value] : query_) {
    if (name == key) return value;
  }
  return std::nullopt;
}

std::string Request::query_or(std::string_view key, std::string_view otherwise) const {
  return query(key).value_or(std::string{otherwise});
}

std::vector<std::string> Request::queries(std::string_view key) const {
  std::vector<std::string> values;
  for (const auto& [name, value] : query_) {
    if (name == key) values.push_back(value);
  }
  return values;
}

bool Request::flag(std::string_view key, bool otherwise) const {
  const auto value = query(key);
  if (!value) return otherwise;
  const auto word = to_lower(trim(*value));
  return !(word.empty() || word == "0" || word == "no" || word == "false" || word == "none");
}

std::optional<std::int64_t> Request::number(std::string_view key) const {
  const auto text = query_or(key, "");
  if (text.empty()) return std::nullopt;
  const auto digits = text.starts_with('+') ? std::string_view{text}.substr(1) : std::string_view{text};
  const auto value = parse_number<std::int64_t>(digits);
  if (!value) throw Error{Kind::invalid, "strconv.Atoi: parsing {}: invalid syntax", quote(text)};
  return value;
}

Filters Request::filters() const {
  const auto text = query_or("filters", "");
  Filters filters;
  if (text.empty()) return filters;
  json::Value value;
  try {
    value = json::parse(text);
  } catch (const Error&) {
    throw Error{Kind::invalid, "invalid filter"};
  }
  if (value.is_null()) return filters;
  if (!value.is_object()) throw Error{Kind::invalid, "invalid filter"};
  for (const auto& member : value.get_object()) filters[std::string{member.key()}] = filter_values(member.value());
  return filters;
}

std::string Request::body(std::size_t limit) const {
  if (head_.content_length.value_or(0) > limit) {
    throw Error{Kind::too_large, "request body of {} bytes is larger than {} bytes", *head_.content_length, limit};
  }
  std::string body(static_cast<std::size_t>(head_.content_length.value_or(4096)), '\0');
  std::size_t used = 0;
  for (;;) {
    if (used == body.size()) body.resize(used + std::max<std::size_t>(used, 512));
    const auto count = body_({body.data() + used, body.size() - used});
    if (count == 0) break;
    used += count;
    if (used > limit) throw Error{Kind::too_large, "request body is larger than {} bytes", limit};
  }
  body.resize(used);
  return body;
}

json::Value Request::json_value() const {
  check_content_type(*this);
  const auto text = body();
  if (text.empty()) {
    if (has_body()) throw Error{Kind::invalid, "invalid JSON: got EOF while reading request body"};
    return json::Object{};
  }
  try {
    return json::parse(text);
  } catch (Error& error) {
    throw error.in("invalid JSON");
  }
}

bool client_is_gone(FdRef client) {
  // A client that closes a TCP connection looks like one that half-closed it; no client of this API half-closes and
  // then waits for an answer.
  pollfd wait{client.get(), POLLRDHUP, 0};
  return ::poll(&wait, 1, 0) > 0;
}

}  // namespace berth::api

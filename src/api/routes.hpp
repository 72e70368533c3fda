// The routing table: which function answers which method and path.
//
// `{name}` in a pattern stands for one or more characters, slashes included, because images are named "a/b:c". A path
// may begin with a version ("/v1.51/..."); the request then has that version, otherwise the newest.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "api/reply.hpp"
#include "api/request.hpp"

namespace berth::engine {
class Engine;
}

namespace berth::api {

inline constexpr ApiVersion newest_version{1, 51};
inline constexpr ApiVersion oldest_version{1, 24};

using Handler = Reply (*)(const Request& request, engine::Engine& engine);

struct Route {
  Method method;
  std::string_view pattern;
  Handler handle = nullptr;
  /// Instead of a function: the sentence of a 501, for what the Engine API has and Berth has not yet.
  std::string_view not_yet = {};
};

class Router {
 public:
  explicit Router(std::vector<std::span<const Route>> tables) : tables_(std::move(tables)) {}

  /// The row for the request, which gets its version, bare path and name. Throws `not_found` ("page not found"),
  /// `not_allowed` for a path that has other methods, and `invalid` for a version that Berth does not speak.
  const Route& find(Request& request) const;

  /// Finds the row and calls its function.
  Reply answer(Request& request, engine::Engine& engine) const;

 private:
  std::vector<std::span<const Route>> tables_;
};

/// The tables of all resources (routes.cpp lists them).
const Router& engine_api();

}  // namespace berth::api

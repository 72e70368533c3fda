// The header fields of a request or reply.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/strings.hpp"

namespace berth::api {

using Headers = std::vector<std::pair<std::string, std::string>>;

/// The first field of that name, in any case.
inline std::optional<std::string_view> find_header(const Headers& headers, std::string_view name) {
  for (const auto& [field, value] : headers) {
    if (equals_ignoring_case(field, name)) return value;
  }
  return std::nullopt;
}

}  // namespace berth::api

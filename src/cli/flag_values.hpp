// What the values of flags mean, where several commands have such flags.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace berth::cli {

/// Comma-separated fields, where a field may be in double quotes. Throws `invalid` as Go's encoding/csv words it.
std::vector<std::string> split_csv(std::string_view line);

json::Array array_of(const std::vector<std::string>& strings);

/// "name=value" entries; one without '=' has an empty value, and the daemon judges it.
json::Object pairs_of(const std::vector<std::string>& entries);

/// Checks of flags: "name=value" or "name" of a label, "container[:alias]" of a link.
std::string check_label(std::string text);
std::string check_link(std::string text);

}  // namespace berth::cli

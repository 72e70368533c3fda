// Commands that take several names and do the same with each.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/session.hpp"

namespace berth::cli {

/// Calls `act` for each name and prints the names that succeeded. Failures do not stop the others; they are shown at
/// the end, and the result is the exit code.
int for_each_printed(Session& session, const std::vector<std::string>& names,
                     const std::function<void(const std::string&)>& act);

/// The same without printing the names.
int for_each(Session& session, const std::vector<std::string>& names,
             const std::function<void(const std::string&)>& act);

/// "name=value" of --filter flags; a Check for their declaration.
std::string check_filter(std::string text);
client::Filters parse_filters(const std::vector<std::string>& entries);

/// Member `path` of a value ("State.Running"), or a null value.
const json::Value& at(const json::Value& value, std::string_view path);
/// The member as text, "" if it is no string.
std::string text_at(const json::Value& value, std::string_view path);
std::int64_t number_at(const json::Value& value, std::string_view path);
bool flag_at(const json::Value& value, std::string_view path);

/// The help text of --format where rows are shown, and where values are.
extern const char* const list_format_help;
extern const char* const value_format_help;

}  // namespace berth::cli

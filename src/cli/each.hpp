// Commands that take several names and do the same with each.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/session.hpp"

namespace berth::cli {

/// The same at once, as docker does it: each worker has a client of its own. What is printed has the order of the
/// names. An error that `forgives` says is none is shown in its place.
int for_each_together(Session& session, const std::vector<std::string>& names,
                      const std::function<void(client::Client&, const std::string&)>& act,
                      const std::function<bool(const Error&)>& forgives = {});

/// One after the other, on the session's client; prints no names.
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

/// The member Labels of a value as lists show it, "a=1,b=2", and one of them, "" if it is not there.
std::string labels_of(const json::Value& value);
std::string label_of(const json::Value& value, const std::string& name);

/// Names in the order people expect: numbers in them by their value, so "web2" comes before "web10".
bool natural_less(std::string_view left, std::string_view right);

/// The help text of --format where rows are shown, and where values are.
extern const char* const list_format_help;
extern const char* const value_format_help;

}  // namespace berth::cli

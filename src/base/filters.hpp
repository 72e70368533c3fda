// Filters of lists and prunes, as clients send them: {"status": ["exited"], "label": ["a=b"]}.
#pragma once

#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"

namespace berth {

using Filters = std::map<std::string, std::vector<std::string>>;

/// Throws `invalid` ("invalid filter 'x'") on a filter that is not accepted.
void check_filters(const Filters& filters, std::initializer_list<std::string_view> accepted);

/// The values of a filter; empty if it was not given.
const std::vector<std::string>& values_of(const Filters& filters, const std::string& name);

/// A filter that is a truth value, or nothing; throws `invalid` ("invalid filter 'dangling=[x]'").
std::optional<bool> truth_of(const Filters& filters, const std::string& name);

/// The one point in time of the filter `until` of prunes, or nothing; throws `invalid`.
std::optional<Time> until_of(const Filters& filters);

/// True if every "key" or "key=value" is among the labels.
bool has_labels(const std::map<std::string, std::string>& labels, const std::vector<std::string>& wanted);

/// True if the labels fit both filters of prunes: all of `label`, and not all of `label!` where that was given.
bool labels_fit(const std::map<std::string, std::string>& labels, const Filters& filters);

/// Equal to the pattern, or a regular expression that is found anywhere in the text. What is no regular expression is
/// found nowhere.
bool text_matches(const std::string& text, const std::string& pattern);

}  // namespace berth

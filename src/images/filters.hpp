// The filters of `docker images` and `docker image prune`.
#pragma once

#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "images/images.hpp"

namespace berth::images {

/// Throws `invalid` ("invalid filter 'x'") on a filter that is not accepted.
void check_filters(const Filters& filters, std::initializer_list<std::string_view> accepted);

/// The values of a filter; empty if it was not given.
const std::vector<std::string>& values_of(const Filters& filters, const std::string& name);

/// A filter that is a truth value, or nothing; throws `invalid` ("invalid filter 'dangling=[x]'").
std::optional<bool> truth_of(const Filters& filters, const std::string& name);

/// True if every "key" or "key=value" is among the labels.
bool has_labels(const std::map<std::string, std::string>& labels, const std::vector<std::string>& wanted);

/// Docker's pattern of references: a shell pattern ("*" stops at "/") against the familiar name with or without the
/// tag.
bool matches_reference(const oci::Reference& reference, const std::string& pattern);

}  // namespace berth::images

#include "images/filters.hpp"

#include <fnmatch.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/strings.hpp"

namespace berth::images {

void check_filters(const Filters& filters, std::initializer_list<std::string_view> accepted) {
  for (const auto& [name, values] : filters) {
    if (std::ranges::find(accepted, name) == accepted.end()) throw Error{Kind::invalid, "invalid filter '{}'", name};
  }
}

const std::vector<std::string>& values_of(const Filters& filters, const std::string& name) {
  static const std::vector<std::string> none;
  const auto found = filters.find(name);
  return found == filters.end() ? none : found->second;
}

std::optional<bool> truth_of(const Filters& filters, const std::string& name) {
  const auto& values = values_of(filters, name);
  if (values.empty()) return std::nullopt;
  const auto is_one_of = [&](std::initializer_list<std::string_view> words) {
    return values.size() == 1 && std::ranges::find(words, values.front()) != words.end();
  };
  if (is_one_of({"1", "true"})) return true;
  if (is_one_of({"0", "false"})) return false;
  throw Error{Kind::invalid, "invalid filter '{}=[{}]'", name, join(values, " ")};
}

bool has_labels(const std::map<std::string, std::string>& labels, const std::vector<std::string>& wanted) {
  return std::ranges::all_of(wanted, [&](const std::string& label) {
    const auto pair = split_once(label, '=');
    const auto found = labels.find(std::string{pair ? pair->first : std::string_view{label}});
    return found != labels.end() && (!pair || pair->second == found->second);
  });
}

bool matches_reference(const oci::Reference& reference, const std::string& pattern) {
  const auto fits = [&](const std::string& text) {
    return ::fnmatch(pattern.c_str(), text.c_str(), FNM_PATHNAME) == 0;
  };
  return fits(reference.familiar()) || fits(reference.familiar_name());
}

}  // namespace berth::images

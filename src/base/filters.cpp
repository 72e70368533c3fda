#include "base/filters.hpp"

#include <regex.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/strings.hpp"

namespace berth {

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

std::optional<Time> until_of(const Filters& filters) {
  const auto& values = values_of(filters, "until");
  if (values.empty()) return std::nullopt;
  if (values.size() > 1) throw Error{Kind::invalid, "more than one until filter specified"};
  return parse_timestamp(values.front());
}

bool has_labels(const std::map<std::string, std::string>& labels, const std::vector<std::string>& wanted) {
  return std::ranges::all_of(wanted, [&](const std::string& label) {
    const auto pair = split_once(label, '=');
    const auto found = labels.find(std::string{pair ? pair->first : std::string_view{label}});
    return found != labels.end() && (!pair || pair->second == found->second);
  });
}

bool labels_fit(const std::map<std::string, std::string>& labels, const Filters& filters) {
  const auto& unwanted = values_of(filters, "label!");
  return has_labels(labels, values_of(filters, "label")) && (unwanted.empty() || !has_labels(labels, unwanted));
}

bool text_matches(const std::string& text, const std::string& pattern) {
  if (text == pattern) return true;
  regex_t compiled{};
  if (::regcomp(&compiled, pattern.c_str(), REG_EXTENDED | REG_NOSUB) != 0) return false;
  const bool found = ::regexec(&compiled, text.c_str(), 0, nullptr, 0) == 0;
  ::regfree(&compiled);
  return found;
}

}  // namespace berth

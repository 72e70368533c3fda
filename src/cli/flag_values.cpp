#include "cli/flag_values.hpp"

#include "base/error.hpp"
#include "base/strings.hpp"

namespace berth::cli {
namespace {

Error csv_error(std::size_t column, std::string_view what) {
  return {Kind::invalid, "parse error on line 1, column {}: {}", column, what};
}

/// Takes the field in quotes that `line` has at `position`, which moves behind it.
std::string quoted_field(std::string_view line, std::size_t& position) {
  constexpr std::string_view misplaced = "extraneous or missing \" in quoted-field";
  std::string field;
  for (++position;; ++position) {
    const auto end = line.find('"', position);
    if (end == std::string_view::npos) throw csv_error(line.size() + 1, misplaced);
    field += line.substr(position, end - position);
    position = end + 1;
    if (position == line.size() || line[position] == ',') return field;
    if (line[position] != '"') throw csv_error(position, misplaced);
    field += '"';
  }
}

std::string bare_field(std::string_view line, std::size_t& position) {
  const auto field = line.substr(position, line.find(',', position) - position);
  if (const auto mark = field.find('"'); mark != std::string_view::npos) {
    throw csv_error(position + mark + 1, "bare \" in non-quoted-field");
  }
  position += field.size();
  return std::string{field};
}

}  // namespace

std::vector<std::string> split_csv(std::string_view line) {
  std::vector<std::string> fields;
  for (std::size_t position = 0;; ++position) {
    const bool quoted = line.substr(position).starts_with('"');
    fields.push_back(quoted ? quoted_field(line, position) : bare_field(line, position));
    if (position == line.size()) return fields;
  }
}

json::Array array_of(const std::vector<std::string>& strings) {
  return json::Array(strings.begin(), strings.end());
}

json::Object pairs_of(const std::vector<std::string>& entries) {
  json::Object pairs;
  for (const auto& entry : entries) {
    const auto pair = split_once(entry, '=');
    pairs[pair ? pair->first : std::string_view{entry}] = pair ? pair->second : std::string_view{};
  }
  return pairs;
}

std::string check_label(std::string text) {
  if (text.empty() || text.starts_with('=')) throw Error{Kind::invalid, "invalid label '{}': empty name", text};
  return text;
}

std::string check_link(std::string text) {
  if (text.empty()) throw Error{Kind::invalid, "empty string specified for links"};
  if (split(text, ':').size() > 2) throw Error{Kind::invalid, "bad format for links: {}", text};
  return text;
}

}  // namespace berth::cli

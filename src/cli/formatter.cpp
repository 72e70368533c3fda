#include "cli/formatter.hpp"

#include <algorithm>

#include "base/strings.hpp"
#include "cli/units.hpp"

namespace berth::cli {
namespace {

using Lines = std::vector<std::vector<std::string>>;

/// Go's tabwriter: a column is a run of lines that each have a tab-terminated cell there, and is as wide as its widest
/// cell.
class Aligner {
 public:
  Aligner(const Lines& lines, std::size_t min_width, std::size_t padding)
      : lines_(lines), min_width_(min_width), padding_(padding) {}

  std::string run() {
    format(0, lines_.size());
    return std::move(out_);
  }

 private:
  void format(std::size_t begin, std::size_t end) {
    const auto column = widths_.size();
    for (std::size_t line = begin; line < end; ++line) {
      if (column + 1 >= lines_[line].size()) continue;
      print(begin, line);
      const auto block = line;
      std::size_t width = min_width_;
      for (; line < end && column + 1 < lines_[line].size(); ++line) {
        width = std::max(width, display_width(lines_[line][column]) + padding_);
      }
      widths_.push_back(width);
      format(block, line);
      widths_.pop_back();
      begin = line;
    }
    print(begin, end);
  }

  void print(std::size_t begin, std::size_t end) {
    for (std::size_t line = begin; line < end; ++line) {
      const auto& cells = lines_[line];
      for (std::size_t i = 0; i < cells.size(); ++i) {
        out_ += cells[i];
        const auto width = display_width(cells[i]);
        if (i < widths_.size() && width < widths_[i]) out_.append(widths_[i] - width, ' ');
      }
      if (line + 1 < lines_.size()) out_ += '\n';
    }
  }

  const Lines& lines_;
  std::size_t min_width_;
  std::size_t padding_;
  std::vector<std::size_t> widths_;
  std::string out_;
};

class Headings final : public Object {
 public:
  explicit Headings(const std::vector<std::pair<std::string_view, std::string_view>>& headings) : headings_(headings) {}

  [[nodiscard]] std::optional<Datum> find(std::string_view name, const std::vector<Datum>& arguments) const override {
    for (const auto& [known, heading] : headings_) {
      if (known == name) return Datum{json::to(std::string{heading})};
    }
    if (arguments.size() != 1 || arguments[0].if_string() == nullptr) return Datum{};  // The rows will tell.
    // `.Label "com.example.my-name"` has the heading "my name".
    auto heading = split(std::string_view{arguments[0].if_string()->get_string()}, '.').back();
    for (auto& c : heading) c = c == '-' || c == '_' ? ' ' : c;
    return Datum{json::to(heading)};
  }
  [[nodiscard]] std::string type_name() const override { return "formatter.SubHeaderContext"; }
  [[nodiscard]] json::Value to_json() const override {
    json::Object object;
    for (const auto& [name, heading] : headings_) object[name] = heading;
    return object;
  }

 private:
  std::vector<std::pair<std::string_view, std::string_view>> headings_;
};

std::string replace_all(std::string text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

/// What is left of a format to be a template: without "table", with \t and \n as characters.
std::string template_text(std::string format, bool is_table) {
  if (format == "json") return "{{json .}}";
  if (is_table) format.erase(0, std::string_view{"table"}.size());
  const auto start = format.find_first_not_of(' ');
  format = start == std::string::npos ? "" : format.substr(start, format.find_last_not_of(' ') - start + 1);
  return replace_all(replace_all(std::move(format), "\\t", "\t"), "\\n", "\n");
}

Template parse_format(const std::string& text, const templates::Functions& functions) {
  try {
    return Template{"", text, functions};
  } catch (Error& error) {
    throw error.in("template parsing error");
  }
}

std::string run_format(const Template& format, const Datum& data) {
  try {
    return format.run(data);
  } catch (Error& error) {
    throw error.in("template parsing error");
  }
}

}  // namespace

std::string align_columns(std::string_view text, std::size_t min_width, std::size_t padding) {
  Lines lines;
  for (const auto& line : split(text, '\n')) lines.push_back(split(line, '\t'));
  return Aligner{lines, min_width, padding}.run();
}

std::shared_ptr<const Object> make_headings(
    const std::vector<std::pair<std::string_view, std::string_view>>& headings) {
  return std::make_shared<Headings>(headings);
}

std::string render_list(const ListFormat& format, const std::shared_ptr<const Object>& headings,
                        const std::vector<std::shared_ptr<const Object>>& rows) {
  const bool is_table = format.text.starts_with("table");
  const auto text = template_text(format.text, is_table);
  const auto row_format = parse_format(text, templates::standard_functions());
  std::string out;
  for (const auto& row : rows) out += run_format(row_format, Datum{row}) + '\n';
  if (!is_table) return out;
  const auto heading_format = parse_format(text, templates::heading_functions());
  return align_columns(run_format(heading_format, Datum{headings}) + '\n' + out, 10, 3);
}

std::string render_value(const std::string& format, const json::Value& value, std::string_view name) {
  return Template{std::string{name}, format == "json" ? "{{json .}}" : format}.run(Datum{value});
}

bool mentions(const std::string& format, std::string_view field) {
  const auto dotted = "." + std::string{field};
  for (auto at = format.find(dotted); at != std::string::npos; at = format.find(dotted, at + 1)) {
    const auto next = at + dotted.size();
    const bool ends = next >= format.size() || (std::isalnum(static_cast<unsigned char>(format[next])) == 0);
    if (ends && (!field.empty() || format.substr(0, at).ends_with("json "))) return true;
  }
  return false;
}

}  // namespace berth::cli

// Lists as docker shows them: `--format` as "table", "table TEMPLATE", "json" or a template.
//
// A command describes its rows once, as columns; a row of them is the data that templates see.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "templates/templates.hpp"

namespace berth::cli {

using templates::Datum;
using templates::Object;
using templates::Template;

/// One field of a row: its name in templates, the heading of its column, and how to compute it; without that it is
/// null.
template <class Item>
struct Column {
  std::string_view name;
  std::string_view heading;
  std::string (*text)(const Item&);
};

/// A method of a row that takes one string: `.Label "name"`.
template <class Item>
struct Method {
  std::string_view name;
  std::string (*call)(const Item&, const std::string&);
};

/// What a list shows: all that does not depend on the rows' type.
struct ListFormat {
  std::string type_name;  ///< of a row, in messages: "*formatter.ContainerContext"
  std::string text;       ///< as from --format, or the command's own default
};

/// Aligns cells that end with a tab, as Go's tabwriter with these widths.
std::string align_columns(std::string_view text, std::size_t min_width, std::size_t padding);

/// Renders rows; `headings` is what a table's first line is made from.
std::string render_list(const ListFormat& format, const std::shared_ptr<const Object>& headings,
                        const std::vector<std::shared_ptr<const Object>>& rows);

/// Names and texts as an Object; used for headings.
std::shared_ptr<const Object> make_headings(const std::vector<std::pair<std::string_view, std::string_view>>& headings);

/// Runs a template on one value, as inspect, version and info do. `what` prefixes a failure to parse: "template parsing
/// error".
std::string render_value(const std::string& format, const json::Value& value, std::string_view name);

/// True if a template mentions the field, or with "" the whole row: then its value is worth asking the daemon for.
bool mentions(const std::string& format, std::string_view field);

template <class Item>
class Row final : public Object {
 public:
  Row(const std::vector<Column<Item>>& columns, const std::vector<Method<Item>>& methods, std::string type, Item item)
      : columns_(columns), methods_(methods), type_(std::move(type)), item_(std::move(item)) {}

  [[nodiscard]] std::optional<Datum> find(std::string_view name, const std::vector<Datum>& arguments) const override {
    for (const auto& column : columns_) {
      if (column.name == name) return column.text != nullptr ? datum(column.text(item_)) : Datum{json::Value()};
    }
    for (const auto& method : methods_) {
      if (method.name != name) continue;
      if (arguments.size() != 1 || arguments[0].if_string() == nullptr) {
        throw Error{Kind::invalid, "wrong number of args for {}: want 1 got {}", name, arguments.size()};
      }
      return datum(method.call(item_, std::string{arguments[0].if_string()->get_string()}));
    }
    return std::nullopt;
  }
  [[nodiscard]] std::string type_name() const override { return type_; }
  [[nodiscard]] json::Value to_json() const override {
    std::map<std::string, json::Value> sorted;
    for (const auto& column : columns_) {
      sorted.emplace(column.name, column.text != nullptr ? json::to(column.text(item_)) : json::Value());
    }
    return json::to(sorted);
  }

 private:
  static Datum datum(const std::string& text) { return Datum{json::to(text)}; }

  const std::vector<Column<Item>>& columns_;
  const std::vector<Method<Item>>& methods_;
  std::string type_;
  Item item_;
};

template <class Item>
std::string render_rows(const ListFormat& format, const std::vector<Column<Item>>& columns,
                        const std::vector<Method<Item>>& methods, const std::vector<Item>& items) {
  std::vector<std::pair<std::string_view, std::string_view>> headings;
  for (const auto& column : columns) headings.emplace_back(column.name, column.heading);
  std::vector<std::shared_ptr<const Object>> rows;
  for (const auto& item : items) rows.push_back(std::make_shared<Row<Item>>(columns, methods, format.type_name, item));
  return render_list(format, make_headings(headings), rows);
}

}  // namespace berth::cli

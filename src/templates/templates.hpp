// templates: Go's text/template, as `--format` and the log option `tag` take it.
//
// A template is parsed once and run on one piece of data per row. Data is JSON, or an Object: a row of a formatter,
// whose fields are computed when asked for. Errors are worded as Go's, with line and column, because users search for
// them.
//
//   Template format{"", "{{.ID}}: {{join .Names \", \"}}"};
//   console.print_line(format.run(Datum{value}));
//
// Uses: base.   Used by: containers, cli.   Threads: any.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace berth::templates {

class Object;

/// What Go knows from the type of a field, and JSON does not say.
enum class Shape { plain, map, list };

/// A value in a template: nothing, JSON (shared, not copied), or an Object.
class Datum {
 public:
  Datum() = default;
  explicit Datum(json::Value value);
  explicit Datum(std::shared_ptr<const Object> object) : object_(std::move(object)) {}
  /// A part of this datum's JSON.
  [[nodiscard]] Datum part(const json::Value& value, Shape shape = Shape::plain) const;

  /// Null if this is no JSON.
  [[nodiscard]] const json::Value* json() const { return json_.get(); }
  [[nodiscard]] const Object* object() const { return object_.get(); }
  [[nodiscard]] Shape shape() const { return shape_; }
  /// Nothing, or JSON's null.
  [[nodiscard]] bool is_nil() const { return object_ == nullptr && (json_ == nullptr || json_->is_null()); }
  [[nodiscard]] bool is_missing() const { return object_ == nullptr && json_ == nullptr; }
  /// The text of a JSON string, or null.
  [[nodiscard]] const json::Value* if_string() const { return json_ && json_->is_string() ? json_.get() : nullptr; }

 private:
  std::shared_ptr<const json::Value> json_;
  std::shared_ptr<const Object> object_;
  Shape shape_ = Shape::plain;
};

/// Data with computed fields and methods, such as one row of `ps`.
class Object {
 public:
  Object() = default;
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;
  virtual ~Object() = default;

  /// The field or method, or nothing if there is none of that name.
  [[nodiscard]] virtual std::optional<Datum> find(std::string_view name, const std::vector<Datum>& arguments) const = 0;
  /// As Go would name the type in messages.
  [[nodiscard]] virtual std::string type_name() const = 0;
  [[nodiscard]] virtual json::Value to_json() const = 0;
};

using Function = std::function<Datum(const std::vector<Datum>&)>;
using Functions = std::map<std::string, Function, std::less<>>;

/// Go's and docker's functions. Those for table headings leave titles as they are.
const Functions& standard_functions();
const Functions& heading_functions();

namespace ast {
struct Node;
}

class Template {
 public:
  /// Throws `invalid`: "template: <name>:<line>: <reason>".
  Template(std::string name, std::string text, const Functions& functions = standard_functions());
  Template(Template&&) noexcept;
  Template& operator=(Template&&) noexcept;
  ~Template();

  /// Throws `invalid`: "template: <name>:<line>:<column>: executing ...". What was printed before is in `partial`, if
  /// given.
  [[nodiscard]] std::string run(const Datum& data, std::string* partial = nullptr) const;

 private:
  friend class Run;

  std::string name_;
  std::string text_;
  const Functions* functions_;
  std::vector<ast::Node> body_;
  std::map<std::string, std::vector<ast::Node>> defined_;
};

/// As Go's fmt.Print shows a value, and as docker's `json` function writes it.
std::string to_text(const Datum& datum);
std::string to_json_text(const Datum& datum);
/// JSON on one line, numbers as Go writes them; with `escape_html`, '<', '>' and '&' as \u003c and so on.
std::string go_json(const json::Value& value, bool escape_html = false);
bool is_true(const Datum& datum);
/// "string", "int64", "map[string]interface {}"...
std::string type_name(const Datum& datum);
/// fmt.Sprintf.
std::string go_sprintf(std::string_view format, const std::vector<Datum>& values);

}  // namespace berth::templates

// The functions of Go's text/template and those that docker adds.
#include <algorithm>

#include "base/strings.hpp"
#include "templates/templates.hpp"

namespace berth::templates {
namespace {

using Arguments = std::vector<Datum>;

Datum string_datum(std::string_view text) {
  return Datum{json::Value(boost::json::string_view(text.data(), text.size()))};
}
Datum bool_datum(bool value) {
  return Datum{json::Value(value)};
}

void want(const Arguments& arguments, std::string_view name, std::size_t count) {
  if (arguments.size() != count) {
    throw Error{Kind::invalid, "wrong number of args for {}: want {} got {}", name, count, arguments.size()};
  }
}

void want_at_least(const Arguments& arguments, std::string_view name, std::size_t count) {
  if (arguments.size() < count) {
    throw Error{Kind::invalid, "wrong number of args for {}: want at least {} got {}", name, count, arguments.size()};
  }
}

std::string string_of(const Datum& datum) {
  if (const auto* text = datum.if_string()) return std::string{text->get_string()};
  throw Error{Kind::invalid, "wrong type for value; expected string; got {}", type_name(datum)};
}

std::int64_t int_of(const Datum& datum) {
  const auto* value = datum.json();
  if (value != nullptr && value->is_int64()) return value->get_int64();
  if (value != nullptr && value->is_uint64()) return static_cast<std::int64_t>(value->get_uint64());
  throw Error{Kind::invalid, "wrong type for value; expected int; got {}", type_name(datum)};
}

/// A function of one string.
template <class Change>
Function of_string(std::string name, Change change) {
  return [name, change](const Arguments& arguments) {
    want(arguments, name, 1);
    return string_datum(change(string_of(arguments[0])));
  };
}

std::string title(std::string text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i == 0 || text[i - 1] == ' ') text[i] = to_upper(text.substr(i, 1))[0];
  }
  return text;
}

std::string html(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '<': escaped += "&lt;"; break;
      case '>': escaped += "&gt;"; break;
      case '&': escaped += "&amp;"; break;
      case '"': escaped += "&#34;"; break;
      case '\'': escaped += "&#39;"; break;
      default: escaped += c;
    }
  }
  return escaped;
}

std::string urlquery(const std::string& text) {
  std::vector<std::string> words;
  for (const auto& word : split(text, ' ')) words.push_back(percent_encode(word));
  return join(words, "+");
}

Datum join_strings(const Arguments& arguments) {
  want(arguments, "join", 2);
  if (arguments[0].is_nil()) return string_datum("");
  const auto* array = arguments[0].json() != nullptr ? arguments[0].json()->if_array() : nullptr;
  if (array == nullptr) {
    throw Error{Kind::invalid, "wrong type for value; expected []string; got {}", type_name(arguments[0])};
  }
  std::vector<std::string> parts;
  for (const auto& item : *array) parts.push_back(string_of(arguments[0].part(item)));
  return string_datum(join(parts, string_of(arguments[1])));
}

Datum split_string(const Arguments& arguments) {
  want(arguments, "split", 2);
  const auto text = string_of(arguments[0]);
  const auto separator = string_of(arguments[1]);
  json::Array parts;
  for (std::size_t from = 0;;) {
    auto end = separator.empty() ? std::min(from + 1, text.size()) : text.find(separator, from);
    if (separator.empty() && from >= text.size()) break;
    if (end == std::string::npos) end = text.size();
    parts.emplace_back(text.substr(from, end - from));
    if (end == text.size()) break;
    from = end + separator.size();
  }
  return Datum{parts};
}

Datum pad(const Arguments& arguments) {
  want(arguments, "pad", 3);
  const auto text = string_of(arguments[0]);
  if (text.empty()) return arguments[0];
  const auto before = static_cast<std::size_t>(std::max<std::int64_t>(int_of(arguments[1]), 0));
  const auto after = static_cast<std::size_t>(std::max<std::int64_t>(int_of(arguments[2]), 0));
  return string_datum(std::string(before, ' ') + text + std::string(after, ' '));
}

Datum truncate(const Arguments& arguments) {
  want(arguments, "truncate", 2);
  const auto text = string_of(arguments[0]);
  return string_datum(text.substr(0, static_cast<std::size_t>(std::max<std::int64_t>(int_of(arguments[1]), 0))));
}

Datum length(const Arguments& arguments) {
  want(arguments, "len", 1);
  const auto* value = arguments[0].json();
  const auto count = [&]() -> std::size_t {
    if (value != nullptr && value->is_string()) return value->get_string().size();
    if (value != nullptr && value->is_array()) return value->get_array().size();
    if (value != nullptr && value->is_object()) return value->get_object().size();
    if (value != nullptr && value->is_null() && arguments[0].shape() != Shape::plain) return 0;
    if (arguments[0].is_nil()) throw Error{Kind::invalid, "len of nil pointer"};
    throw Error{Kind::invalid, "len of type {}", type_name(arguments[0])};
  }();
  return Datum{json::Value(static_cast<std::int64_t>(count))};
}

Datum index_one(const Datum& item, const Datum& key) {
  if (item.is_nil()) {
    if (item.shape() == Shape::map) return string_datum("");
    throw Error{Kind::invalid, "index of nil pointer"};
  }
  const auto* value = item.json();
  if (value != nullptr && value->is_object()) {
    const auto* found = value->get_object().if_contains(string_of(key));
    if (found != nullptr) return item.part(*found);
    return item.shape() == Shape::map ? string_datum("") : Datum{};
  }
  const bool is_array = value != nullptr && value->is_array();
  if (!is_array && (value == nullptr || !value->is_string())) {
    throw Error{Kind::invalid, "can't index item of type {}", type_name(item)};
  }
  if (key.json() == nullptr || !key.json()->is_int64()) {
    throw Error{Kind::invalid, "cannot index slice/array with type {}", type_name(key)};
  }
  const auto position = key.json()->get_int64();
  const auto size = is_array ? value->get_array().size() : value->get_string().size();
  if (position < 0 || static_cast<std::size_t>(position) >= size) {
    throw Error{Kind::invalid, "index out of range: {}", position};
  }
  const auto at = static_cast<std::size_t>(position);
  if (is_array) return item.part(value->get_array()[at]);
  return Datum{json::Value(static_cast<std::int64_t>(static_cast<unsigned char>(value->get_string()[at])))};
}

Datum index(const Arguments& arguments) {
  want_at_least(arguments, "index", 1);
  auto item = arguments[0];
  for (std::size_t i = 1; i < arguments.size(); ++i) item = index_one(item, arguments[i]);
  return item;
}

Datum slice(const Arguments& arguments) {
  want_at_least(arguments, "slice", 1);
  const auto* value = arguments[0].json();
  const bool is_array = value != nullptr && value->is_array();
  if (!is_array && arguments[0].if_string() == nullptr) {
    throw Error{Kind::invalid, "can't slice item of type {}", type_name(arguments[0])};
  }
  const auto size = static_cast<std::int64_t>(is_array ? value->get_array().size() : value->get_string().size());
  const auto from = arguments.size() > 1 ? int_of(arguments[1]) : 0;
  const auto to = arguments.size() > 2 ? int_of(arguments[2]) : size;
  for (const auto bound : {from, to}) {
    if (bound < 0 || bound > size) throw Error{Kind::invalid, "index out of range: {}", bound};
  }
  if (from > to) throw Error{Kind::invalid, "invalid slice index: {} > {}", from, to};
  if (!is_array) {
    return string_datum(
        string_of(arguments[0]).substr(static_cast<std::size_t>(from), static_cast<std::size_t>(to - from)));
  }
  const auto& array = value->get_array();
  return Datum{json::Array(array.begin() + from, array.begin() + to)};
}

enum class Basic { boolean, integer, real, string, nil, other };

Basic basic_kind(const Datum& datum) {
  if (datum.is_nil()) return Basic::nil;
  const auto* value = datum.json();
  if (value == nullptr) return Basic::other;
  if (value->is_bool()) return Basic::boolean;
  if (value->is_int64() || value->is_uint64()) return Basic::integer;
  if (value->is_double()) return Basic::real;
  return value->is_string() ? Basic::string : Basic::other;
}

bool equal(const Datum& left, const Datum& right) {
  const auto kind = basic_kind(left);
  const auto other = basic_kind(right);
  if (kind == Basic::nil || other == Basic::nil) return kind == other;
  if (kind == Basic::other || other == Basic::other)
    throw Error{Kind::invalid, "non-comparable type {}: {}", to_text(left), type_name(left)};
  if (kind != other) throw Error{Kind::invalid, "incompatible types for comparison"};
  return *left.json() == *right.json();
}

bool less(const Datum& left, const Datum& right) {
  const auto kind = basic_kind(left);
  if (kind != basic_kind(right)) throw Error{Kind::invalid, "incompatible types for comparison"};
  switch (kind) {
    case Basic::integer: return int_of(left) < int_of(right);
    case Basic::real: return left.json()->get_double() < right.json()->get_double();
    case Basic::string: return string_of(left) < string_of(right);
    default: throw Error{Kind::invalid, "invalid type for comparison"};
  }
}

template <class Compare>
Function comparison(std::string name, Compare compare) {
  return [name, compare](const Arguments& arguments) {
    want(arguments, name, 2);
    return bool_datum(compare(arguments[0], arguments[1]));
  };
}

/// True if the first equals any of the others.
Datum equal_to_any(const Arguments& arguments) {
  want_at_least(arguments, "eq", 1);
  if (arguments.size() == 1) throw Error{Kind::invalid, "missing argument for comparison"};
  return bool_datum(
      std::any_of(arguments.begin() + 1, arguments.end(), [&](auto& other) { return equal(arguments[0], other); }));
}

/// fmt.Print puts spaces between operands when neither is a string.
Datum print(const Arguments& arguments) {
  std::string text;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (i > 0 && arguments[i].if_string() == nullptr && arguments[i - 1].if_string() == nullptr) text += ' ';
    text += to_text(arguments[i]);
  }
  return string_datum(text);
}

Datum println(const Arguments& arguments) {
  std::vector<std::string> texts;
  for (const auto& argument : arguments) texts.push_back(to_text(argument));
  return string_datum(join(texts, " ") + '\n');
}

/// Of html and urlquery: all arguments as one text.
template <class Escape>
Function escaper(Escape escape) {
  return [escape](const Arguments& arguments) {
    const auto text = print(arguments);
    return string_datum(escape(string_of(text)));
  };
}

Functions make_standard() {
  Functions all;
  all["json"] = [](const Arguments& arguments) {
    want(arguments, "json", 1);
    return string_datum(to_json_text(arguments[0]));
  };
  all["split"] = split_string;
  all["join"] = join_strings;
  all["title"] = of_string("title", title);
  all["lower"] = of_string("lower", [](const std::string& text) { return to_lower(text); });
  all["upper"] = of_string("upper", [](const std::string& text) { return to_upper(text); });
  all["pad"] = pad;
  all["truncate"] = truncate;
  all["len"] = length;
  all["index"] = index;
  all["slice"] = slice;
  all["print"] = print;
  all["println"] = println;
  all["printf"] = [](const Arguments& arguments) {
    want_at_least(arguments, "printf", 1);
    return string_datum(go_sprintf(string_of(arguments[0]), {arguments.begin() + 1, arguments.end()}));
  };
  all["html"] = escaper(html);
  all["urlquery"] = escaper(urlquery);
  all["not"] = [](const Arguments& arguments) {
    want(arguments, "not", 1);
    return bool_datum(!is_true(arguments[0]));
  };
  all["and"] = all["or"] = nullptr;  // Known names; they stop early, so the run itself evaluates them.
  all["eq"] = equal_to_any;
  all["ne"] = comparison("ne", [](auto& a, auto& b) { return !equal(a, b); });
  all["lt"] = comparison("lt", [](auto& a, auto& b) { return less(a, b); });
  all["le"] = comparison("le", [](auto& a, auto& b) { return less(a, b) || equal(a, b); });
  all["gt"] = comparison("gt", [](auto& a, auto& b) { return !less(a, b) && !equal(a, b); });
  all["ge"] = comparison("ge", [](auto& a, auto& b) { return !less(a, b); });
  return all;
}

}  // namespace

const Functions& standard_functions() {
  static const Functions functions = make_standard();
  return functions;
}

const Functions& heading_functions() {
  static const Functions functions = [] {
    auto all = make_standard();
    for (const auto* name : {"json", "title", "lower", "upper", "truncate", "join", "split"}) {
      all[name] = [](const Arguments& arguments) { return arguments.empty() ? Datum{} : arguments[0]; };
    }
    return all;
  }();
  return functions;
}

}  // namespace berth::templates

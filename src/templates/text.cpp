// Values as text: fmt.Print, fmt.Sprintf and encoding/json of Go.
#include <algorithm>
#include <cmath>

#include "templates/templates.hpp"

namespace berth::templates {
namespace {

std::string double_text(double value) {
  const auto magnitude = std::fabs(value);
  if (magnitude != 0 && (magnitude < 1e-4 || magnitude >= 1e21)) return fmt::format("{:e}", value);
  if (std::nearbyint(value) == value) return fmt::format("{:.0f}", value);
  return fmt::format("{}", value);
}

std::string text_of(const json::Value& value, Shape shape = Shape::plain) {
  switch (value.kind()) {
    case boost::json::kind::null: return shape == Shape::map ? "map[]" : shape == Shape::list ? "[]" : "<nil>";
    case boost::json::kind::bool_: return value.get_bool() ? "true" : "false";
    case boost::json::kind::int64: return std::to_string(value.get_int64());
    case boost::json::kind::uint64: return std::to_string(value.get_uint64());
    case boost::json::kind::double_: return double_text(value.get_double());
    case boost::json::kind::string: return std::string{value.get_string()};
    case boost::json::kind::array: {
      std::string text;
      for (const auto& item : value.get_array()) text += (text.empty() ? "" : " ") + text_of(item);
      return "[" + text + "]";
    }
    case boost::json::kind::object: {
      std::map<std::string, std::string> sorted;
      for (const auto& member : value.get_object()) sorted.emplace(member.key(), text_of(member.value()));
      std::string text;
      for (const auto& [key, item] : sorted) text += (text.empty() ? "" : " ") + key + ":" + item;
      return "map[" + text + "]";
    }
  }
  return {};
}

std::string json_string(const json::Value& value, bool escape_html) {
  const auto plain = boost::json::serialize(value);
  if (!escape_html) return plain;
  std::string escaped;
  for (const char c : plain) {
    if (c == '<' || c == '>' || c == '&') {
      escaped += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      escaped += c;
    }
  }
  return escaped;
}

/// One %-directive: flags, width and precision.
struct Directive {
  bool left = false;
  bool zero = false;
  bool plus = false;
  bool sharp = false;
  std::size_t width = 0;
  std::optional<int> precision;
  char verb = '\0';
};

Directive read_directive(std::string_view format, std::size_t& at) {
  Directive directive;
  for (; at < format.size() && std::string_view{"-0+# "}.find(format[at]) != std::string_view::npos; ++at) {
    if (format[at] == '-') directive.left = true;
    if (format[at] == '0') directive.zero = true;
    if (format[at] == '+') directive.plus = true;
    if (format[at] == '#') directive.sharp = true;
  }
  const auto digits = [&] {
    std::size_t number = 0;
    for (; at < format.size() && format[at] >= '0' && format[at] <= '9'; ++at) {
      number = std::min<std::size_t>(number * 10 + static_cast<std::size_t>(format[at] - '0'), 10'000);
    }
    return number;
  };
  directive.width = digits();
  if (at < format.size() && format[at] == '.') {
    ++at;
    directive.precision = static_cast<int>(digits());
  }
  if (at < format.size()) directive.verb = format[at++];
  return directive;
}

std::string bad_verb(const Directive& directive, const Datum& value) {
  return fmt::format("%!{}({}={})", directive.verb, type_name(value), to_text(value));
}

std::string integer_text(const Directive& directive, std::int64_t value) {
  const auto magnitude = value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
  std::string digits;
  switch (directive.verb) {
    case 'x': digits = fmt::format("{}{:x}", directive.sharp ? "0x" : "", magnitude); break;
    case 'X': digits = fmt::format("{}{:X}", directive.sharp ? "0X" : "", magnitude); break;
    case 'o': digits = fmt::format("{:o}", magnitude); break;
    case 'b': digits = fmt::format("{:b}", magnitude); break;
    default: digits = std::to_string(magnitude);
  }
  return (value < 0 ? "-" : directive.plus ? "+" : "") + digits;
}

std::string formatted(const Directive& directive, const Datum& value) {
  const auto* data = value.json();
  const auto verb = directive.verb;
  if (verb == 'v')
    return directive.sharp && data != nullptr && data->is_string() ? quote(to_text(value)) : to_text(value);
  if (verb == 'T') return type_name(value);
  if (verb == 't' && data != nullptr && data->is_bool()) return to_text(value);
  if (data != nullptr && (data->is_int64() || data->is_uint64())) {
    const auto number = data->is_int64() ? data->get_int64() : static_cast<std::int64_t>(data->get_uint64());
    if (std::string_view{"dxXob"}.find(verb) != std::string_view::npos) return integer_text(directive, number);
    if (verb == 'c') return std::string(1, static_cast<char>(number));
  }
  if (data != nullptr && data->is_double()) {
    const auto precision = directive.precision.value_or(6);
    if (verb == 'f' || verb == 'F') return fmt::format("{:.{}f}", data->get_double(), precision);
    if (verb == 'e') return fmt::format("{:.{}e}", data->get_double(), precision);
    if (verb == 'g') return to_text(value);
  }
  const bool is_list = data != nullptr && (data->is_array() || data->is_object());
  if ((data != nullptr && data->is_string()) || is_list) {
    auto text = to_text(value);
    if (directive.precision) text.resize(std::min(text.size(), static_cast<std::size_t>(*directive.precision)));
    if (verb == 's') return text;
    if (verb == 'q') return quote(text);
    if (verb == 'x') {
      std::string hex;
      for (const char c : text) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
      return hex;
    }
  }
  return bad_verb(directive, value);
}

std::string padded(const Directive& directive, std::string text) {
  if (text.size() >= directive.width) return text;
  const auto missing = directive.width - text.size();
  if (directive.left) return text + std::string(missing, ' ');
  if (!directive.zero) return std::string(missing, ' ') + text;
  const auto sign = !text.empty() && (text[0] == '-' || text[0] == '+') ? 1U : 0U;
  return text.insert(sign, missing, '0');
}

}  // namespace

std::string to_text(const Datum& datum) {
  if (datum.object() != nullptr) return text_of(datum.object()->to_json());
  return datum.is_missing() ? "<no value>" : text_of(*datum.json(), datum.shape());
}

std::string go_json(const json::Value& value, bool escape_html) {
  std::string text;
  if (const auto* object = value.if_object()) {
    for (const auto& member : *object) {
      text += (text.empty() ? "" : ",") + json_string(json::Value(member.key()), escape_html) + ":" +
              go_json(member.value(), escape_html);
    }
    return "{" + text + "}";
  }
  if (const auto* array = value.if_array()) {
    for (const auto& item : *array) text += (text.empty() ? "" : ",") + go_json(item, escape_html);
    return "[" + text + "]";
  }
  if (value.is_double()) return double_text(value.get_double());
  return json_string(value, escape_html);
}

std::string to_json_text(const Datum& datum) {
  if (datum.object() != nullptr) return go_json(datum.object()->to_json(), true);
  return datum.is_missing() ? "null" : go_json(*datum.json());
}

bool is_true(const Datum& datum) {
  if (datum.object() != nullptr) return true;
  if (datum.is_nil()) return false;
  const auto& value = *datum.json();
  switch (value.kind()) {
    case boost::json::kind::bool_: return value.get_bool();
    case boost::json::kind::int64: return value.get_int64() != 0;
    case boost::json::kind::uint64: return value.get_uint64() != 0;
    case boost::json::kind::double_: return value.get_double() != 0;
    case boost::json::kind::string: return !value.get_string().empty();
    case boost::json::kind::array: return !value.get_array().empty();
    case boost::json::kind::object: return !value.get_object().empty();
    case boost::json::kind::null: return false;
  }
  return false;
}

std::string type_name(const Datum& datum) {
  if (datum.object() != nullptr) return datum.object()->type_name();
  if (datum.is_nil()) return "<nil>";
  switch (datum.json()->kind()) {
    case boost::json::kind::bool_: return "bool";
    case boost::json::kind::int64: return "int";
    case boost::json::kind::uint64: return "uint64";
    case boost::json::kind::double_: return "float64";
    case boost::json::kind::string: return "string";
    case boost::json::kind::array: return "[]interface {}";
    default: return "map[string]interface {}";
  }
}

std::string go_sprintf(std::string_view format, const std::vector<Datum>& values) {
  std::string out;
  std::size_t used = 0;
  for (std::size_t at = 0; at < format.size();) {
    if (format[at] != '%') {
      out += format[at++];
      continue;
    }
    ++at;
    const auto directive = read_directive(format, at);
    if (directive.verb == '%') {
      out += '%';
    } else if (directive.verb == '\0') {
      out += "%!(NOVERB)";
    } else if (used == values.size()) {
      out += fmt::format("%!{}(MISSING)", directive.verb);
    } else {
      out += padded(directive, formatted(directive, values[used++]));
    }
  }
  if (used < values.size()) {
    std::string extra;
    for (; used < values.size(); ++used) {
      extra += fmt::format("{}{}={}", extra.empty() ? "" : ", ", type_name(values[used]), to_text(values[used]));
    }
    out += "%!(EXTRA " + extra + ")";
  }
  return out;
}

}  // namespace berth::templates

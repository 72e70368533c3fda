#include "base/json.hpp"

#include <cmath>

#include "base/json_syntax.hpp"
#include "base/strings.hpp"

namespace berth::json {
namespace {

std::string_view kind_name(const Value& value) {
  switch (value.kind()) {
    case boost::json::kind::null: return "null";
    case boost::json::kind::bool_: return "bool";
    case boost::json::kind::int64:
    case boost::json::kind::uint64:
    case boost::json::kind::double_: return "number";
    case boost::json::kind::string: return "string";
    case boost::json::kind::array: return "array";
    case boost::json::kind::object: return "object";
  }
  return "value";
}

/// Strings as Go writes them in `docker inspect`: no escaping of '/', of '<' and '>' neither.
void write_pretty(std::string& out, const Value& value, std::size_t depth) {
  const std::string indent((depth + 1) * 4, ' ');
  const std::string outer(depth * 4, ' ');
  if (const auto* object = value.if_object(); object != nullptr && !object->empty()) {
    out += "{\n";
    std::size_t left = object->size();
    for (const auto& member : *object) {
      out += indent + boost::json::serialize(Value(member.key())) + ": ";
      write_pretty(out, member.value(), depth + 1);
      out += --left > 0 ? ",\n" : "\n";
    }
    out += outer + '}';
  } else if (const auto* array = value.if_array(); array != nullptr && !array->empty()) {
    out += "[\n";
    std::size_t left = array->size();
    for (const auto& item : *array) {
      out += indent;
      write_pretty(out, item, depth + 1);
      out += --left > 0 ? ",\n" : "\n";
    }
    out += outer + ']';
  } else {
    out += write(value);
  }
}

/// A large document has thousands of small parts: taken one by one they would leave a heap full of holes.
boost::json::storage_ptr storage_for(std::size_t text_bytes) {
  constexpr std::size_t large = 64U << 10U;
  if (text_bytes < large) return {};
  return boost::json::make_shared_resource<boost::json::monotonic_resource>(2 * text_bytes);
}

}  // namespace

Value parse(std::string_view text) {
  boost::json::error_code error;
  boost::json::parse_options options;
  options.max_depth = 64;
  auto value = boost::json::parse({text.data(), text.size()}, error, storage_for(text.size()), options);
  if (error) {
    const auto fault = syntax_fault(text);
    throw Error{Kind::invalid, "{}", fault.empty() ? error.message() : fault};
  }
  return value;
}

std::string write(const Value& value) {
  if (const auto* number = value.if_double(); number != nullptr && std::isfinite(*number)) {
    return fmt::format("{}", *number);  // Boost writes 1.5 as 1.5E0, which people do not read.
  }
  return boost::json::serialize(value);
}

std::string write_pretty(const Value& value) {
  std::string out;
  write_pretty(out, value, 0);
  return out;
}

const Value* find(const Value& value, std::string_view name) {
  const auto* object = value.if_object();
  return object == nullptr ? nullptr : object->if_contains({name.data(), name.size()});
}

void throw_mismatch(const Value& found, const std::string& path, std::string_view wanted) {
  throw Error{Kind::invalid, "json: cannot unmarshal {} into field {} of type {}", kind_name(found),
              path.empty() ? "(body)" : path, wanted};
}

namespace detail {

std::int64_t read_int(const Value& value, const std::string& path, std::int64_t low, std::int64_t high) {
  std::optional<std::int64_t> number;
  if (const auto* as_int = value.if_int64()) number = *as_int;
  if (const auto* as_double = value.if_double();
      as_double != nullptr && std::nearbyint(*as_double) == *as_double && std::fabs(*as_double) < 9e18) {
    number = static_cast<std::int64_t>(*as_double);  // 1e6: some clients write whole numbers so
  }
  if (!number || *number < low || *number > high) throw_mismatch(value, path, "int64");
  return *number;
}

std::uint64_t read_uint(const Value& value, const std::string& path, std::uint64_t high) {
  std::optional<std::uint64_t> number;
  if (const auto* as_uint = value.if_uint64()) number = *as_uint;
  if (const auto* as_int = value.if_int64(); as_int != nullptr && *as_int >= 0) number = *as_int;
  if (!number || *number > high) throw_mismatch(value, path, "uint64");
  return *number;
}

double read_double(const Value& value, const std::string& path) {
  if (!value.is_number()) throw_mismatch(value, path, "float64");
  return value.to_number<double>();
}

bool read_bool(const Value& value, const std::string& path) {
  if (!value.is_bool()) throw_mismatch(value, path, "bool");
  return value.get_bool();
}

std::string read_string(const Value& value, const std::string& path) {
  if (!value.is_string()) throw_mismatch(value, path, "string");
  return std::string{value.get_string()};
}

const Array& read_array(const Value& value, const std::string& path) {
  if (!value.is_array()) throw_mismatch(value, path, "array");
  return value.get_array();
}

const Object& read_object(const Value& value, const std::string& path) {
  if (!value.is_object()) throw_mismatch(value, path, "object");
  return value.get_object();
}

const Value* find_member(const Object& object, std::string_view name) {
  if (const auto* found = object.if_contains({name.data(), name.size()})) return found;
  for (const auto& member : object) {
    const std::string_view key{member.key().data(), member.key().size()};
    if (key.size() == name.size() && equals_ignoring_case(key, name)) return &member.value();
  }
  return nullptr;
}

}  // namespace detail
}  // namespace berth::json

// JSON to typed structs and back: members are named as on the wire (Boost.JSON + Boost.Describe).
//
//   struct Mount { std::string destination; std::optional<std::string> type; std::vector<std::string> options; };
//   BOOST_DESCRIBE_STRUCT(Mount, (), (destination, type, options))
//   auto mount = json::parse<Mount>(text);     std::string text = json::write(mount);
//
// Reading follows Go, as Docker does: unknown members are ignored, upper and lower case are the same (python3-docker
// writes `detachKeys`), null leaves the default, a wrong type is `invalid` and names the member. Writing: absent
// `optional` and empty `OmitEmpty<T>` are left out, absent `Nullable` is null. A trailing underscore of a member's name
// is dropped (`namespace_`). A type with `static T from_json(const json::Value&)` and `json::Value to_json() const`
// converts itself.
#pragma once

#include <concepts>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <boost/describe.hpp>
#include <boost/json.hpp>
#include <boost/mp11/algorithm.hpp>

#include "base/error.hpp"

namespace berth::json {

using Value = boost::json::value;
using Object = boost::json::object;
using Array = boost::json::array;

/// Parses text; throws `invalid` with the fault in Go's words. Depth is bounded (64), duplicate keys: the last wins.
Value parse(std::string_view text);

std::string write(const Value& value);
/// Indented with four spaces, as `docker inspect` prints.
std::string write_pretty(const Value& value);

/// The member of an object, or null if this is no object or has no such member.
const Value* find(const Value& value, std::string_view name);

/// A member that is written as null when absent.
template <class T>
struct Nullable : std::optional<T> {
  using std::optional<T>::optional;
};

/// A string, vector or map that is left out when empty.
template <class T>
struct OmitEmpty : T {
  using T::T;
  using T::operator=;
  OmitEmpty() = default;
  OmitEmpty(T value) : T(std::move(value)) {}  // NOLINT(google-explicit-constructor): it is a T in all but its output
};

/// "json: cannot unmarshal <found> into field <path> of type <wanted>", as Go words it.
[[noreturn]] void throw_mismatch(const Value& found, const std::string& path, std::string_view wanted);

namespace detail {

template <class T>
concept Described = boost::describe::has_describe_members<T>::value;
template <class T>
concept Custom = requires(const Value& value, const T& object) {
  { T::from_json(value) } -> std::same_as<T>;
  { object.to_json() } -> std::convertible_to<Value>;
};
template <class T>
struct is_vector : std::false_type {};
template <class T>
struct is_vector<std::vector<T>> : std::true_type {};
template <class T>
struct is_map : std::false_type {};
template <class T>
struct is_map<std::map<std::string, T>> : std::true_type {};
template <class T>
struct is_map<std::map<std::string, T, std::less<>>> : std::true_type {};
template <class T>
struct is_optional : std::false_type {};
template <class T>
struct is_optional<std::optional<T>> : std::true_type {};
template <class T>
struct is_nullable : std::false_type {};
template <class T>
struct is_nullable<Nullable<T>> : std::true_type {};
template <class T>
struct is_omit_empty : std::false_type {};
template <class T>
struct is_omit_empty<OmitEmpty<T>> : std::true_type {};

template <class T>
using Members = boost::describe::describe_members<T, boost::describe::mod_public | boost::describe::mod_inherited>;

constexpr std::string_view wire_name(const char* name) {
  std::string_view text{name};
  if (text.ends_with('_')) text.remove_suffix(1);
  return text;
}

std::int64_t read_int(const Value& value, const std::string& path, std::int64_t low, std::int64_t high);
std::uint64_t read_uint(const Value& value, const std::string& path, std::uint64_t high);
double read_double(const Value& value, const std::string& path);
bool read_bool(const Value& value, const std::string& path);
std::string read_string(const Value& value, const std::string& path);
const Array& read_array(const Value& value, const std::string& path);
const Object& read_object(const Value& value, const std::string& path);
/// Null if there is none; a name that differs only in its case will do, if none is exactly this.
const Value* find_member(const Object& object, std::string_view name);

template <class T>
void read(const Value& value, T& target, const std::string& path) {
  if constexpr (std::same_as<T, Value>) {
    target = value;
  } else if constexpr (std::same_as<T, Object>) {
    if (!value.is_null()) target = read_object(value, path);
  } else if constexpr (Custom<T>) {
    try {
      target = T::from_json(value);
    } catch (Error& error) {
      throw error.in("{}", path);
    }
  } else if constexpr (is_nullable<T>::value || is_optional<T>::value) {
    if (value.is_null()) {
      target.reset();
    } else {
      read(value, target.emplace(), path);
    }
  } else if (value.is_null()) {
    return;
  } else if constexpr (std::same_as<T, bool>) {
    target = read_bool(value, path);
  } else if constexpr (std::signed_integral<T>) {
    target = static_cast<T>(read_int(value, path, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
  } else if constexpr (std::unsigned_integral<T>) {
    target = static_cast<T>(read_uint(value, path, std::numeric_limits<T>::max()));
  } else if constexpr (std::floating_point<T>) {
    target = read_double(value, path);
  } else if constexpr (std::same_as<T, std::string>) {
    target = read_string(value, path);
  } else if constexpr (is_omit_empty<T>::value) {
    read(value,
         static_cast<std::remove_reference_t<decltype([]<class U>(OmitEmpty<U>& o) -> U& { return o; }(target))>&>(
             target),
         path);
  } else if constexpr (is_vector<T>::value) {
    target.clear();
    const auto& array = read_array(value, path);
    target.reserve(array.size());
    for (const auto& element : array) {
      typename T::value_type item{};
      read(element, item, path);
      target.push_back(std::move(item));
    }
  } else if constexpr (is_map<T>::value) {
    target.clear();
    for (const auto& member : read_object(value, path)) {
      read(member.value(), target[std::string{member.key()}], path + "." + std::string{member.key()});
    }
  } else {
    static_assert(Described<T>, "describe the struct with BOOST_DESCRIBE_STRUCT");
    const auto& object = read_object(value, path);
    boost::mp11::mp_for_each<Members<T>>([&](auto member) {
      const auto name = wire_name(member.name);
      if (const auto* found = find_member(object, name)) {
        read(*found, target.*member.pointer, path.empty() ? std::string{name} : path + "." + std::string{name});
      }
    });
  }
}

template <class T>
Value to_value(const T& source) {
  if constexpr (std::same_as<T, Value>) {
    return source;
  } else if constexpr (std::same_as<T, Object> || std::same_as<T, Array>) {
    return source;
  } else if constexpr (Custom<T>) {
    return source.to_json();
  } else if constexpr (is_nullable<T>::value || is_optional<T>::value) {
    return source ? to_value(*source) : Value();
  } else if constexpr (std::same_as<T, bool> || std::floating_point<T>) {
    return source;
  } else if constexpr (std::signed_integral<T>) {
    return static_cast<std::int64_t>(source);
  } else if constexpr (std::unsigned_integral<T>) {
    return static_cast<std::uint64_t>(source);
  } else if constexpr (std::convertible_to<const T&, std::string_view>) {
    const std::string_view text = source;
    return Value(boost::json::string_view(text.data(), text.size()));  // braces would make an array
  } else if constexpr (is_omit_empty<T>::value) {
    return []<class U>(const OmitEmpty<U>& o) { return to_value(static_cast<const U&>(o)); }(source);
  } else if constexpr (is_vector<T>::value) {
    Array array;
    array.reserve(source.size());
    for (const auto& item : source) array.push_back(to_value(static_cast<const typename T::value_type&>(item)));
    return array;
  } else if constexpr (is_map<T>::value) {
    Object object;
    for (const auto& [key, item] : source) object[key] = to_value(item);
    return object;
  } else {
    static_assert(Described<T>, "describe the struct with BOOST_DESCRIBE_STRUCT");
    Object object;
    boost::mp11::mp_for_each<Members<T>>([&](auto member) {
      const auto& field = source.*member.pointer;
      using Field = std::remove_cvref_t<decltype(field)>;
      if constexpr (is_optional<Field>::value) {
        if (!field) return;
      }
      if constexpr (is_omit_empty<Field>::value) {
        if (field.empty()) return;
      }
      object[wire_name(member.name)] = to_value(field);
    });
    return object;
  }
}

}  // namespace detail

/// A typed struct from a value; throws `invalid`, naming the member that has the wrong type.
template <class T>
T from(const Value& value) {
  T target{};
  detail::read(value, target, std::string{});
  return target;
}

template <class T>
T parse(std::string_view text) {
  return from<T>(parse(text));
}

template <class T>
Value to(const T& source) {
  return detail::to_value(source);
}

template <class T>
requires(!std::same_as<T, Value>) std::string write(const T& source) {
  return write(detail::to_value(source));
}

}  // namespace berth::json

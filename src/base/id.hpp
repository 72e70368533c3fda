// Random identifiers.
#pragma once

#include <string>
#include <string_view>

namespace berth {

/// `bytes` random bytes of the kernel as lower-case hexadecimal.
std::string random_hex(std::size_t bytes);

/// A container's ID: 64 hexadecimal digits, the first twelve of which are never all decimal, so that a short ID is
/// never taken for a number.
std::string make_id();

/// 64 lower-case hexadecimal digits.
bool is_full_id(std::string_view text);

/// The twelve digits that people see.
inline std::string short_id(std::string_view id) {
  return std::string{id.substr(0, 12)};
}

}  // namespace berth

#include "base/id.hpp"

#include <sys/random.h>

#include <cerrno>

#include "base/error.hpp"
#include "base/strings.hpp"

namespace berth {

std::string random_hex(std::size_t bytes) {
  std::string raw(bytes, '\0');
  if (::getrandom(raw.data(), raw.size(), 0) != static_cast<ssize_t>(raw.size())) {
    throw Error::from_errno(errno, "read random bytes");
  }
  return to_hex(raw);
}

std::string make_id() {
  for (;;) {
    std::string id = random_hex(32);
    if (std::string_view{id}.substr(0, 12).find_first_not_of("0123456789") != std::string_view::npos) return id;
  }
}

bool is_full_id(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace berth

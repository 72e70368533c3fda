#include "base/error.hpp"

#include <cstring>
#include <new>

namespace berth {

int http_status(Kind kind) noexcept {
  switch (kind) {
    case Kind::invalid: return 400;
    case Kind::unauthorized: return 401;
    case Kind::forbidden: return 403;
    case Kind::not_found: return 404;
    case Kind::not_allowed: return 405;
    case Kind::conflict: return 409;
    case Kind::too_large: return 413;
    case Kind::unsupported: return 501;
    case Kind::unavailable: return 503;
    case Kind::cancelled: return 499;
    case Kind::corrupt:
    case Kind::internal: return 500;
  }
  return 500;
}

std::string_view to_string(Kind kind) noexcept {
  switch (kind) {
    case Kind::invalid: return "invalid";
    case Kind::unauthorized: return "unauthorized";
    case Kind::forbidden: return "forbidden";
    case Kind::not_found: return "not found";
    case Kind::not_allowed: return "method not allowed";
    case Kind::conflict: return "conflict";
    case Kind::too_large: return "too large";
    case Kind::unsupported: return "unsupported";
    case Kind::unavailable: return "unavailable";
    case Kind::cancelled: return "cancelled";
    case Kind::corrupt: return "corrupt";
    case Kind::internal: return "internal";
  }
  return "internal";
}

Error::Error(Kind kind, int errno_value, std::string message)
    : kind_(kind), errno_(errno_value), message_(std::move(message)) {}

std::string errno_text(int errno_value) {
  std::string text =
      ::strerrordesc_np(errno_value) != nullptr ? ::strerrordesc_np(errno_value) : fmt::format("errno {}", errno_value);
  // "No such file" -> "no such file", but "RPC ..." stays.
  if (text.size() > 1 && text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'a' && text[1] <= 'z') {
    text[0] = static_cast<char>(text[0] - 'A' + 'a');
  }
  return text;
}

std::string Error::with_errno(std::string what, int errno_value) {
  return std::move(what) + ": " + errno_text(errno_value);
}

Error current_error() noexcept {
  try {
    throw;
  } catch (const Error& error) {
    return error;
  } catch (const std::bad_alloc&) {
    return {Kind::unavailable, ENOMEM, "out of memory"};
  } catch (const std::exception& error) {
    return {Kind::internal, 0, error.what()};
  } catch (...) {
    return {Kind::internal, 0, "unknown exception"};
  }
}

std::string quote(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (c == '\n') {
      quoted += "\\n";
    } else if (c == '\t') {
      quoted += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      quoted += fmt::format("\\x{:02x}", byte);
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

}  // namespace berth

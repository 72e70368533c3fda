// The one exception type of Berth (style.md section 3).
#pragma once

#include <cerrno>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace berth {

/// What the caller may conclude. `http_status` and `exit_code` turn it into what the outside sees.
enum class Kind {
  invalid,
  unauthorized,
  forbidden,
  not_found,
  not_allowed,  ///< the path exists, the method does not (405)
  conflict,
  too_large,
  unsupported,
  unavailable,
  cancelled,
  corrupt,
  internal,
};

/// The status code that the Engine API answers with for an error of this kind.
int http_status(Kind kind) noexcept;
std::string_view to_string(Kind kind) noexcept;

class Error : public std::exception {
 public:
  template <class... Args>
  Error(Kind kind, fmt::format_string<Args...> format, Args&&... args)
      : Error(kind, 0, fmt::format(format, std::forward<Args>(args)...)) {}

  Error(Kind kind, int errno_value, std::string message);

  /// An error of a failed system call: "<what>: <strerror>". Kind is `internal` unless the caller knows what it means.
  template <class... Args>
  static Error from_errno(int errno_value, fmt::format_string<Args...> format, Args&&... args) {
    return {Kind::internal, errno_value, with_errno(fmt::format(format, std::forward<Args>(args)...), errno_value)};
  }

  /// Adds the outer step in front of the message: "<context>: <message>".
  template <class... Args>
  Error& in(fmt::format_string<Args...> format, Args&&... args) {
    message_ = fmt::format(format, std::forward<Args>(args)...) + ": " + message_;
    return *this;
  }

  /// The same error under another kind, for the layer that knows what the failure means.
  Error& as(Kind kind) noexcept {
    kind_ = kind;
    return *this;
  }

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  /// errno of the system call that failed, or 0.
  [[nodiscard]] int errno_value() const noexcept { return errno_; }
  [[nodiscard]] const std::string& message() const noexcept { return message_; }
  [[nodiscard]] const char* what() const noexcept override { return message_.c_str(); }

 private:
  static std::string with_errno(std::string what, int errno_value);

  Kind kind_;
  int errno_;
  std::string message_;
};

/// The exception in flight as an Error, whatever it was. Call only inside a catch block.
Error current_error() noexcept;

/// The text in double quotes with control characters and quotes escaped, for messages.
std::string quote(std::string_view text);

/// "no such file or directory": the errno's text in lower case, as our messages are.
std::string errno_text(int errno_value);

}  // namespace berth

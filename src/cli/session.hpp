// What a command works with: the terminal or pipes it was started on, and the daemon.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "client/client.hpp"

namespace berth::cli {

/// Standard streams, as descriptors so that tests can give their own.
struct Console {
  FdRef in{0};
  FdRef out{1};
  FdRef err{2};

  void print(std::string_view text) const { write_all(out, text); }
  void print_line(std::string_view line) const { write_all(out, std::string{line} + '\n'); }
  void complain(std::string_view line) const { write_all(err, std::string{line} + '\n'); }
};

struct Session {
  Console console;
  client::Client& client;
  std::string program;  ///< "berth", or "docker" if called by that name
};

/// The end of a command with an exit code of its own; the message, if any, goes to standard error.
class Failure : public Error {
 public:
  Failure(int exit_code, std::string message) : Error(Kind::invalid, 0, std::move(message)), exit_code_(exit_code) {}
  [[nodiscard]] int exit_code() const noexcept { return exit_code_; }

 private:
  int exit_code_;
};

}  // namespace berth::cli

// runtime_cli: the OCI runtime's command line (create, start, state, kill, delete, run, exec, ...), as runc and crun
// have it.
//
// Each invocation is a process of its own; what they share is <root>/<id>/ (state.hpp). One file per group of commands.
//
// Uses: base, oci, linux, seccomp, runtime.   Used by: bin (berth-runtime).   Threads: one.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace berth::runtime::cli {

/// An option that a command knows. `letter` is 0 without a short form.
struct Option {
  std::string_view name;
  char letter = 0;
  bool has_value = false;
};

/// What was given: options by their long names, and what is no option.
class Arguments {
 public:
  /// Options count until `stop_after` words have come that are none: what follows belongs to somebody else, and is kept
  /// as it is. Throws `invalid` on an unknown option.
  Arguments(std::span<const std::string> words, std::span<const Option> options, std::size_t stop_after = SIZE_MAX);

  [[nodiscard]] bool has(std::string_view name) const { return values_.contains(name); }
  /// The last value given.
  [[nodiscard]] std::optional<std::string> find(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> all(std::string_view name) const;
  [[nodiscard]] const std::vector<std::string>& rest() const { return rest_; }
  /// The container's ID; throws `invalid` without one, or with one that could lead out of the state directory.
  [[nodiscard]] std::string id() const;

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
  std::vector<std::string> rest_;
};

/// What was given before the command's name.
struct Settings {
  std::string root = "/run/berth-runtime";
  std::string log_file;
  bool log_json = false;
};

/// One command: its options and what it does; the result is the exit code.
struct Command {
  std::string_view name;
  std::string_view usage;
  std::span<const Option> options;
  std::size_t stop_after;  ///< see Arguments
  int (*run)(const Settings& settings, const Arguments& arguments);
};

std::span<const Command> lifecycle_commands();  // create, start, run, kill, delete
std::span<const Command> process_commands();    // exec, ps, pause, resume
std::span<const Command> inspect_commands();    // state, list, spec, features, events, update

/// The program: parses, runs one command, prints errors. Returns the exit code.
int run_command_line(std::vector<std::string> words);

}  // namespace berth::runtime::cli

// A command of the command line: declared once, parsed by pflag's rules, explained by cobra's texts.
//
//   Command container_kill() {
//     Command command{"Kill one or more running containers"};
//     auto signal = command.text("-s,--signal", "", "Signal to send to the container");
//     auto names = command.arguments("CONTAINER [CONTAINER...]", {.at_least = 1});
//     command.run([=](Session& session) { ... *signal ... *names ... });
//     return command;
//   }
//
// docker's flags are those of the Go library pflag (`-it`, `--rm=false`, `--entrypoint=`, flags end at the first
// argument of `run`), and scripts depend on each of these rules; see docs/decisions/command-line-parser.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth::cli {

struct Session;

/// What a flag was set to, shared between a command's declaration and its action.
template <class T>
class Setting {
 public:
  struct State {
    T value{};
    bool given = false;
  };

  explicit Setting(T initial = {}) : state_(std::make_shared<State>(State{std::move(initial)})) {}

  const T& operator*() const { return state_->value; }
  const T* operator->() const { return &state_->value; }
  /// True if the user wrote the flag, with whatever value.
  [[nodiscard]] bool given() const { return state_->given; }
  [[nodiscard]] State& state() const { return *state_; }

 private:
  std::shared_ptr<State> state_;
};

using Switch = Setting<bool>;
using Text = Setting<std::string>;
using Number = Setting<std::int64_t>;
using List = Setting<std::vector<std::string>>;

/// Checks a flag's value and returns what to keep; throws `invalid` with the reason.
using Check = std::function<std::string(std::string)>;

struct Flag {
  std::string name;
  char letter = '\0';
  std::string type;  ///< as help shows it: string, list, bytes...
  std::string usage;
  std::string preset;  ///< as help shows it, "" for none
  bool is_switch = false;
  bool hidden = false;
  std::function<void(const std::string&)> set;
};

/// Flags as pflag prints them, wrapped to `width` columns (0: not at all).
std::string describe_flags(const std::vector<Flag>& flags, std::size_t width);

struct ArgumentCount {
  std::size_t at_least = 0;
  std::optional<std::size_t> at_most;  ///< none: any number
};

class Command {
 public:
  explicit Command(std::string summary) : summary_(std::move(summary)) {}

  /// `names` is "-s,--signal" or "--signal". `preset` is the value without the flag.
  Switch on_off(std::string_view names, std::string usage, bool preset = false);
  Text text(std::string_view names, std::string preset, std::string usage, std::string type = "string",
            Check check = nullptr);
  Number number(std::string_view names, std::int64_t preset, std::string usage, std::string type = "int");
  /// A size as "512m"; `allow_minus_one` takes -1 as unlimited.
  Number bytes(std::string_view names, std::string usage, bool allow_minus_one = false);
  List list(std::string_view names, std::string usage, std::string type = "list", Check check = nullptr);

  /// Several values at once, separated by commas: "a,b".
  List strings(std::string_view names, std::string usage);

  /// Takes the flag that was declared last out of help.
  Command& hide();
  /// What help shows as the value without the flag, where that is not the value itself: "map[]".
  Command& shows(std::string preset);
  /// A second, hidden name of the flag that was declared last.
  Command& also(std::string_view name);

  /// What may stand after the flags: the text for the usage line, and how many.
  List arguments(std::string_view usage, ArgumentCount count);
  /// The usage line does not mention flags, as docker's of some commands.
  Command& plain_usage();
  /// Flags end at the first argument: what follows belongs to the container's command.
  Command& flags_first();

  /// What arguments() returned.
  [[nodiscard]] const List& words() const { return arguments_; }

  /// Set when any flag was written.
  [[nodiscard]] const Switch& any_flag() const { return any_flag_; }

  Command& run(std::function<int(Session&)> action);

  /// Reads flags and arguments; throws `Failure` with the usage text and exit code 125, or 1 for a wrong count of
  /// arguments. Returns false if help was asked for.
  bool parse(const std::string& path, const std::vector<std::string>& words);
  int execute(Session& session) const { return action_(session); }

  /// The text of `--help`. `path` is the command as called ("berth container ls"), `names` all its spellings.
  [[nodiscard]] std::string help(const std::string& path, const std::vector<std::string>& names,
                                 std::size_t width) const;
  /// Only the flags of it.
  [[nodiscard]] std::string options_help(std::size_t width) const { return describe_flags(flags_, width); }
  [[nodiscard]] const std::string& summary() const { return summary_; }

 private:
  Flag& add(std::string_view names, std::string type, std::string usage);
  Flag* find(std::string_view name);
  Flag* find(char letter);
  void set(Flag& flag, const std::string& value);
  /// Each takes one word that starts with '-', and the next word too if the flag's value is there.
  void parse_long(const std::vector<std::string>& words, std::size_t& index);
  void parse_letters(const std::vector<std::string>& words, std::size_t& index);
  void check_count(const std::string& path) const;
  [[nodiscard]] std::string usage_line(const std::string& path) const;

  std::string summary_;
  std::string arguments_usage_;
  ArgumentCount count_{.at_most = 0};
  List arguments_{std::vector<std::string>{}};
  std::vector<Flag> flags_;
  Switch any_flag_;
  bool flags_first_ = false;
  bool plain_usage_ = false;
  bool help_asked_ = false;
  std::function<int(Session&)> action_;
};

}  // namespace berth::cli

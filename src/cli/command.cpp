#include "cli/command.hpp"

#include <algorithm>
#include <array>

#include "base/size.hpp"
#include "base/strings.hpp"
#include "cli/flag_values.hpp"
#include "cli/session.hpp"
#include "cli/units.hpp"

namespace berth::cli {
namespace {

struct Names {
  std::string name;
  char letter = '\0';
};

Names parse_names(std::string_view names) {
  Names parsed;
  for (const auto& part : split(names, ',')) {
    if (part.starts_with("--")) {
      parsed.name = part.substr(2);
    } else {
      parsed.letter = part.at(1);
    }
  }
  return parsed;
}

/// As Go's strconv.ParseInt with base 0: decimal, 0x, 0o or 0, 0b.
std::int64_t parse_go_int(const std::string& text) {
  std::string_view digits = text;
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.remove_prefix(1);
  int base = 10;
  if (digits.size() > 1 && digits[0] == '0') {
    const char mark = digits[1];
    base = mark == 'x' || mark == 'X' ? 16 : mark == 'b' || mark == 'B' ? 2 : 8;
    digits.remove_prefix(base == 8 && mark != 'o' && mark != 'O' ? 1 : 2);
  }
  const auto number = digits.starts_with('-') ? std::nullopt : parse_number<std::int64_t>(digits, base);
  if (!number) throw Error{Kind::invalid, "strconv.ParseInt: parsing {}: invalid syntax", quote(text)};
  return negative ? -*number : *number;
}

std::string option_name(const Flag& flag) {
  return flag.letter != '\0' ? fmt::format("-{}, --{}", flag.letter, flag.name) : "--" + flag.name;
}

/// pflag's line breaking: lines may run over by a few columns to avoid a short last one.
struct Broken {
  std::string line;
  std::string rest;
};

Broken break_line(const std::string& text, std::size_t columns, std::size_t slack) {
  if (columns + slack > text.size()) return {text, ""};
  const auto space = text.find_last_of(" \t\n", columns - 1);
  if (space == std::string::npos || space == 0) return {text, ""};
  const auto newline = text.rfind('\n', columns - 1);
  const auto at = newline != std::string::npos && newline > 0 && newline < space ? newline : space;
  return {text.substr(0, at), text.substr(at + 1)};
}

std::string indent_lines(const std::string& text, const std::string& indent) {
  std::string indented;
  for (const char c : text) {
    indented += c;
    if (c == '\n') indented += indent;
  }
  return indented;
}

std::string wrap(const std::string& text, std::size_t indent_columns, std::size_t width) {
  constexpr std::size_t narrowest = 24;
  constexpr std::size_t slack = 5;
  std::string wrapped;
  if (width != 0 && width < indent_columns + narrowest) {
    indent_columns = 16;
    wrapped = "\n" + std::string(indent_columns, ' ');
  }
  const std::string indent(indent_columns, ' ');
  if (width == 0 || width < indent_columns + narrowest) return indent_lines(text, indent);
  const auto columns = width - indent_columns - slack;
  auto [line, rest] = break_line(text, columns, slack);
  wrapped += indent_lines(line, indent);
  while (!rest.empty()) {
    auto next = break_line(rest, columns, slack);
    wrapped += '\n' + indent + indent_lines(next.line, indent);
    rest = std::move(next.rest);
  }
  return wrapped;
}

}  // namespace

Flag& Command::add(std::string_view names, std::string type, std::string usage) {
  auto [name, letter] = parse_names(names);
  return flags_.emplace_back(
      Flag{.name = std::move(name), .letter = letter, .type = std::move(type), .usage = std::move(usage)});
}

Switch Command::on_off(std::string_view names, std::string usage, bool preset) {
  Switch setting{preset};
  auto& flag = add(names, "", std::move(usage));
  flag.is_switch = true;
  if (preset) flag.preset = "true";
  flag.set = [setting](const std::string& value) {
    const auto parsed = parse_bool(value);
    if (!parsed) throw Error{Kind::invalid, "strconv.ParseBool: parsing {}: invalid syntax", quote(value)};
    setting.state() = {*parsed, true};
  };
  return setting;
}

Text Command::text(std::string_view names, std::string preset, std::string usage, std::string type, Check check) {
  Text setting{preset};
  auto& flag = add(names, std::move(type), std::move(usage));
  if (!preset.empty()) flag.preset = quote(preset);
  flag.set = [setting, check](const std::string& value) { setting.state() = {check ? check(value) : value, true}; };
  return setting;
}

Number Command::number(std::string_view names, std::int64_t preset, std::string usage, std::string type) {
  Number setting{preset};
  auto& flag = add(names, std::move(type), std::move(usage));
  if (preset != 0) flag.preset = std::to_string(preset);
  flag.set = [setting](const std::string& value) { setting.state() = {parse_go_int(value), true}; };
  return setting;
}

Number Command::bytes(std::string_view names, std::string usage, bool allow_minus_one) {
  Number setting{0};
  auto& flag = add(names, "bytes", std::move(usage));
  flag.set = [setting, allow_minus_one](const std::string& value) {
    if (allow_minus_one && value == "-1") {
      setting.state() = {-1, true};
      return;
    }
    setting.state() = {parse_size(value), true};
  };
  return setting;
}

List Command::list(std::string_view names, std::string usage, std::string type, Check check) {
  List setting{std::vector<std::string>{}};
  auto& flag = add(names, std::move(type), std::move(usage));
  flag.set = [setting, check](const std::string& value) {
    setting.state().value.push_back(check ? check(value) : value);
    setting.state().given = true;
  };
  return setting;
}

List Command::strings(std::string_view names, std::string usage) {
  List setting{std::vector<std::string>{}};
  add(names, "strings", std::move(usage)).set = [setting](const std::string& value) {
    auto& all = setting.state();
    all.given = true;
    if (value.empty()) return;
    for (auto& field : split_csv(value)) all.value.push_back(std::move(field));
  };
  return setting;
}

Command& Command::hide() {
  flags_.back().hidden = true;
  return *this;
}

Command& Command::shows(std::string preset) {
  flags_.back().preset = std::move(preset);
  return *this;
}

Command& Command::also(std::string_view name) {
  auto twin = flags_.back();
  twin.name = parse_names(name).name;
  twin.letter = '\0';
  twin.hidden = true;
  flags_.push_back(std::move(twin));
  return *this;
}

List Command::arguments(std::string_view usage, ArgumentCount count) {
  arguments_usage_ = usage;
  count_ = count;
  return arguments_;
}

Command& Command::plain_usage() {
  plain_usage_ = true;
  return *this;
}

Command& Command::flags_first() {
  flags_first_ = true;
  return *this;
}

Command& Command::run(std::function<int(Session&)> action) {
  action_ = std::move(action);
  return *this;
}

Flag* Command::find(std::string_view name) {
  const auto found = std::find_if(flags_.begin(), flags_.end(), [&](auto& flag) { return flag.name == name; });
  return found == flags_.end() ? nullptr : &*found;
}

Flag* Command::find(char letter) {
  const auto found = std::find_if(flags_.begin(), flags_.end(), [&](auto& flag) { return flag.letter == letter; });
  return found == flags_.end() ? nullptr : &*found;
}

void Command::set(Flag& flag, const std::string& value) {
  try {
    flag.set(value);
    any_flag_.state() = {true, true};
  } catch (const Error& error) {
    throw Error{Kind::invalid, "invalid argument {} for {} flag: {}", quote(value), quote(option_name(flag)),
                error.message()};
  }
}

void Command::parse_long(const std::vector<std::string>& words, std::size_t& index) {
  const auto& word = words[index];
  const auto equals = word.find('=');
  const auto name = word.substr(2, equals == std::string::npos ? std::string::npos : equals - 2);
  if (name.empty() || name.starts_with('-')) throw Error{Kind::invalid, "bad flag syntax: {}", word};
  auto* flag = find(name);
  if (name == "help") {
    help_asked_ = true;
  } else if (flag == nullptr) {
    throw Error{Kind::invalid, "unknown flag: --{}", name};
  } else if (equals != std::string::npos) {
    set(*flag, word.substr(equals + 1));
  } else if (flag->is_switch) {
    set(*flag, "true");
  } else if (index + 1 < words.size()) {
    set(*flag, words[++index]);
  } else {
    throw Error{Kind::invalid, "flag needs an argument: --{}", name};
  }
}

void Command::parse_letters(const std::vector<std::string>& words, std::size_t& index) {
  const auto letters = words[index].substr(1);
  for (std::size_t i = 0; i < letters.size(); ++i) {
    auto* flag = find(letters[i]);
    if (flag == nullptr) {
      if (letters[i] != 'h') {
        throw Error{Kind::invalid, "unknown shorthand flag: '{}' in -{}", letters[i], letters.substr(i)};
      }
      help_asked_ = true;
      return;
    }
    const auto rest = letters.substr(i + 1);
    if (rest.size() > 1 && rest[0] == '=') return set(*flag, rest.substr(1));
    if (flag->is_switch) {
      set(*flag, "true");
    } else if (!rest.empty()) {
      return set(*flag, rest);
    } else if (index + 1 < words.size()) {
      return set(*flag, words[++index]);
    } else {
      throw Error{Kind::invalid, "flag needs an argument: '{}' in -{}", letters[i], letters.substr(i)};
    }
  }
}

bool Command::parse(const std::string& path, const std::vector<std::string>& words) {
  auto& values = arguments_.state().value;
  try {
    for (std::size_t i = 0; i < words.size() && !help_asked_; ++i) {
      const auto& word = words[i];
      if (word == "--") {
        values.insert(values.end(), words.begin() + static_cast<std::ptrdiff_t>(i) + 1, words.end());
        break;
      }
      if (word.starts_with("--")) {
        parse_long(words, i);
      } else if (word.starts_with('-') && word.size() > 1) {
        parse_letters(words, i);
      } else if (flags_first_) {
        values.assign(words.begin() + static_cast<std::ptrdiff_t>(i), words.end());
        break;
      } else {
        values.push_back(word);
      }
    }
  } catch (const Error& error) {
    throw Failure{125, fmt::format("{}\n\nUsage:  {}\n\nRun '{} --help' for more information", error.message(),
                                   usage_line(path), path)};
  }
  if (help_asked_) return false;
  check_count(path);
  return true;
}

void Command::check_count(const std::string& path) const {
  const auto count = arguments_->size();
  const auto plural = [](std::size_t n) { return n == 1 ? "argument" : "arguments"; };
  std::string demand;
  std::string_view hint = "Run";
  if (count_.at_most == 0U && count > 0) {
    demand = "accepts no arguments";
  } else if (count_.at_most == count_.at_least && count != count_.at_least) {
    demand = fmt::format("requires {} {}", count_.at_least, plural(count_.at_least));
  } else if (count < count_.at_least) {
    demand = fmt::format("requires at least {} {}", count_.at_least, plural(count_.at_least));
    hint = "See";
  } else if (count_.at_most && count > *count_.at_most) {
    demand = fmt::format("requires at most {} {}", *count_.at_most, plural(*count_.at_most));
  }
  if (demand.empty()) return;
  throw Failure{1, fmt::format("{}: '{}' {}\n\nUsage:  {}\n\n{} '{} --help' for more information",
                               path.substr(0, path.find(' ')), path, demand, usage_line(path), hint, path)};
}

std::string Command::usage_line(const std::string& path) const {
  std::string line = path;
  if (!flags_.empty() && !plain_usage_) line += " [OPTIONS]";
  if (!arguments_usage_.empty()) line += ' ' + arguments_usage_;
  return line;
}

std::string Command::help(const std::string& path, const std::vector<std::string>& names, std::size_t width) const {
  auto text = fmt::format("Usage:  {}\n\n{}\n", usage_line(path), summary_);
  if (names.size() > 1) text += fmt::format("\nAliases:\n  {}\n", join(names, ", "));
  if (!flags_.empty()) text += "\nOptions:\n" + describe_flags(flags_, width);
  return text;
}

std::string describe_flags(const std::vector<Flag>& flags, std::size_t width) {
  std::vector<const Flag*> shown;
  for (const auto& flag : flags) {
    if (!flag.hidden) shown.push_back(&flag);
  }
  std::sort(shown.begin(), shown.end(), [](auto* left, auto* right) { return left->name < right->name; });
  std::vector<std::string> heads;
  std::size_t longest = 0;
  for (const auto* flag : shown) {
    auto head = flag->letter != '\0' ? fmt::format("  -{}, --{}", flag->letter, flag->name) : "      --" + flag->name;
    if (!flag->type.empty()) head += ' ' + flag->type;
    longest = std::max(longest, head.size());
    heads.push_back(std::move(head));
  }
  std::string text;
  for (std::size_t i = 0; i < shown.size(); ++i) {
    auto usage = shown[i]->usage;
    if (!shown[i]->preset.empty()) usage += fmt::format(" (default {})", shown[i]->preset);
    text += fmt::format("{}{}{}\n", heads[i], std::string(longest - heads[i].size() + 3, ' '),
                        wrap(usage, longest + 3, width));
  }
  return text;
}

}  // namespace berth::cli

#include "runtime/cli/command_line.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "base/strings.hpp"
#include "base/time.hpp"

namespace berth::runtime::cli {
namespace {

constexpr Option global_options[] = {
    {"root", 0, true},  {"log", 0, true},      {"log-format", 0, true}, {"log-level", 0, true}, {"debug"},
    {"systemd-cgroup"}, {"rootless", 0, true}, {"version", 'v'},        {"help", 'h'},
};

const Option& find_option(std::span<const Option> options, std::string_view word) {
  const bool is_long = word.starts_with("--");
  const auto name = word.substr(is_long ? 2 : 1);
  const auto found = std::ranges::find_if(options, [&](const Option& option) {
    return is_long ? option.name == name : name.size() == 1 && option.letter == name[0];
  });
  if (found == options.end()) throw Error{Kind::invalid, "unknown option {}", word};
  return *found;
}

const Command* find_command(std::string_view name) {
  for (const auto group : {lifecycle_commands(), process_commands(), inspect_commands()}) {
    const auto found = std::ranges::find(group, name, &Command::name);
    if (found != group.end()) return &*found;
  }
  return nullptr;
}

void print_help() {
  std::string text = "Usage: berth-runtime [--root DIR] [--log FILE] [--log-format text|json] COMMAND\n\nCommands:\n";
  for (const auto group : {lifecycle_commands(), process_commands(), inspect_commands()}) {
    for (const auto& command : group) text += fmt::format("  {} {}\n", command.name, command.usage);
  }
  write_all(FdRef{STDOUT_FILENO}, text);
}

/// To standard error, and to the log file in the format that the engine which runs us reads its errors from.
void report(const Settings& settings, const Error& error) {
  write_all(FdRef{STDERR_FILENO}, fmt::format("berth-runtime: {}\n", error.message()));
  if (settings.log_file.empty()) return;
  std::string line;
  if (settings.log_json) {
    const json::Object entry = {
        {"level", "error"}, {"msg", json::to(error.message())}, {"time", json::to(to_rfc3339(now()))}};
    line = json::write(json::Value(entry)) + "\n";
  } else {
    line = fmt::format("time={} level=error msg={}\n", quote(to_rfc3339(now())), quote(error.message()));
  }
  write_all(open_file(settings.log_file, O_WRONLY | O_CREAT | O_APPEND, 0644), line);
}

Settings read_settings(const Arguments& global) {
  Settings settings;
  settings.root = global.find("root").value_or(settings.root);
  settings.log_file = global.find("log").value_or("");
  settings.log_json = global.find("log-format").value_or("text") == "json";
  if (global.has("systemd-cgroup")) {
    throw Error{Kind::unsupported, "--systemd-cgroup is not there: cgroups are made directly"};
  }
  return settings;
}

}  // namespace

Arguments::Arguments(std::span<const std::string> words, std::span<const Option> options, std::size_t stop_after) {
  std::size_t at = 0;
  for (; at < words.size() && rest_.size() < stop_after; ++at) {
    const auto& word = words[at];
    if (word == "--") {
      ++at;
      break;
    }
    if (word.size() < 2 || word[0] != '-') {
      rest_.push_back(word);
      continue;
    }
    const auto pair = split_once(word, '=');
    const auto& option = find_option(options, pair ? pair->first : std::string_view{word});
    auto& values = values_[std::string{option.name}];
    if (!option.has_value) {
      if (!pair || pair->second != "false")
        values.emplace_back();
      else
        values_.erase(std::string{option.name});
    } else if (pair) {
      values.emplace_back(pair->second);
    } else {
      if (++at == words.size()) throw Error{Kind::invalid, "option {} needs a value", word};
      values.push_back(words[at]);
    }
  }
  if (rest_.size() == stop_after && at < words.size() && words[at] == "--") ++at;
  rest_.insert(rest_.end(), words.begin() + static_cast<std::ptrdiff_t>(at), words.end());
}

std::optional<std::string> Arguments::find(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::nullopt : std::optional{found->second.back()};
}

std::vector<std::string> Arguments::all(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::vector<std::string>{} : found->second;
}

std::string Arguments::id() const {
  if (rest_.empty()) throw Error{Kind::invalid, "container id is missing"};
  const auto& id = rest_.front();
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view{"_+-."}.contains(c);
  };
  if (id.empty() || id == "." || id == ".." || id.size() > 1024 || !std::ranges::all_of(id, allowed)) {
    throw Error{Kind::invalid, "invalid container id {}", quote(id)};
  }
  return id;
}

int run_command_line(std::vector<std::string> words) {
  Settings settings;
  try {
    // The first word that is no option is the command, and the others are its own.
    const Arguments global{words, global_options, 1};
    if (global.has("version")) {
      write_all(FdRef{STDOUT_FILENO}, "berth-runtime version " BERTH_VERSION "\nspec: 1.2.0\n");
      return 0;
    }
    if (global.has("help") || global.rest().empty() || global.rest().front() == "help") {
      print_help();
      return 0;
    }
    settings = read_settings(global);
    const auto* command = find_command(global.rest().front());
    if (command == nullptr) throw Error{Kind::invalid, "unknown command {}", quote(global.rest().front())};
    const auto own_words = std::span{global.rest()}.subspan(1);
    return command->run(settings, Arguments{own_words, command->options, command->stop_after});
  } catch (...) {
    const auto error = current_error();
    report(settings, error);
    return 1;
  }
}

}  // namespace berth::runtime::cli

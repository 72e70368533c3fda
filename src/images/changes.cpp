#include "images/changes.hpp"

#include <algorithm>
#include <functional>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "base/strings.hpp"
#include "base/time.hpp"

namespace berth::images {
namespace {

using oci::RunConfig;
using Words = std::vector<std::string>;

constexpr unsigned max_port = 65535;

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n';
}
bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// A JSON array of strings, or nothing: then the text is a shell command or plain words.
std::optional<Words> try_exec_form(std::string_view text) {
  if (!text.starts_with('[')) return std::nullopt;
  try {
    return json::parse<Words>(text);
  } catch (const Error&) {  // Docker takes a broken array as a shell command.
    return std::nullopt;
  }
}

Words command_of(std::string_view text) {
  if (auto words = try_exec_form(text)) return *words;
  if (text.empty()) return {};
  return {"/bin/sh", "-c", std::string{text}};
}

std::string find_env(const RunConfig& config, std::string_view name) {
  for (const auto& variable : config.Env) {
    const auto pair = split_once(variable, '=');
    if (pair && pair->first == name) return std::string{pair->second};
  }
  return {};
}

/// One instruction's arguments as words: quotes and backslashes taken away, $name and ${name} replaced.
class WordReader {
 public:
  WordReader(std::string_view text, const RunConfig& config) : text_(text), config_(config) {}

  Words read() {
    Words words;
    while (skip_space()) words.push_back(word());
    return words;
  }

 private:
  bool skip_space() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
    return at_ < text_.size();
  }

  std::string word() {
    std::string out;
    char quoted = '\0';
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (quoted == '\0' && is_space(c)) break;
      if (c == quoted) {
        quoted = '\0';
      } else if (quoted == '\0' && (c == '"' || c == '\'')) {
        quoted = c;
      } else if (c == '\\' && quoted != '\'' && at_ + 1 < text_.size()) {
        out += text_[++at_];
      } else if (c == '$' && quoted != '\'') {
        out += variable();
      } else {
        out += c;
      }
    }
    if (quoted != '\0') throw Error{Kind::invalid, "unexpected end of statement while looking for matching quote"};
    return out;
  }

  /// At '$'; leaves the place at the last character of the name.
  std::string variable() {
    const bool braced = at_ + 1 < text_.size() && text_[at_ + 1] == '{';
    const auto begin = at_ + (braced ? 2 : 1);
    auto end = begin;
    while (end < text_.size() && is_name_character(text_[end])) ++end;
    if (end == begin) return "$";
    if (braced && (end == text_.size() || text_[end] != '}')) {
      throw Error{Kind::invalid, "unsupported modifier in substitution: {}", quote(text_.substr(at_))};
    }
    at_ = braced ? end : end - 1;
    return find_env(config_, text_.substr(begin, end - begin));
  }

  std::string_view text_;
  const RunConfig& config_;
  std::size_t at_ = 0;
};

Words words_of(std::string_view text, const RunConfig& config) {
  return WordReader{text, config}.read();
}

/// "a=1 b=2", or the old "a 1".
std::vector<std::pair<std::string, std::string>> pairs_of(std::string_view text, const RunConfig& config,
                                                          std::string_view instruction) {
  const auto words = words_of(text, config);
  if (words.empty()) throw Error{Kind::invalid, "{} requires at least one argument", instruction};
  std::vector<std::pair<std::string, std::string>> pairs;
  if (!words.front().contains('=')) {
    if (words.size() < 2) throw Error{Kind::invalid, "{} must have two arguments", instruction};
    return {{words.front(), join(Words(words.begin() + 1, words.end()), " ")}};
  }
  for (const auto& word : words) {
    const auto pair = split_once(word, '=');
    if (!pair)
      throw Error{Kind::invalid, "Syntax error - can't find = in {}. Must be of the form: name=value", quote(word)};
    if (pair->first.empty()) throw Error{Kind::invalid, "{} names can not be blank", instruction};
    pairs.emplace_back(pair->first, pair->second);
  }
  return pairs;
}

void set_env(RunConfig& config, const std::string& name, const std::string& value) {
  const auto variable = name + "=" + value;
  for (auto& present : config.Env) {
    if (present.starts_with(name + "=")) {
      present = variable;
      return;
    }
  }
  config.Env.push_back(variable);
}

/// "80", "80/udp", "8000-8002/tcp".
void expose(RunConfig& config, const std::string& word) {
  const auto slash = split_once(word, '/');
  const std::string_view ports = slash ? slash->first : std::string_view{word};
  const auto protocol = to_lower(slash ? slash->second : std::string_view{"tcp"});
  const auto range = split_once(ports, '-');
  const auto first = parse_number<unsigned>(range ? range->first : ports);
  const auto last = range ? parse_number<unsigned>(range->second) : first;
  const bool known = protocol == "tcp" || protocol == "udp" || protocol == "sctp";
  if (!first || !last || *first > *last || *last > max_port || !known) {
    throw Error{Kind::invalid, "invalid containerPort: {}", word};
  }
  for (auto port = *first; port <= *last; ++port) config.ExposedPorts[fmt::format("{}/{}", port, protocol)] = {};
}

std::int64_t flag_duration(std::string_view flag, std::string_view value) {
  const auto duration = parse_duration(value);
  if (!duration || duration->count() < 0) throw Error{Kind::invalid, "invalid duration for {}: {}", flag, quote(value)};
  return duration->count();
}

void set_healthcheck(RunConfig& config, std::string_view text) {
  oci::ImageHealthcheck check;
  while (text.starts_with("--")) {
    const auto end = std::min(text.find_first_of(" \t"), text.size());
    const auto flag = split_once(text.substr(0, end), '=');
    if (!flag) throw Error{Kind::invalid, "HEALTHCHECK: flag {} needs a value", quote(text.substr(0, end))};
    const auto [name, value] = *flag;
    if (name == "--interval") {
      check.Interval = flag_duration(name, value);
    } else if (name == "--timeout") {
      check.Timeout = flag_duration(name, value);
    } else if (name == "--start-period") {
      check.StartPeriod = flag_duration(name, value);
    } else if (name == "--start-interval") {
      check.StartInterval = flag_duration(name, value);
    } else if (name == "--retries") {
      check.Retries = parse_number<std::int64_t>(value);
      if (!check.Retries || *check.Retries < 0) throw Error{Kind::invalid, "invalid --retries: {}", quote(value)};
    } else {
      throw Error{Kind::invalid, "unknown flag: {}", name.substr(2)};
    }
    text = trim(text.substr(end));
  }
  const auto end = std::min(text.find_first_of(" \t"), text.size());
  const auto type = to_upper(text.substr(0, end));
  const auto rest = trim(text.substr(end));
  if (type == "NONE" && rest.empty()) {
    check.Test = Words{"NONE"};
  } else if (type == "CMD" && !rest.empty()) {
    if (auto words = try_exec_form(rest)) {
      check.Test = Words{"CMD"};
      check.Test.insert(check.Test.end(), words->begin(), words->end());
    } else {
      check.Test = Words{"CMD-SHELL", std::string{rest}};
    }
  } else {
    throw Error{Kind::invalid, "unknown type {} in HEALTHCHECK (try CMD)", quote(type)};
  }
  config.Healthcheck = std::move(check);
}

std::string one_word(std::string_view text, const RunConfig& config, std::string_view instruction) {
  const auto words = words_of(text, config);
  if (words.size() != 1) throw Error{Kind::invalid, "{} requires exactly one argument", instruction};
  return words.front();
}

void set_workdir(RunConfig& config, const std::string& path) {
  const auto base = config.WorkingDir.empty() ? fs::path{"/"} : fs::path{std::string{config.WorkingDir}};
  auto clean = (base / path).lexically_normal().native();
  if (clean.size() > 1 && clean.ends_with('/')) clean.pop_back();
  config.WorkingDir = clean;
}

void add_volumes(RunConfig& config, std::string_view text) {
  auto paths = try_exec_form(text);
  for (const auto& path : paths ? *paths : words_of(text, config)) {
    if (trim(path).empty()) throw Error{Kind::invalid, "VOLUME specified can not be an empty string"};
    config.Volumes[path] = {};
  }
}

using Apply = void (*)(RunConfig&, std::string_view);

const std::pair<std::string_view, Apply> instructions[] = {
    {"cmd", [](RunConfig& config, std::string_view text) { config.Cmd = command_of(text); }},
    {"entrypoint", [](RunConfig& config, std::string_view text) { config.Entrypoint = command_of(text); }},
    {"env",
     [](RunConfig& config, std::string_view text) {
       for (const auto& [name, value] : pairs_of(text, config, "ENV")) set_env(config, name, value);
     }},
    {"expose",
     [](RunConfig& config, std::string_view text) {
       for (const auto& word : words_of(text, config)) expose(config, word);
     }},
    {"healthcheck", set_healthcheck},
    {"label",
     [](RunConfig& config, std::string_view text) {
       for (const auto& [name, value] : pairs_of(text, config, "LABEL")) config.Labels[name] = value;
     }},
    {"onbuild", [](RunConfig& config, std::string_view text) { config.OnBuild.emplace_back(text); }},
    {"stopsignal",
     [](RunConfig& config, std::string_view text) { config.StopSignal = one_word(text, config, "STOPSIGNAL"); }},
    {"user", [](RunConfig& config, std::string_view text) { config.User = one_word(text, config, "USER"); }},
    {"volume", add_volumes},
    {"workdir",
     [](RunConfig& config, std::string_view text) { set_workdir(config, one_word(text, config, "WORKDIR")); }},
};

}  // namespace

RunConfig apply_changes(RunConfig config, const std::vector<std::string>& changes) {
  for (const auto& change : changes) {
    const auto line = trim(change);
    const auto end = std::min(line.find_first_of(" \t"), line.size());
    const auto name = to_lower(line.substr(0, end));
    const auto rest = trim(line.substr(end));
    const auto known =
        std::ranges::find(instructions, std::string_view{name}, &std::pair<std::string_view, Apply>::first);
    if (known == std::end(instructions)) throw Error{Kind::invalid, "{} is not a valid change command", name};
    if (rest.empty()) throw Error{Kind::invalid, "{} requires at least one argument", to_upper(name)};
    known->second(config, rest);
  }
  return config;
}

}  // namespace berth::images

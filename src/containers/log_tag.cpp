// What names a container to the readers of its log: the tag, labels and variables.
#include <algorithm>
#include <regex>

#include "base/error.hpp"
#include "base/strings.hpp"
#include "containers/log_drivers.hpp"
#include "templates/templates.hpp"

namespace berth::containers {
namespace {

using templates::Datum;

/// A search takes the square of a name's length: longer ones are not looked at.
constexpr std::size_t longest_name = 512;

/// Never tries the same twice, as Go's; what needs to go back (\1) is refused.
std::regex pattern(const std::string& text) {
  try {
    return std::regex{text, std::regex::ECMAScript | std::regex_constants::__polynomial};
  } catch (const std::regex_error&) {
    throw Error{Kind::invalid, "invalid regular expression in log options: {}", quote(text)};
  }
}

/// Which names a pair of options ("labels", "labels-regex") asks for.
class Wanted {
 public:
  Wanted(const LogOptions& options, const std::string& list)
      : names_(split(find_option(options, list).value_or(""), ',')) {
    if (const auto text = find_option(options, list + "-regex")) pattern_ = pattern(*text);
  }
  [[nodiscard]] bool has(const std::string& name) const {
    if (std::ranges::find(names_, name) != names_.end()) return true;
    return pattern_ && name.size() <= longest_name && std::regex_search(name, *pattern_);
  }

 private:
  std::vector<std::string> names_;
  std::optional<std::regex> pattern_;
};

/// A container as templates of tags see it: Docker's logger.Info.
class Info final : public templates::Object {
 public:
  Info(const LogSubject& subject, const LogOptions& options) : subject_(subject), options_(options) {}

  [[nodiscard]] std::optional<Datum> find(std::string_view name, const std::vector<Datum>& arguments) const override {
    if (name == "ExtraAttributes" && arguments.size() == 1) {
      const Datum all{json::to(log_attributes(subject_, options_))};
      return all.part(*all.json(), templates::Shape::map);
    }
    if (!arguments.empty()) return std::nullopt;
    if (name == "ContainerArgs") return Datum{json::to(arguments_of_command())};
    if (name == "ContainerEnv") return Datum{json::to(subject_.config.Env)};
    if (name == "ContainerLabels") return Datum{json::to(subject_.config.Labels)};
    if (name == "Config") return Datum{json::to(options_)};
    const auto text = find_text(name);
    return text ? std::optional{Datum{json::to(*text)}} : std::nullopt;
  }
  [[nodiscard]] std::string type_name() const override { return "*logger.Info"; }
  [[nodiscard]] json::Value to_json() const override {
    json::Object shown;
    for (const auto* name : {"ContainerID", "ContainerName", "ContainerEntrypoint", "ContainerImageID",
                             "ContainerImageName", "DaemonName"}) {
      shown[name] = *find_text(name);
    }
    return shown;
  }

 private:
  [[nodiscard]] std::vector<std::string> arguments_of_command() const {
    const auto& command = subject_.command;
    return command.empty() ? command : std::vector<std::string>(command.begin() + 1, command.end());
  }
  [[nodiscard]] std::optional<std::string> find_text(std::string_view name) const {
    if (name == "ID") return subject_.id.substr(0, 12);
    if (name == "FullID" || name == "ContainerID") return subject_.id;
    if (name == "Name") return subject_.name;
    if (name == "ContainerName") return "/" + subject_.name;
    if (name == "ImageID") return subject_.image_id.substr(0, 12);  // of "sha256:...", as Docker cuts it
    if (name == "ImageFullID" || name == "ContainerImageID") return subject_.image_id;
    if (name == "ImageName" || name == "ContainerImageName") return subject_.config.Image;
    if (name == "ContainerEntrypoint") return subject_.command.empty() ? "" : subject_.command.front();
    if (name == "Command") return join(subject_.command, " ");
    if (name == "DaemonName") return "docker";
    if (name == "Hostname") return host_name();
    return std::nullopt;
  }

  const LogSubject& subject_;
  const LogOptions& options_;
};

}  // namespace

std::map<std::string, std::string> log_attributes(const LogSubject& subject, const LogOptions& options,
                                                  const std::function<std::string(const std::string&)>& rename) {
  std::map<std::string, std::string> attributes;
  const auto keep = [&](const std::string& name, std::string_view value) {
    const auto shown = rename ? rename(name) : name;
    if (!shown.empty()) attributes[shown] = value;
  };
  const Wanted labels{options, "labels"};
  for (const auto& [name, value] : subject.config.Labels) {
    if (labels.has(name)) keep(name, value);
  }
  const Wanted variables{options, "env"};
  for (const auto& assignment : subject.config.Env) {
    const auto parts = split_once(assignment, '=');
    if (parts && variables.has(std::string{parts->first})) keep(std::string{parts->first}, parts->second);
  }
  return attributes;
}

std::string log_tag(const LogSubject& subject, const LogOptions& options, const std::string& fallback) {
  const auto text = find_option(options, "tag").value_or(fallback);
  if (!text.contains("{{")) return text;
  if (text == default_log_tag) return subject.id.substr(0, 12);
  return templates::Template{"log-tag", text}.run(Datum{std::make_shared<const Info>(subject, options)});
}

}  // namespace berth::containers

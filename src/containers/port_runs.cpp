#include "containers/port_runs.hpp"

#include <algorithm>
#include <tuple>

#include "base/error.hpp"
#include "base/strings.hpp"

namespace berth::containers {
namespace {

/// "20000/tcp" in parts. What does not begin with a number as we would write it is all suffix.
struct PortName {
  std::optional<std::uint16_t> number;
  std::string_view suffix;

  friend auto operator<=>(const PortName& a, const PortName& b) {
    return std::tie(a.suffix, a.number) <=> std::tie(b.suffix, b.number);
  }
  friend bool operator==(const PortName&, const PortName&) = default;
};

/// A number in the one way in which it can be written again.
std::optional<std::uint16_t> find_plain_number(std::string_view text) {
  if (text.empty() || (text.front() == '0' && text.size() > 1) || text.front() < '0' || text.front() > '9') return {};
  return parse_number<std::uint16_t>(text);
}

PortName name_of(std::string_view text) {
  const auto end = std::min(text.find('/'), text.size());
  const auto number = find_plain_number(text.substr(0, end));
  return {number, number ? text.substr(end) : text};
}

/// HostPort of the port that many after the first.
std::string advanced(const std::string& first, std::uint32_t index) {
  const auto number = find_plain_number(first);
  return number ? std::to_string(*number + index) : first;
}

/// What `advanced` would give, and a port still.
bool is_advanced(const std::string& text, const std::string& first, std::uint32_t index) {
  const auto number = find_plain_number(first);
  return number ? find_plain_number(text) == *number + index : text == first;
}

/// Puts ports that come in the order of their names together.
class Joiner {
 public:
  void add(std::string_view text, BindingList bindings) {
    const auto name = name_of(text);
    if (continues(name, bindings)) {
      ++runs_.back().count;
    } else {
      runs_.push_back({.first = std::string{text}, .bindings = std::move(bindings)});
    }
    last_ = name.number;
    suffix_ = name.suffix;
  }

  std::vector<PortRun> take() { return std::move(runs_); }

 private:
  [[nodiscard]] bool continues(const PortName& name, const BindingList& bindings) const {
    if (runs_.empty() || !name.number || !last_ || *name.number != *last_ + 1 || name.suffix != suffix_) return false;
    const auto& run = runs_.back();
    if (!bindings || !run.bindings) return bindings.has_value() == run.bindings.has_value();
    return std::ranges::equal(*bindings, *run.bindings, [&](const PortBinding& next, const PortBinding& first) {
      return next.HostIp == first.HostIp && is_advanced(next.HostPort, first.HostPort, run.count);
    });
  }

  std::vector<PortRun> runs_;
  std::optional<std::uint16_t> last_;
  std::string_view suffix_;
};

using Member = json::Object::value_type;

std::string_view text_of(const Member& member) {
  return {member.key().data(), member.key().size()};
}

/// The object's members in the order of their names.
std::vector<const Member*> ordered(const json::Object& object) {
  std::vector<const Member*> members;
  members.reserve(object.size());
  for (const auto& member : object) members.push_back(&member);
  std::ranges::sort(members, {}, [](const Member* member) { return name_of(text_of(*member)); });
  return members;
}

const json::Object& object_of(const json::Value& value) {
  static const json::Object none;
  if (!value.is_null() && !value.is_object()) json::throw_mismatch(value, "PORTS", "object");
  return value.is_null() ? none : value.get_object();
}

/// All ports one by one, in the order of their texts, as Docker shows them.
template <class Show>
json::Value shown(const std::vector<PortRun>& runs, const Show& show) {
  std::vector<std::tuple<std::string, const PortRun*, std::uint32_t>> ports;
  for (const auto& run : runs) {
    for (std::uint32_t index = 0; index < run.count; ++index) ports.emplace_back(run.port(index), &run, index);
  }
  std::ranges::sort(ports);
  json::Object object;
  object.reserve(ports.size());
  for (const auto& [text, run, index] : ports) object[text] = show(*run, index);
  return object;
}

}  // namespace

std::string PortRun::port(std::uint32_t index) const {
  if (index == 0) return first;
  const auto name = name_of(first);
  return fmt::format("{}{}", name.number.value_or(0) + index, name.suffix);
}

BindingList PortRun::bindings_of(std::uint32_t index) const {
  auto shifted = bindings;
  if (!shifted) return shifted;
  for (auto& binding : *shifted) binding.HostPort = advanced(binding.HostPort, index);
  return shifted;
}

void ExposedPorts::add(std::vector<std::string> ports) {
  for (const auto& run : runs_) {
    for (std::uint32_t index = 0; index < run.count; ++index) ports.push_back(run.port(index));
  }
  std::ranges::sort(ports, {}, [](const std::string& port) { return name_of(port); });
  const auto repeated = std::ranges::unique(ports);
  ports.erase(repeated.begin(), repeated.end());
  Joiner joiner;
  for (const auto& port : ports) joiner.add(port, {});
  runs_ = joiner.take();
}

ExposedPorts ExposedPorts::from_json(const json::Value& value) {
  Joiner joiner;
  for (const auto* member : ordered(object_of(value))) {
    object_of(member->value());  // for its kind alone
    joiner.add(text_of(*member), {});
  }
  return ExposedPorts{joiner.take()};
}

json::Value ExposedPorts::to_json() const {
  return shown(runs_, [](const PortRun&, std::uint32_t) { return json::Object{}; });
}

PortBindings::PortBindings(const std::map<std::string, BindingList>& ports) {
  std::vector<const std::pair<const std::string, BindingList>*> entries;
  for (const auto& entry : ports) entries.push_back(&entry);
  std::ranges::sort(entries, {}, [](const auto* entry) { return name_of(entry->first); });
  Joiner joiner;
  for (const auto* entry : entries) joiner.add(entry->first, entry->second);
  runs_ = joiner.take();
}

PortBindings PortBindings::from_json(const json::Value& value) {
  Joiner joiner;
  for (const auto* member : ordered(object_of(value))) {
    try {
      joiner.add(text_of(*member), json::from<BindingList>(member->value()));
    } catch (Error& error) {
      throw error.in("{}", text_of(*member));
    }
  }
  return PortBindings{joiner.take()};
}

json::Value PortBindings::to_json() const {
  return shown(runs_, [](const PortRun& run, std::uint32_t index) { return json::to(run.bindings_of(index)); });
}

}  // namespace berth::containers

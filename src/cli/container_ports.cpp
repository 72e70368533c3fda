// --publish and --expose, as PortBindings and ExposedPorts.
#include "base/ip.hpp"
#include "base/strings.hpp"
#include "cli/container_flags.hpp"

namespace berth::cli {
namespace {

struct PortRange {
  std::uint32_t first = 0;
  std::uint32_t last = 0;

  [[nodiscard]] bool is_single() const { return first == last; }
};

std::uint32_t parse_port(std::string_view text) {
  if (const auto port = parse_number<std::uint16_t>(text)) return *port;
  const bool is_number = !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
  throw Error{Kind::invalid, "strconv.ParseUint: parsing {}: {}", quote(text),
              is_number ? "value out of range" : "invalid syntax"};
}

/// "80" or "8000-8010"; throws `invalid` in Go's words.
PortRange parse_range(std::string_view text) {
  if (text.empty()) throw Error{Kind::invalid, "empty string specified for ports"};
  const auto ends = split(text, '-');  // what follows a second '-' is ignored, as docker does
  const auto first = parse_port(ends[0]);
  const auto last = ends.size() > 1 ? parse_port(ends[1]) : first;
  if (last < first) throw Error{Kind::invalid, "invalid range specified for port: {}", text};
  return {first, last};
}

PortRange parse_range(const std::string& text, std::string_view what) {
  try {
    return parse_range(text);
  } catch (const Error&) {
    throw Error{Kind::invalid, "invalid {}: {}", what, text};
  }
}

/// "80/udp" as port and protocol; nothing before the slash makes both empty.
std::pair<std::string, std::string> split_protocol(std::string_view text) {
  const auto parts = split(text, '/');
  if (parts[0].empty()) return {};
  return {parts[0], parts.size() > 1 && !parts[1].empty() ? parts[1] : "tcp"};
}

/// "published=8080,target=80,protocol=udp" in the form with colons.
std::string without_names(const std::string& spec) {
  std::map<std::string, std::string, std::less<>> fields{{"protocol", "tcp"}};
  for (const auto& field : split(spec, ',')) {
    const auto pair = split_once(field, '=');
    if (!pair || pair->first.empty()) {
      throw Error{Kind::invalid, "invalid publish opts format (should be name=value but got '{}')", field};
    }
    fields[std::string{pair->first}] = pair->second;
  }
  return fmt::format("{}:{}/{}", fields["published"], fields["target"], fields["protocol"]);
}

/// What is before the last two colons, which an IPv6 address may have too, with or without brackets.
std::string parse_host_address(std::string text) {
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string::npos) {
      throw Error{Kind::invalid, "invalid IP address {0}: address {0}:: missing ']' in address", text};
    }
    if (end + 1 != text.size()) {
      throw Error{Kind::invalid, "invalid IP address {0}: address {0}:: missing port in address", text};
    }
    text = text.substr(1, end - 1);
  }
  if (!text.empty() && !find_ip(text)) throw Error{Kind::invalid, "invalid IP address: {}", text};
  return text;
}

struct PortSpec {
  std::string address, protocol;
  PortRange inside;
  std::optional<PortRange> outside;
};

PortSpec parse_spec(const std::string& spec) {
  auto parts = split(spec, ':');
  const auto [inside, protocol] = split_protocol(parts.back());
  parts.pop_back();
  const auto outside = parts.empty() ? std::string{} : parts.back();
  if (!parts.empty()) parts.pop_back();
  PortSpec parsed{.address = parse_host_address(join(parts, ":")), .protocol = to_lower(protocol)};
  if (inside.empty()) throw Error{Kind::invalid, "no port specified: {}<empty>", spec};
  parsed.inside = parse_range(inside, "containerPort");
  if (!outside.empty()) parsed.outside = parse_range(outside, "hostPort");
  if (parsed.outside && !parsed.inside.is_single() &&
      parsed.outside->last - parsed.outside->first != parsed.inside.last - parsed.inside.first) {
    throw Error{Kind::invalid, "invalid ranges specified for container and host Ports: {} and {}", inside, outside};
  }
  if (parsed.protocol != "tcp" && parsed.protocol != "udp" && parsed.protocol != "sctp") {
    throw Error{Kind::invalid, "invalid proto: {}", protocol};
  }
  return parsed;
}

/// HostPort of the port that many after the first; one port of the container may have any of several of the host.
std::string host_port(const PortSpec& spec, std::uint32_t index) {
  if (!spec.outside) return {};
  if (spec.inside.is_single() && !spec.outside->is_single()) {
    return fmt::format("{}-{}", spec.outside->first, spec.outside->last);
  }
  return std::to_string(spec.outside->first + index);
}

}  // namespace

void add_exposed_ports(const std::string& spec, json::Object& exposed) {
  if (spec.contains(':')) throw Error{Kind::invalid, "invalid port format for --expose: {}", spec};
  const auto [ports, protocol] = split_protocol(spec);
  PortRange range;
  try {
    range = parse_range(ports);
  } catch (Error& error) {
    throw error.in("invalid range format for --expose: {}, error", spec);
  }
  for (auto port = range.first; port <= range.last; ++port) {
    exposed[fmt::format("{}/{}", port, protocol)] = json::Object{};
  }
}

void add_published_ports(const std::vector<std::string>& specs, json::Object& exposed, json::Object& bindings) {
  for (const auto& text : specs) {
    const auto spec = parse_spec(text.contains('=') ? without_names(text) : text);
    for (auto port = spec.inside.first; port <= spec.inside.last; ++port) {
      const auto name = fmt::format("{}/{}", port, spec.protocol);
      exposed[name] = json::Object{};
      auto& list = bindings[name];
      if (!list.is_array()) list.emplace_array();
      list.get_array().push_back(
          json::Object{{"HostIp", spec.address}, {"HostPort", host_port(spec, port - spec.inside.first)}});
    }
  }
}

}  // namespace berth::cli

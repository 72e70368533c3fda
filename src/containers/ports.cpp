#include "containers/ports.hpp"

#include <algorithm>
#include <tuple>

#include "base/error.hpp"
#include "base/strings.hpp"

namespace berth::containers {
namespace {

struct Range {
  std::uint16_t first = 0, last = 0;
};

/// "80" or "8000-8010".
std::optional<Range> find_range(std::string_view text) {
  const auto ends = split_once(text, '-');
  const auto first = parse_number<std::uint16_t>(ends ? ends->first : text);
  const auto last = ends ? parse_number<std::uint16_t>(ends->second) : first;
  if (!first || !last || *last < *first) return std::nullopt;
  return Range{*first, *last};
}

/// HostPort: a port, any one of several, or none in particular. A protocol behind it is let through, as Docker does.
std::optional<Range> find_host_ports(std::string_view text) {
  if (const auto parts = split_once(text, '/')) text = parts->first;
  return text.empty() ? Range{} : find_range(text);
}

auto order_of(const network::PortRequest& request) {
  const bool any_port = request.host_first == 0;
  const bool one_of_several = request.host_last != request.host_first;
  return std::tuple{any_port,          one_of_several, request.protocol, request.host_address, request.container_first,
                    request.host_first};
}

/// True if `next` goes on where `last` ends, inside and outside.
bool continues(const network::PortRequest& last, const network::PortRequest& next) {
  const auto is_fixed = [](const network::PortRequest& request) {
    return request.host_first != 0 &&
           request.host_last - request.host_first == request.container_last - request.container_first;
  };
  return is_fixed(last) && is_fixed(next) && last.protocol == next.protocol && last.host_address == next.host_address &&
         next.container_first == last.container_last + 1 && next.host_first == last.host_last + 1;
}

std::vector<network::PortRequest> merged(const std::vector<network::PortRequest>& requests) {
  std::vector<network::PortRequest> joined;
  for (const auto& request : requests) {
    if (!joined.empty() && continues(joined.back(), request)) {
      joined.back().container_last = request.container_last;
      joined.back().host_last = request.host_last;
    } else {
      joined.push_back(request);
    }
  }
  return joined;
}

network::PortRequest request_of(const ContainerPort& port, const PortBinding& binding) {
  const auto host = find_host_ports(binding.HostPort).value_or(Range{});
  network::PortRequest request;
  request.protocol = port.protocol;
  request.container_first = request.container_last = port.number;
  request.host_first = host.first;
  request.host_last = host.last;
  if (!binding.HostIp.empty()) request.host_address = parse_ip(binding.HostIp);
  return request;
}

}  // namespace

std::string to_string(const ContainerPort& port) {
  return fmt::format("{}/{}", port.number, network::to_string(port.protocol));
}

std::optional<std::vector<ContainerPort>> find_container_ports(std::string_view text) {
  const auto parts = split_once(text, '/');
  const auto protocol = network::find_protocol(parts ? parts->second : "tcp");
  const auto range = find_range(parts ? parts->first : text);
  if (!protocol || !range) return std::nullopt;
  std::vector<ContainerPort> ports;
  for (std::uint32_t number = range->first; number <= range->last; ++number) {
    ports.push_back({static_cast<std::uint16_t>(number), *protocol});
  }
  return ports;
}

void check_ports(const Config& config, const HostConfig& host_config) {
  const auto refuse = [](std::string_view text) {
    throw Error{Kind::invalid, "invalid port specification: {}", quote(text)};
  };
  for (const auto& [text, nothing] : config.ExposedPorts) {
    const auto ports = find_container_ports(text);
    if (!ports) refuse(text);
  }
  for (const auto& [text, bindings] : host_config.PortBindings) {
    const auto ports = find_container_ports(text);
    if (!ports || ports->size() != 1) refuse(std::string_view{text}.substr(0, text.find('/')));
    for (const auto& binding : bindings.value_or(std::vector<PortBinding>{})) {
      if (!find_host_ports(binding.HostPort)) refuse(binding.HostPort);
      if (!binding.HostIp.empty() && !find_ip(binding.HostIp)) {
        throw Error{Kind::invalid, "invalid IP address: {}", binding.HostIp};
      }
    }
  }
}

std::set<ContainerPort> exposed_ports(const Config& config, const HostConfig& host_config) {
  std::set<ContainerPort> exposed;
  const auto add = [&](std::string_view text) {
    const auto ports = find_container_ports(text).value_or(std::vector<ContainerPort>{});
    exposed.insert(ports.begin(), ports.end());
  };
  for (const auto& [text, nothing] : config.ExposedPorts) add(text);
  for (const auto& [text, bindings] : host_config.PortBindings) add(text);
  return exposed;
}

std::vector<network::PortRequest> plan_ports(const Config& config, const HostConfig& host_config) {
  std::vector<network::PortRequest> requests;
  std::set<ContainerPort> bound;
  for (const auto& [text, bindings] : host_config.PortBindings) {
    const auto ports = find_container_ports(text);
    if (!ports || !bindings) continue;
    for (const auto& binding : *bindings) {
      requests.push_back(request_of(ports->front(), binding));
      bound.insert(ports->front());
    }
  }
  if (host_config.PublishAllPorts) {
    for (const auto& port : exposed_ports(config, host_config)) {
      if (!bound.contains(port)) requests.push_back(request_of(port, {}));
    }
  }
  std::ranges::stable_sort(requests, {}, order_of);
  return merged(requests);
}

}  // namespace berth::containers

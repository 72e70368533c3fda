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
  const bool one_of_several =
      request.host_last - request.host_first != request.container_last - request.container_first;
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

/// The ports of a run; nothing if its text is none of a port's.
std::optional<std::vector<ContainerPort>> find_ports_of(const PortRun& run) {
  auto ports = find_container_ports(run.first);
  for (std::uint32_t index = 1; ports && index < run.count; ++index) {
    ports->push_back({static_cast<std::uint16_t>(ports->front().number + index), ports->front().protocol});
  }
  return ports;
}

/// `count` ports from this one on.
network::PortRequest request_of(const ContainerPort& port, const PortBinding& binding, std::uint32_t count = 1) {
  const auto host = find_host_ports(binding.HostPort).value_or(Range{});
  network::PortRequest request;
  request.protocol = port.protocol;
  request.container_first = port.number;
  request.container_last = static_cast<std::uint16_t>(port.number + count - 1);
  request.host_first = host.first;
  request.host_last = static_cast<std::uint16_t>(host.last + count - 1);
  if (!binding.HostIp.empty()) request.host_address = parse_ip(binding.HostIp);
  return request;
}

/// What a run asks for: at once if the host's ports are given, else port by port, each with one of its own.
void add_requests(const PortRun& run, std::vector<network::PortRequest>& requests) {
  const auto port = find_container_ports(run.first)->front();
  for (const auto& binding : *run.bindings) {
    const auto host = find_host_ports(binding.HostPort).value_or(Range{});
    if (host.first != 0 && host.first == host.last) {
      requests.push_back(request_of(port, binding, run.count));
      continue;
    }
    for (std::uint32_t index = 0; index < run.count; ++index) {
      requests.push_back(request_of({static_cast<std::uint16_t>(port.number + index), port.protocol}, binding));
    }
  }
}

}  // namespace

std::string to_string(const ContainerPort& port) {
  return fmt::format("{}/{}", port.number, network::to_string(port.protocol));
}

std::optional<std::vector<ContainerPort>> find_container_ports(std::string_view text) {
  const auto parts = split_once(text, '/');
  const auto protocol = network::find_protocol(parts && !parts->second.empty() ? parts->second : "tcp");
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
  for (const auto& run : config.ExposedPorts.runs()) {
    if (!find_container_ports(run.first)) refuse(run.first);
  }
  for (const auto& run : host_config.PortBindings.runs()) {
    const auto ports = find_container_ports(run.first);
    if (!ports || ports->size() != 1) refuse(std::string_view{run.first}.substr(0, run.first.find('/')));
    if (ports->front().number == 0) refuse(run.first);  // as Docker since 29: nothing would ever come there
    for (const auto& binding : run.bindings.value_or(std::vector<PortBinding>{})) {
      if (!find_host_ports(binding.HostPort)) refuse(binding.HostPort);
      if (!binding.HostIp.empty() && !find_ip(binding.HostIp)) {
        throw Error{Kind::invalid, "invalid IP address: {}", binding.HostIp};
      }
    }
  }
}

std::set<ContainerPort> exposed_ports(const Config& config, const HostConfig& host_config) {
  std::set<ContainerPort> exposed;
  for (const auto* runs : {&config.ExposedPorts.runs(), &host_config.PortBindings.runs()}) {
    for (const auto& run : *runs) {
      const auto ports = find_ports_of(run).value_or(std::vector<ContainerPort>{});
      exposed.insert(ports.begin(), ports.end());
    }
  }
  return exposed;
}

std::vector<network::PortRequest> plan_ports(const Config& config, const HostConfig& host_config) {
  std::vector<network::PortRequest> requests;
  for (const auto& run : host_config.PortBindings.runs()) {
    if (find_container_ports(run.first) && run.bindings) add_requests(run, requests);
  }
  if (host_config.PublishAllPorts) {
    auto unbound = exposed_ports(config, host_config);
    for (const auto& request : requests) {
      for (unsigned number = request.container_first; number <= request.container_last; ++number) {
        unbound.erase({static_cast<std::uint16_t>(number), request.protocol});
      }
    }
    for (const auto& port : unbound) requests.push_back(request_of(port, {}));
  }
  std::ranges::stable_sort(requests, {}, order_of);
  return merged(requests);
}

}  // namespace berth::containers

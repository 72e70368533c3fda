#include "cli/ports.hpp"

#include <algorithm>
#include <tuple>
#include <vector>

#include "base/strings.hpp"
#include "cli/each.hpp"

namespace berth::cli {
namespace {

struct Port {
  std::int64_t inside = 0;
  std::string address;
  std::int64_t outside = 0;
  std::string type;

  auto operator<=>(const Port&) const = default;
};

/// Consecutive ports that are published under their own numbers on one address.
struct Run {
  std::string address;
  std::string type;
  std::int64_t first = 0;
  std::int64_t last = 0;
};

std::string text_of(const Run& run) {
  const auto range = run.first == run.last ? std::to_string(run.first) : fmt::format("{}-{}", run.first, run.last);
  const auto target = run.address.empty() ? range : fmt::format("{}->{}", join_host_port(run.address, range), range);
  return target + '/' + run.type;
}

std::vector<Port> ports_of(const json::Value& list) {
  std::vector<Port> ports;
  if (const auto* array = list.if_array()) {
    for (const auto& entry : *array) {
      ports.push_back({number_at(entry, "PrivatePort"), text_at(entry, "IP"), number_at(entry, "PublicPort"),
                       text_at(entry, "Type")});
    }
  }
  std::sort(ports.begin(), ports.end());
  return ports;
}

}  // namespace

std::string join_host_port(const std::string& host, const std::string& port) {
  return host.contains(':') ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

std::string describe_ports(const json::Value& list) {
  std::vector<std::string> texts;
  std::vector<std::string> mapped;
  std::vector<Run> runs;
  for (const auto& port : ports_of(list)) {
    if (!port.address.empty() && port.outside != port.inside) {
      mapped.push_back(
          fmt::format("{}->{}/{}", join_host_port(port.address, std::to_string(port.outside)), port.inside, port.type));
      continue;
    }
    const auto run = std::find_if(runs.begin(), runs.end(),
                                  [&](auto& r) { return r.address == port.address && r.type == port.type; });
    if (run == runs.end()) {
      runs.push_back({port.address, port.type, port.inside, port.inside});
    } else if (port.inside == run->last + 1) {
      run->last = port.inside;
    } else {
      texts.push_back(text_of(*run));
      run->first = run->last = port.inside;
    }
  }
  for (const auto& run : runs) texts.push_back(text_of(run));
  texts.insert(texts.end(), mapped.begin(), mapped.end());
  return join(texts, ", ");
}

}  // namespace berth::cli

// --link on the default bridge: what a container is told of another one.
#include <algorithm>

#include "base/error.hpp"
#include "base/strings.hpp"
#include "containers/network_mode.hpp"
#include "containers/networking.hpp"
#include "containers/ports.hpp"

namespace berth::containers {
namespace {

/// "tcp://172.17.0.2:80"
std::string url_of(const ContainerPort& port, const std::string& address) {
  return fmt::format("{}://{}:{}", network::to_string(port.protocol), address, port.number);
}

std::string prefix_of(const std::string& alias, const ContainerPort& port) {
  return fmt::format("{}_PORT_{}_{}", alias, port.number, to_upper(network::to_string(port.protocol)));
}

/// In Docker's order: tcp first, then by number.
std::vector<ContainerPort> ports_of(const Definition& linked) {
  std::vector<ContainerPort> ports;
  for (const auto protocol : {network::Protocol::tcp, network::Protocol::sctp, network::Protocol::udp}) {
    for (const auto& port : exposed_ports(linked.config, linked.host_config)) {
      if (port.protocol == protocol) ports.push_back(port);
    }
  }
  return ports;
}

/// Ports that follow each other have variables of their first and last one as well.
void add_range(std::vector<std::string>& environment, const std::string& alias, const std::string& address,
               const ContainerPort& first, const ContainerPort& last) {
  if (first == last) return;
  const auto prefix = prefix_of(alias, first);
  environment.push_back(fmt::format("{}_START={}", prefix, url_of(first, address)));
  environment.push_back(fmt::format("{}_PORT_START={}", prefix, first.number));
  environment.push_back(fmt::format("{}_END={}", prefix, url_of(last, address)));
  environment.push_back(fmt::format("{}_PORT_END={}", prefix, last.number));
}

void add_ports(std::vector<std::string>& environment, const std::string& alias, const std::string& address,
               const std::vector<ContainerPort>& ports) {
  if (ports.empty()) return;
  environment.push_back(fmt::format("{}_PORT={}", alias, url_of(ports.front(), address)));
  auto first = ports.front();
  auto last = first;
  for (const auto& port : ports) {
    const auto prefix = prefix_of(alias, port);
    environment.push_back(fmt::format("{}={}", prefix, url_of(port, address)));
    environment.push_back(fmt::format("{}_ADDR={}", prefix, address));
    environment.push_back(fmt::format("{}_PORT={}", prefix, port.number));
    environment.push_back(fmt::format("{}_PROTO={}", prefix, network::to_string(port.protocol)));
    const bool follows = port.protocol == last.protocol && port.number == last.number + 1;
    if (!follows && port != first) {
      add_range(environment, alias, address, first, last);
      first = port;
    }
    last = port;
  }
  add_range(environment, alias, address, first, last);
}

}  // namespace

LinkName parse_link(std::string_view text) {
  const auto parts = split(text, ':');
  const auto name_of = [](std::string name) { return name.starts_with('/') ? name.substr(1) : name; };
  if (parts.size() > 2 || parts.front().empty()) {
    throw Error{Kind::invalid, "bad format for links: {}", text};
  }
  auto alias = parts.back();  // "/db:/web/db" is what `inspect` shows of "db:db"
  if (const auto slash = alias.rfind('/'); slash != std::string::npos) alias = alias.substr(slash + 1);
  return {name_of(parts.front()), alias};
}

std::vector<LinkName> links_of(const HostConfig& host_config) {
  std::vector<LinkName> links;
  if (!host_config.Links || is_user_defined(host_config.NetworkMode)) return links;
  for (const auto& text : *host_config.Links) {
    auto link = parse_link(text);
    if (std::ranges::find(links, link.alias, &LinkName::alias) == links.end()) links.push_back(std::move(link));
  }
  return links;
}

std::string with_link(const std::string& hosts, const std::string& alias, const std::string& line) {
  // A line of --add-host has one name; that of a link goes on after its alias.
  const auto names = '\t' + alias + ' ';
  std::string text;
  for (std::size_t begin = 0; begin < hosts.size();) {
    const auto end = std::min(hosts.find('\n', begin), hosts.size() - 1) + 1;
    const auto known = hosts.substr(begin, end - begin);
    const auto tab = known.find('\t');
    text += tab != std::string::npos && known.compare(tab, names.size(), names) == 0 ? line : known;
    begin = end;
  }
  return text;
}

std::vector<std::string> link_environment(const std::string& path, const Definition& linked,
                                          const std::string& address) {
  auto alias = to_upper(path.substr(path.rfind('/') + 1));
  for (auto& c : alias) c = c == '-' ? '_' : c;
  std::vector<std::string> environment;
  add_ports(environment, alias, address, ports_of(linked));
  environment.push_back(fmt::format("{}_NAME={}", alias, path));
  for (const auto& assignment : linked.config.Env) {
    const auto parts = split_once(assignment, '=');
    if (!parts || parts->first == "HOME" || parts->first == "PATH") continue;
    environment.push_back(fmt::format("{}_ENV_{}={}", alias, parts->first, parts->second));
  }
  return environment;
}

}  // namespace berth::containers

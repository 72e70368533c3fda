// /etc/hostname, /etc/hosts and /etc/resolv.conf of a container.
#include <algorithm>

#include "base/error.hpp"
#include "base/strings.hpp"
#include "containers/network_mode.hpp"
#include "containers/spec_parts.hpp"
#include "dns/resolv_conf.hpp"

namespace berth::containers {
namespace {

constexpr std::string_view default_hosts =
    "127.0.0.1\tlocalhost\n"
    "::1\tlocalhost ip6-localhost ip6-loopback\n"
    "fe00::\tip6-localnet\n"
    "ff00::\tip6-mcastprefix\n"
    "ff02::1\tip6-allnodes\n"
    "ff02::2\tip6-allrouters\n";

constexpr const char* resolv_conf_path = "/etc/resolv.conf";
constexpr const char* resolved_conf_path = "/run/systemd/resolve/resolv.conf";

std::string hosts_text(const HostConfig& host_config, const HostNetworkFiles& host, const NetworkView& view) {
  std::string text = is_host(host_config.NetworkMode) ? host.hosts : std::string{default_hosts};
  if (!text.empty() && !text.ends_with('\n')) text += '\n';
  for (const auto& line : host_config.ExtraHosts.value_or(std::vector<std::string>{})) {
    const auto extra = parse_extra_host(line);
    if (extra.address != host_gateway_word) {
      text += fmt::format("{}\t{}\n", extra.address, extra.name);
      continue;
    }
    for (const auto& gateway : view.host_gateways) text += fmt::format("{}\t{}\n", to_string(gateway), extra.name);
  }
  for (const auto& [address, names] : view.links) text += fmt::format("{}\t{}\n", to_string(address), names);
  return text;
}

}  // namespace

std::string resolv_conf_text(const HostConfig& host_config, const HostNetworkFiles& host, const NetworkView& view) {
  using dns::Resolution;
  const auto resolution = is_host(host_config.NetworkMode) ? Resolution::host
                          : view.has_resolver              ? Resolution::embedded
                                                           : Resolution::direct;
  const auto asked = dns_of(host_config, host.dns);
  // The embedded resolver asks the stub, from the host: it knows what has changed since.
  const bool is_behind_stub = resolution == Resolution::direct && !host.resolved_conf.empty();
  return dns::make_resolv_conf(
      {.host_text = is_behind_stub ? host.resolved_conf : host.resolv_conf,
       .host_path = is_behind_stub ? resolved_conf_path : resolv_conf_path,
       .overrides = {.servers = asked.servers, .search = asked.search, .options = asked.options},
       .resolution = resolution,
       .ipv6 = view.has_ipv6});
}

std::string own_hosts_lines(const Config& config, const std::vector<IpAddress>& addresses) {
  auto names = config.Hostname;
  if (!config.Domainname.empty()) names += '.' + config.Domainname;
  if (const auto dot = names.find('.'); dot != std::string::npos) names += ' ' + names.substr(0, dot);
  std::string text;
  for (const auto& address : addresses) text += fmt::format("{}\t{}\n", to_string(address), names);
  return text;
}

std::string changed_hosts(const std::string& hosts, const std::vector<IpAddress>& gone, const std::string& more) {
  std::string text;
  for (const auto& line : split(hosts, '\n')) {
    const auto address = find_ip(line.substr(0, line.find_first_of(" \t")));
    if (!line.empty() && !(address && std::ranges::find(gone, *address) != gone.end())) text += line + '\n';
  }
  return text + more;
}

bool is_ip_address(const std::string& text) {
  return find_ip(text).has_value();
}

ExtraHost parse_extra_host(const std::string& text) {
  const auto parts = split_once(text, text.contains('=') ? '=' : ':');
  if (!parts || parts->first.empty() || parts->first.contains(':') ||
      parts->first.find_first_of(" \t\n") != std::string::npos) {
    throw Error{Kind::invalid, "bad format for add-host: {}", quote(text)};
  }
  ExtraHost host{.name = std::string{parts->first}, .address = std::string{parts->second}};
  if (host.address == host_gateway_word) return host;
  if (host.address.size() > 2 && host.address.starts_with('[') && host.address.ends_with(']')) {
    host.address = host.address.substr(1, host.address.size() - 2);
  }
  if (!is_ip_address(host.address))
    throw Error{Kind::invalid, "invalid IP address in add-host: {}", quote(host.address)};
  return host;
}

network::DnsConfig dns_of(const HostConfig& host_config, const network::DnsConfig& defaults) {
  const auto choose = [](const auto& own, const auto& otherwise) { return own.empty() ? otherwise : own; };
  return {.servers = choose(host_config.Dns, defaults.servers),
          .search = choose(host_config.DnsSearch, defaults.search),
          .options = choose(host_config.DnsOptions, defaults.options)};
}

HostNetworkFiles read_host_network_files(const network::DnsConfig& dns) {
  HostNetworkFiles files{.hosts = find_file("/etc/hosts").value_or(std::string{default_hosts}),
                         .resolv_conf = find_file(resolv_conf_path).value_or(""),
                         .dns = dns};
  const std::vector<dns::NameServer> stub{{.address = parse_ip("127.0.0.53")}};
  if (dns::ResolvConf::parse(files.resolv_conf).servers == stub) {
    files.resolved_conf = find_file(resolved_conf_path).value_or("");
  }
  return files;
}

NetworkFiles make_network_files(const Config& config, const HostConfig& host_config, const HostNetworkFiles& host,
                                const NetworkView& view) {
  return {.hostname = config.Hostname + "\n",
          .hosts = hosts_text(host_config, host, view) + own_hosts_lines(config, view.addresses),
          .resolv_conf = resolv_conf_text(host_config, host, view)};
}

}  // namespace berth::containers

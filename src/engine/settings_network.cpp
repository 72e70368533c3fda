#include "engine/settings_network.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>

#include "base/error.hpp"
#include "base/strings.hpp"
#include "network/options.hpp"
#include "network/pools.hpp"

namespace berth::engine {
namespace {

Cidr parse_family_cidr(const std::string& text, bool v6) {
  const auto cidr = parse_cidr(text);
  if (cidr.address.is_v6() != v6) throw Error{Kind::invalid, "{} is no IPv{} address", text, v6 ? 6 : 4};
  return cidr;
}

IpAddress parse_family_ip(const std::string& text, bool v6) {
  const auto address = parse_ip(text);
  if (address.is_v6() != v6) throw Error{Kind::invalid, "{} is no IPv{} address", text, v6 ? 6 : 4};
  return address;
}

bool parse_truth(const std::string& text) {
  if (const auto value = parse_bool(text)) return *value;
  throw Error{Kind::invalid, "{} is neither true nor false", quote(text)};
}

std::uint32_t parse_mtu(const std::string& text) {
  const auto value = parse_number<std::uint32_t>(text);
  if (!value || (*value != 0 && (*value < 68 || *value > 65535))) {
    throw Error{Kind::invalid, "{} is no MTU; it is a number from 68 to 65535", quote(text)};
  }
  return *value == 0 ? 1500 : *value;
}

/// An address of a bridge, with the length of its subnet: not the subnet's own.
Cidr parse_bridge_address(const std::string& text, bool v6) {
  const auto cidr = parse_family_cidr(text, v6);
  if (cidr == cidr.network() && cidr.length < cidr.address.bits() - 1) {
    throw Error{Kind::invalid, "{} is a subnet, not an address in one, such as {}/{}", text,
                to_string(*cidr.address.plus(1)), cidr.length};
  }
  return cidr;
}

std::string parse_bridge_name(const std::string& text) {
  if (text.empty() || network::is_link_name(text)) return text;
  throw Error{Kind::invalid, "{} is no name of a link", quote(text)};
}

std::string parse_server(const std::string& text) {
  if (!find_ip(text)) throw Error{Kind::invalid, "{} is not an ip address", text};
  return text;
}

std::string parse_domain(const std::string& text) {
  const auto is_odd = [](unsigned char c) { return c <= ' ' || c == 0x7f || c == ','; };
  if (text.empty() || std::ranges::any_of(text, is_odd)) throw Error{Kind::invalid, "{} is not a valid domain", text};
  return text;
}

std::string parse_dns_option(const std::string& text) {
  if (text.empty() || text.find_first_of(" \t\r\n") != std::string::npos) {
    throw Error{Kind::invalid, "{} is no option of resolv.conf", quote(text)};
  }
  return text;
}

void add_host_gateway(network::Settings& settings, const std::string& text) {
  const auto address = find_ip(text);
  if (!address) throw Error{Kind::invalid, "invalid IP address: {}", text};
  for (const auto& known : settings.host_gateways) {
    if (known.is_v6() != address->is_v6()) continue;
    throw Error{Kind::invalid, "only one IPv{} host gateway IP address can be specified", known.is_v6() ? 6 : 4};
  }
  settings.host_gateways.push_back(*address);
}

/// What people switch dockerd's rules off for is not there here, and nothing works without ours.
void require_firewall(const std::string& text) {
  if (parse_truth(text)) return;
  throw Error{
      Kind::invalid,
      "networks and published ports are rules of the nftables table \"berth\" and do not work without it; leave "
      "this out. No other table is ever changed, the host's own rules for incoming packets hold for published "
      "ports, and rules of your own go into the chain \"berth-user\""};
}

struct PoolKey {
  std::string base;
  unsigned size = 0;
};
BOOST_DESCRIBE_STRUCT(PoolKey, (), (base, size))

}  // namespace

const std::vector<NetworkSetting>& network_settings() {
  using S = network::Settings;
  using T = const std::string&;
  using enum SettingForm;
  static const std::vector<NetworkSetting> table = {
      {"-b,--bridge", "bridge", "A bridge of the host's to be the default one, or \"none\" for no default network",
       text, [](S& s, T t) { s.bridge = parse_bridge_name(t); }},
      {"--bip", "bip", "IPv4 address of the default bridge, with its subnet (10.1.0.1/24)", text,
       [](S& s, T t) { s.bridge_address = parse_bridge_address(t, false); }},
      {"--bip6", "bip6", "IPv6 address of the default bridge, with its subnet", text,
       [](S& s, T t) { s.bridge_address_v6 = parse_bridge_address(t, true); }},
      {"--fixed-cidr", "fixed-cidr", "Where containers on the default bridge get IPv4 addresses from", text,
       [](S& s, T t) { s.fixed_cidr = parse_family_cidr(t, false); }},
      {"--fixed-cidr-v6", "fixed-cidr-v6", "Where containers on the default bridge get IPv6 addresses from", text,
       [](S& s, T t) { s.fixed_cidr_v6 = parse_family_cidr(t, true); }},
      {"--default-gateway", "default-gateway", "IPv4 gateway of containers on the default bridge", text,
       [](S& s, T t) { s.default_gateway = parse_family_ip(t, false); }},
      {"--default-gateway-v6", "default-gateway-v6", "IPv6 gateway of containers on the default bridge", text,
       [](S& s, T t) { s.default_gateway_v6 = parse_family_ip(t, true); }},
      {"--mtu", "mtu", "MTU of the default bridge", text, [](S& s, T t) { s.mtu = parse_mtu(t); }},
      {"--ipv6", "ipv6", "The default bridge has IPv6", truth, [](S& s, T t) { s.ipv6 = parse_truth(t); }},
      {"--icc", "icc", "Containers on the default bridge reach each other (default true)", truth,
       [](S& s, T t) { s.icc = parse_truth(t); }},
      {"--ip-masq", "ip-masq", "Masquerade what leaves the default bridge (default true)", truth,
       [](S& s, T t) { s.ip_masquerade = parse_truth(t); }},
      {"--ip-forward", "ip-forward", "Switch forwarding of the host on (default true)", truth,
       [](S& s, T t) { s.ip_forward = parse_truth(t); }},
      {"--ip-forward-no-drop", "ip-forward-no-drop", "Where it is switched on, also forward what is not of containers",
       truth, [](S& s, T t) { s.ip_forward_no_drop = parse_truth(t); }},
      {"--allow-direct-routing", "allow-direct-routing",
       "Published ports are also reached from outside at the containers' own addresses", truth,
       [](S& s, T t) { s.allow_direct_routing = parse_truth(t); }},
      {"--connect-redirect", "connect-redirect",
       "Connections of the host to published ports of 127.0.0.1 are not translated where the kernel can redirect them "
       "(default true)",
       truth, [](S& s, T t) { s.connect_redirect = parse_truth(t); }},
      {"--ip", "ip", "Host address that ports are published on if none is given (default 0.0.0.0)", text,
       [](S& s, T t) { s.publish_default_address = parse_ip(t); }},
      {"--publish-default-address", "publish-default-address", "The same as --ip", text,
       [](S& s, T t) { s.publish_default_address = parse_ip(t); }},
      {"--dns", "dns", "DNS server of containers that name none", list,
       [](S& s, T t) { s.dns.servers.push_back(parse_server(t)); }},
      {"--dns-search", "dns-search", "DNS search domain of containers that name none", list,
       [](S& s, T t) { s.dns.search.push_back(parse_domain(t)); }},
      {"--dns-opt", "dns-opts", "DNS option of containers that name none", list,
       [](S& s, T t) { s.dns.options.push_back(parse_dns_option(t)); }},
      {"--host-gateway-ip", "host-gateway-ips",
       "What \"host-gateway\" of --add-host stands for (default: the addresses of the default bridge)", list,
       add_host_gateway},
      {"--iptables", "iptables", "Only true: networks and ports are rules of the table \"berth\"", truth,
       [](S&, T t) { require_firewall(t); }},
      {"--ip6tables", "ip6tables", "Only true, as --iptables", truth, [](S&, T t) { require_firewall(t); }},
      {"--firewall-backend", "firewall-backend", "Only nftables: there is no other", text,
       [](S&, T t) {
         if (t.empty() || t == "nftables") return;
         throw Error{Kind::invalid, "there is no firewall but nftables, and no need for {}; leave it out", quote(t)};
       }},
      {"--bridge-accept-fwmark", "bridge-accept-fwmark", "Not there: see the chain \"berth-user\"", text,
       [](S&, T t) {
         if (t.empty()) return;
         throw Error{Kind::invalid,
                     "it is not there; accept such packets by a rule of your own: nft add rule inet berth berth-user "
                     "meta mark {} accept",
                     t};
       }},
      {"--userland-proxy", "userland-proxy", "Taken and not needed, true or false: no process serves a port", truth,
       [](S&, T t) { parse_truth(t); }},
      {"--userland-proxy-path", "userland-proxy-path", "Taken and not needed: no process serves a port", text,
       [](S&, T) {}},
  };
  return table;
}

std::string NetworkSetting::long_flag() const {
  const std::string both = flag;
  return both.substr(both.find("--"));
}

void NetworkFlags::add_to(CLI::App& app) {
  for (const auto& setting : network_settings()) {
    auto& texts = texts_[setting.flag];
    switch (setting.form) {
      case SettingForm::truth: app.add_flag(setting.flag, texts, setting.help); break;
      case SettingForm::text:
        app.add_option(setting.flag, texts, setting.help)
            ->expected(1)
            ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
        break;
      case SettingForm::list: app.add_option(setting.flag, texts, setting.help)->allow_extra_args(false); break;
    }
  }
  app.add_option("--default-address-pool", pools_, "Where subnets of networks come from (base=10.10.0.0/16,size=24)");
  app.add_option("--default-network-opt", options_,
                 "Option of new networks of a driver (bridge=com.docker.network.driver.mtu=1400)");
}

void NetworkFlags::apply(network::Settings& settings) const {
  for (const auto& setting : network_settings()) {
    try {
      for (const auto& text : texts_.at(setting.flag)) setting.read(settings, text);
    } catch (Error& error) {
      throw error.in("{}", setting.long_flag());
    }
  }
  for (const auto& pool : pools_) settings.default_address_pools.push_back(network::parse_pool(pool));
  for (const auto& text : options_) {
    const auto parts = split(text, '=');
    if (parts.size() < 3 || parts[0].empty() || parts[1].empty()) {
      throw Error{Kind::invalid, "--default-network-opt: {} is not driver=option=value", quote(text)};
    }
    settings.default_network_options[parts[0]][parts[1]] = text.substr(parts[0].size() + parts[1].size() + 2);
  }
}

void read_network_key(const NetworkSetting& setting, network::Settings& settings, const json::Value& value) {
  const auto read_one = [&](const json::Value& one) {
    if (setting.form == SettingForm::truth && !one.is_bool()) throw Error{Kind::invalid, "it is not a boolean"};
    if (one.is_string()) {
      setting.read(settings, std::string{one.get_string()});
    } else if (one.is_number() || one.is_bool()) {
      setting.read(settings, json::write(one));
    } else {
      throw Error{Kind::invalid, "it is not a string"};
    }
  };
  try {
    if (setting.form != SettingForm::list) return read_one(value);
    if (!value.is_array()) throw Error{Kind::invalid, "it is not an array"};
    for (const auto& one : value.get_array()) read_one(one);
  } catch (Error& error) {
    throw error.in("configuration key {}", quote(setting.key));
  }
}

void read_network_options(network::Settings& settings, const json::Value& value) {
  try {
    settings.default_network_options = json::from<std::map<std::string, network::StringMap>>(value);
  } catch (Error& error) {
    throw error.in("configuration key \"default-network-opts\"");
  }
}

void check_network(const network::Settings& settings) {
  if (settings.bridge.empty()) return;
  if (settings.bridge_address) {
    throw Error{Kind::invalid, "You specified -b & --bip, mutually exclusive options. Please specify only one"};
  }
  if (settings.bridge_address_v6) {
    throw Error{Kind::invalid, "You specified -b & --bip6, mutually exclusive options. Please specify only one"};
  }
}

void read_address_pools(network::Settings& settings, const json::Value& value) {
  try {
    for (const auto& key : json::from<std::vector<PoolKey>>(value)) {
      const network::AddressPool pool{parse_cidr(key.base), key.size};
      network::check_pool(pool);
      settings.default_address_pools.push_back(pool);
    }
  } catch (Error& error) {
    throw error.in("configuration key \"default-address-pools\"");
  }
}

}  // namespace berth::engine

#include "engine/settings_network.hpp"

#include <CLI/CLI.hpp>

#include "base/error.hpp"
#include "base/strings.hpp"
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

struct PoolKey {
  std::string base;
  unsigned size = 0;
};
BOOST_DESCRIBE_STRUCT(PoolKey, (), (base, size))

}  // namespace

const std::vector<NetworkSetting>& network_settings() {
  using S = network::Settings;
  using T = const std::string&;
  static const std::vector<NetworkSetting> table = {
      {"--bip", "bip", "IPv4 address of the default bridge, with its subnet (10.1.0.1/24)", false,
       [](S& s, T t) { s.bridge_address = parse_bridge_address(t, false); }},
      {"--bip6", "bip6", "IPv6 address of the default bridge, with its subnet", false,
       [](S& s, T t) { s.bridge_address_v6 = parse_bridge_address(t, true); }},
      {"--fixed-cidr", "fixed-cidr", "Where containers on the default bridge get IPv4 addresses from", false,
       [](S& s, T t) { s.fixed_cidr = parse_family_cidr(t, false); }},
      {"--fixed-cidr-v6", "fixed-cidr-v6", "Where containers on the default bridge get IPv6 addresses from", false,
       [](S& s, T t) { s.fixed_cidr_v6 = parse_family_cidr(t, true); }},
      {"--default-gateway", "default-gateway", "IPv4 gateway of containers on the default bridge", false,
       [](S& s, T t) { s.default_gateway = parse_family_ip(t, false); }},
      {"--default-gateway-v6", "default-gateway-v6", "IPv6 gateway of containers on the default bridge", false,
       [](S& s, T t) { s.default_gateway_v6 = parse_family_ip(t, true); }},
      {"--mtu", "mtu", "MTU of the default bridge", false, [](S& s, T t) { s.mtu = parse_mtu(t); }},
      {"--ipv6", "ipv6", "The default bridge has IPv6", true, [](S& s, T t) { s.ipv6 = parse_truth(t); }},
      {"--icc", "icc", "Containers on the default bridge reach each other (default true)", true,
       [](S& s, T t) { s.icc = parse_truth(t); }},
      {"--ip-masq", "ip-masq", "Masquerade what leaves the default bridge (default true)", true,
       [](S& s, T t) { s.ip_masquerade = parse_truth(t); }},
      {"--ip-forward", "ip-forward", "Switch forwarding of the host on (default true)", true,
       [](S& s, T t) { s.ip_forward = parse_truth(t); }},
      {"--ip", "ip", "Host address that ports are published on if none is given (default 0.0.0.0)", false,
       [](S& s, T t) { s.publish_default_address = parse_ip(t); }},
      {"--publish-default-address", "publish-default-address", "The same as --ip", false,
       [](S& s, T t) { s.publish_default_address = parse_ip(t); }},
  };
  return table;
}

void NetworkFlags::add_to(CLI::App& app) {
  for (const auto& setting : network_settings()) {
    auto& text = texts_[setting.flag];
    if (setting.is_truth) {
      app.add_flag(setting.flag, text, setting.help);
    } else {
      app.add_option(setting.flag, text, setting.help);
    }
  }
  app.add_option("--default-address-pool", pools_, "Where subnets of networks come from (base=10.10.0.0/16,size=24)");
}

void NetworkFlags::apply(network::Settings& settings) const {
  for (const auto& setting : network_settings()) {
    const auto& text = texts_.at(setting.flag);
    if (text.empty()) continue;
    try {
      setting.read(settings, text);
    } catch (Error& error) {
      throw error.in("{}", setting.flag);
    }
  }
  for (const auto& pool : pools_) settings.default_address_pools.push_back(network::parse_pool(pool));
}

void read_network_key(const NetworkSetting& setting, network::Settings& settings, const json::Value& value) {
  try {
    if (setting.is_truth && !value.is_bool()) throw Error{Kind::invalid, "it is not a boolean"};
    if (value.is_string()) {
      setting.read(settings, std::string{value.get_string()});
    } else if (value.is_number() || value.is_bool()) {
      setting.read(settings, json::write(value));
    } else {
      throw Error{Kind::invalid, "it is not a string"};
    }
  } catch (Error& error) {
    throw error.in("configuration key {}", quote(setting.key));
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

#include "network/ipam.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/strings.hpp"

namespace berth::network {
namespace {

std::string_view family_name(bool v6) {
  return v6 ? "IPv6" : "IPv4";
}

using Faults = std::vector<std::string>;

void check_range(const std::string& text, const Cidr& subnet, Faults& faults) {
  const auto fault = [&](std::string_view what) {
    faults.push_back(fmt::format("invalid ip-range {}: {}", text, what));
  };
  const auto range = find_cidr(text);
  if (!range) return fault("invalid CIDR block notation");
  if (range->address.is_v6() != subnet.address.is_v6()) {
    return fault(fmt::format("parent subnet is an {} block", family_name(subnet.address.is_v6())));
  }
  if (range->length < subnet.length) {
    fault(fmt::format("CIDR block is bigger than its parent subnet {}", to_string(subnet)));
  }
  if (*range != range->network()) fault(fmt::format("it should be {}", to_string(range->network())));
  if (!subnet.overlaps(*range)) {
    fault(fmt::format("parent subnet {} doesn't contain ip-range", to_string(subnet)));
  }
}

void check_address(const std::string& text, std::string_view what, const Cidr& subnet, Faults& faults) {
  const auto fault = [&](std::string_view why) { faults.push_back(fmt::format("{}: {}", what, why)); };
  const auto address = find_ip(text);
  if (!address) return fault("invalid address");
  if (address->is_v6() != subnet.address.is_v6()) {
    return fault(fmt::format("parent subnet is an {} block", family_name(subnet.address.is_v6())));
  }
  if (!subnet.contains(*address)) {
    fault(fmt::format("parent subnet {} doesn't contain this address", to_string(subnet.network())));
  }
}

void check_subnet(const IpamSubnet& config, bool v6, Faults& faults) {
  const auto subnet = find_cidr(config.Subnet);
  if (!subnet) {
    faults.push_back(fmt::format("invalid subnet {}: invalid CIDR block notation", std::string{config.Subnet}));
    return;
  }
  if (subnet->address.is_v6() && !v6) return;
  if (*subnet != subnet->network()) {
    faults.push_back(
        fmt::format("invalid subnet {}: it should be {}", std::string{config.Subnet}, to_string(subnet->network())));
  }
  if (!config.IPRange.empty()) check_range(config.IPRange, *subnet, faults);
  if (!config.Gateway.empty()) {
    check_address(config.Gateway, fmt::format("invalid gateway {}", std::string{config.Gateway}), *subnet, faults);
  }
  for (const auto& [name, address] : config.AuxiliaryAddresses) {
    check_address(address, fmt::format("invalid auxiliary address {}", name), *subnet, faults);
  }
}

void take(Subnet& subnet, const IpAddress& address) {
  if (!subnet.used.insert(address).second) throw Error{Kind::forbidden, "Address already in use"};
}

/// The lowest one in the subnet's range that is not used.
std::optional<IpAddress> find_free(const Subnet& subnet) {
  const auto range = subnet.range.value_or(subnet.subnet);
  const auto last = range.last();
  std::optional<IpAddress> candidate = range.first();
  for (auto used = subnet.used.lower_bound(*candidate); used != subnet.used.end() && *used == *candidate; ++used) {
    if (*candidate == last) return std::nullopt;
    candidate = candidate->plus(1);
  }
  return candidate;
}

}  // namespace

void check_ipam(const Ipam& ipam, bool v6) {
  Faults faults;
  if (!ipam.Config) return;
  for (const auto& config : *ipam.Config) check_subnet(config, v6, faults);
  if (!faults.empty()) throw Error{Kind::invalid, "invalid network config:\n{}", join(faults, "\n")};
}

Subnet make_subnet(const IpamSubnet& document) {
  Subnet subnet{.subnet = parse_cidr(document.Subnet).network()};
  if (!document.IPRange.empty()) subnet.range = parse_cidr(document.IPRange).network();
  const auto host_bits = subnet.subnet.address.bits() - subnet.subnet.length;
  // The first address is the network's own (in IPv6 that of any router), the last one of IPv4 is for all; between two
  // ends of a line (RFC 3021) there are no such.
  if (host_bits > 1 || (subnet.subnet.address.is_v6() && host_bits > 0)) subnet.used.insert(subnet.subnet.first());
  if (host_bits > 1 && !subnet.subnet.address.is_v6()) subnet.used.insert(subnet.subnet.last());
  if (!document.Gateway.empty()) {
    subnet.gateway = parse_ip(document.Gateway);
    subnet.used.insert(*subnet.gateway);
  }
  for (const auto& [name, address] : document.AuxiliaryAddresses) {
    try {
      take(subnet, parse_ip(address));
    } catch (Error& error) {
      throw error.in("auxiliary address {} of subnet {}", name, to_string(subnet.subnet));
    }
  }
  return subnet;
}

Cidr take_address(std::vector<Subnet>& subnets, bool v6, const std::optional<IpAddress>& wanted) {
  for (auto& subnet : subnets) {
    if (subnet.subnet.address.is_v6() != v6) continue;
    if (wanted) {
      if (!subnet.subnet.contains(*wanted)) continue;
      take(subnet, *wanted);
      return {*wanted, subnet.subnet.length};
    }
    if (const auto free = find_free(subnet)) {
      subnet.used.insert(*free);
      return {*free, subnet.subnet.length};
    }
  }
  if (wanted) {
    throw Error{Kind::invalid, "no configured subnet or ip-range contain the IP address {}", to_string(*wanted)};
  }
  throw Error{Kind::internal, "no available IPv{} addresses on this network's address pools", v6 ? 6 : 4};
}

void mark_used(std::vector<Subnet>& subnets, const IpAddress& address) {
  for (auto& subnet : subnets) {
    if (subnet.subnet.contains(address)) subnet.used.insert(address);
  }
}

void release_address(std::vector<Subnet>& subnets, const IpAddress& address) noexcept {
  for (auto& subnet : subnets) {
    if (subnet.subnet.contains(address)) subnet.used.erase(address);
  }
}

}  // namespace berth::network

// Which address of a network's subnets is given to whom: pure functions on values.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/ip.hpp"
#include "network/config.hpp"

namespace berth::network {

/// One subnet of a network and the addresses in it that somebody has: network and broadcast addresses, the gateway,
/// auxiliary ones, and those of endpoints.
struct Subnet {
  Cidr subnet;
  std::optional<Cidr> range;  ///< where addresses are chosen from that nobody asked for
  std::optional<IpAddress> gateway;
  std::set<IpAddress> used;
};

/// From a checked document. Throws `forbidden` if two of its addresses are the same.
Subnet make_subnet(const IpamSubnet& document);

/// Docker's check of a request: every fault on its own line after "invalid network config:". `v6`: the network is to
/// have IPv6; without it, IPv6 subnets are not looked at.
void check_ipam(const Ipam& ipam, bool v6);

/// Takes an address of that family: the one that is wanted, or the lowest that nobody has, of the first subnet that has
/// one. Throws `forbidden` ("Address already in use"), `invalid` if no subnet contains it, `internal` if all are taken
/// (as Docker, 500).
Cidr take_address(std::vector<Subnet>& subnets, bool v6, const std::optional<IpAddress>& wanted);
/// An address that somebody has from before the daemon started.
void mark_used(std::vector<Subnet>& subnets, const IpAddress& address);
void release_address(std::vector<Subnet>& subnets, const IpAddress& address) noexcept;

}  // namespace berth::network

// Subnets for networks that ask for none: pure functions on values.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/ip.hpp"
#include "network/network.hpp"

namespace berth::network {

/// Docker's: 172.17.0.0/16 to 172.31.0.0/16, then sixteen /20 of 192.168.0.0/16; and of IPv6 one fd<40 bits>::/48 that
/// is made from `engine_id`, in /64.
std::vector<AddressPool> default_pools(std::string_view engine_id);

/// "base=10.10.0.0/16,size=24", as --default-address-pool takes it. Throws `invalid`.
AddressPool parse_pool(std::string_view text);
/// Throws `invalid` if the size does not fit the base.
void check_pool(const AddressPool& pool);

/// The first subnet of that family that overlaps none of `taken`. Throws `invalid`: "all predefined address pools have
/// been fully subnetted".
Cidr choose_subnet(std::span<const AddressPool> pools, bool v6, std::span<const Cidr> taken);

}  // namespace berth::network

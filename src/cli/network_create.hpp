// The subnets of `network create`, from flags that are correlated by what lies in what.
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"

namespace berth::cli {

struct IpamFlags {
  std::vector<std::string> subnets, ranges, gateways;
  std::vector<std::string> auxiliary;  ///< "name=address"
};

/// IPAM.Config of a request: each range, gateway and auxiliary address with the subnet it lies in. Throws `invalid`,
/// worded as docker does, where one lies in none, or two in the same. Whether a subnet makes sense is the daemon's.
json::Array make_ipam_config(const IpamFlags& flags);

}  // namespace berth::cli

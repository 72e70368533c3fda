#include "network/pools.hpp"

#include <algorithm>
#include <functional>

#include "base/error.hpp"
#include "base/strings.hpp"

namespace berth::network {
namespace {

constexpr const char* form = "invalid default address pool {}: it should be base=CIDR,size=NUMBER";

/// The address that many subnets of `size` bits further on; nothing beyond the last one.
std::optional<IpAddress> next_subnet(const Cidr& subnet) {
  auto last = subnet.last();
  return last.plus(1);
}

}  // namespace

std::vector<AddressPool> default_pools(std::string_view engine_id) {
  std::vector<AddressPool> pools;
  for (const char* base :
       {"172.17.0.0/16", "172.18.0.0/16", "172.19.0.0/16", "172.20.0.0/14", "172.24.0.0/14", "172.28.0.0/14"}) {
    pools.push_back({parse_cidr(base), 16});
  }
  pools.push_back({parse_cidr("192.168.0.0/16"), 20});
  std::array<std::uint8_t, 16> prefix{0xfd};
  auto seed = static_cast<std::uint64_t>(std::hash<std::string_view>{}(engine_id));
  for (std::size_t i = 1; i < 6; ++i, seed >>= 8U) prefix[i] = static_cast<std::uint8_t>(seed);
  pools.push_back({{IpAddress{prefix}, 48}, 64});
  return pools;
}

void check_pool(const AddressPool& pool) {
  if (pool.base != pool.base.network()) {
    throw Error{Kind::invalid, "invalid default address pool {}: it should be {}", to_string(pool.base),
                to_string(pool.base.network())};
  }
  if (pool.size < pool.base.length || pool.size > pool.base.address.bits()) {
    throw Error{Kind::invalid, "invalid default address pool {}: subnets of size {} do not fit into it",
                to_string(pool.base), pool.size};
  }
}

AddressPool parse_pool(std::string_view text) {
  std::optional<Cidr> base;
  std::optional<unsigned> size;
  for (const auto& field : split(text, ',')) {
    const auto pair = split_once(field, '=');
    if (!pair) throw Error{Kind::invalid, form, quote(text)};
    if (pair->first == "base") base = find_cidr(pair->second);
    if (pair->first == "size") size = parse_number<unsigned>(pair->second);
  }
  if (!base || !size) throw Error{Kind::invalid, form, quote(text)};
  AddressPool pool{*base, *size};
  check_pool(pool);
  return pool;
}

Cidr choose_subnet(std::span<const AddressPool> pools, bool v6, std::span<const Cidr> taken) {
  for (const auto& pool : pools) {
    if (pool.base.address.is_v6() != v6) continue;
    std::optional<IpAddress> first = pool.base.first();
    while (first && pool.base.contains(*first)) {
      const Cidr candidate{*first, pool.size};
      const auto overlapped = std::ranges::find_if(taken, [&](const Cidr& other) { return other.overlaps(candidate); });
      if (overlapped == taken.end()) return candidate;
      // Whatever is in the way may be larger than what we look for: go on behind both.
      first = next_subnet(overlapped->length < candidate.length ? *overlapped : candidate);
    }
  }
  throw Error{Kind::invalid, "all predefined address pools have been fully subnetted"};
}

}  // namespace berth::network

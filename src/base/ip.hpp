// Addresses of the Internet protocols and of Ethernet, as checked values.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace berth {

/// An IPv4 or IPv6 address. Ordered by family, then by value.
class IpAddress {
 public:
  /// 4 or 16 bytes in network order.
  explicit IpAddress(std::span<const std::uint8_t> bytes);
  static IpAddress v4(std::uint32_t number);
  static IpAddress any(bool v6) { return IpAddress{v6, {}}; }

  [[nodiscard]] bool is_v6() const noexcept { return v6_; }
  [[nodiscard]] int family() const noexcept;  ///< AF_INET or AF_INET6
  [[nodiscard]] unsigned bits() const noexcept { return v6_ ? 128 : 32; }
  [[nodiscard]] std::span<const std::uint8_t> bytes() const noexcept {
    return std::span{bytes_}.first(v6_ ? bytes_.size() : 4);
  }
  [[nodiscard]] bool is_any() const noexcept;       ///< 0.0.0.0 or ::
  [[nodiscard]] bool is_loopback() const noexcept;  ///< 127.0.0.0/8 or ::1
  [[nodiscard]] bool is_link_local() const noexcept;
  [[nodiscard]] bool is_multicast() const noexcept;

  /// The address that many further on; nothing past the last one.
  [[nodiscard]] std::optional<IpAddress> plus(std::uint64_t count) const;
  /// How many it is from `first` on, at most 2^64-1.
  [[nodiscard]] std::uint64_t distance_from(const IpAddress& first) const;
  /// The first `length` bits of this, then zeros, or ones.
  [[nodiscard]] IpAddress first_of(unsigned length) const;
  [[nodiscard]] IpAddress last_of(unsigned length) const;

  friend bool operator==(const IpAddress&, const IpAddress&) = default;
  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  IpAddress(bool v6, std::array<std::uint8_t, 16> bytes) : v6_(v6), bytes_(bytes) {}

  bool v6_ = false;
  std::array<std::uint8_t, 16> bytes_{};
};

std::optional<IpAddress> find_ip(std::string_view text);
/// Throws `invalid`.
IpAddress parse_ip(std::string_view text);
std::string to_string(const IpAddress& address);

/// An address and the length of its network's prefix: "172.17.0.2/16". As a subnet, the bits behind the prefix are
/// zero.
struct Cidr {
  IpAddress address;
  unsigned length = 0;

  [[nodiscard]] IpAddress first() const { return address.first_of(length); }
  [[nodiscard]] IpAddress last() const { return address.last_of(length); }
  [[nodiscard]] Cidr network() const { return {first(), length}; }
  [[nodiscard]] bool contains(const IpAddress& other) const;
  [[nodiscard]] bool contains(const Cidr& other) const;
  [[nodiscard]] bool overlaps(const Cidr& other) const;

  friend bool operator==(const Cidr&, const Cidr&) = default;
  friend auto operator<=>(const Cidr&, const Cidr&) = default;
};

std::optional<Cidr> find_cidr(std::string_view text);
/// Throws `invalid`.
Cidr parse_cidr(std::string_view text);
std::string to_string(const Cidr& cidr);

/// A 48-bit Ethernet address.
struct MacAddress {
  std::array<std::uint8_t, 6> bytes{};

  friend bool operator==(const MacAddress&, const MacAddress&) = default;
};

/// "02:42:ac:11:00:02", also with dashes or dots as Go's net.ParseMAC takes them.
std::optional<MacAddress> find_mac(std::string_view text);
/// Throws `invalid`.
MacAddress parse_mac(std::string_view text);
std::string to_string(const MacAddress& address);

}  // namespace berth

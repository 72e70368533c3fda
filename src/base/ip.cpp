#include "base/ip.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/error.hpp"
#include "base/strings.hpp"

namespace berth {
namespace {

/// Sets the bits of `bytes` from `first` on to zero, or to one.
void set_bits_from(std::span<std::uint8_t> bytes, unsigned first, bool one) {
  for (std::size_t index = 0; index < bytes.size(); ++index) {
    const auto begin = static_cast<unsigned>(index) * 8;
    if (begin + 8 <= first) continue;
    const auto kept = first > begin ? first - begin : 0;
    const auto mask = static_cast<std::uint8_t>(0xffU >> kept);
    bytes[index] = static_cast<std::uint8_t>(one ? bytes[index] | mask : bytes[index] & ~mask);
  }
}

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

}  // namespace

IpAddress::IpAddress(std::span<const std::uint8_t> bytes) : v6_(bytes.size() == 16) {
  if (bytes.size() != 4 && bytes.size() != 16) throw Error{Kind::internal, "an address of {} bytes", bytes.size()};
  std::ranges::copy(bytes, bytes_.begin());
}

IpAddress IpAddress::v4(std::uint32_t number) {
  const std::array<std::uint8_t, 4> bytes{static_cast<std::uint8_t>(number >> 24U),
                                          static_cast<std::uint8_t>(number >> 16U),
                                          static_cast<std::uint8_t>(number >> 8U), static_cast<std::uint8_t>(number)};
  return IpAddress{bytes};
}

int IpAddress::family() const noexcept {
  return v6_ ? AF_INET6 : AF_INET;
}

bool IpAddress::is_any() const noexcept {
  return std::ranges::all_of(bytes_, [](auto byte) { return byte == 0; });
}

bool IpAddress::is_loopback() const noexcept {
  if (!v6_) return bytes_[0] == 127;
  return bytes_[15] == 1 && std::all_of(bytes_.begin(), bytes_.end() - 1, [](auto byte) { return byte == 0; });
}

bool IpAddress::is_link_local() const noexcept {
  return v6_ ? bytes_[0] == 0xfe && (bytes_[1] & 0xc0U) == 0x80 : bytes_[0] == 169 && bytes_[1] == 254;
}

bool IpAddress::is_multicast() const noexcept {
  return v6_ ? bytes_[0] == 0xff : (bytes_[0] & 0xf0U) == 0xe0;
}

std::optional<IpAddress> IpAddress::plus(std::uint64_t count) const {
  auto sum = *this;
  std::uint64_t carry = count;
  for (auto index = bytes().size(); index-- > 0 && carry > 0;) {
    const auto total = sum.bytes_[index] + (carry & 0xffU);
    sum.bytes_[index] = static_cast<std::uint8_t>(total);
    carry = (carry >> 8U) + (total >> 8U);
  }
  return carry > 0 ? std::nullopt : std::optional{sum};
}

std::uint64_t IpAddress::distance_from(const IpAddress& first) const {
  std::uint64_t distance = 0;
  for (std::size_t index = 0; index < bytes().size(); ++index) {
    if (distance >> 56U != 0) return std::numeric_limits<std::uint64_t>::max();
    // Bytes are subtracted from the front: what a later one borrows has been added before.
    distance = (distance << 8U) + bytes_[index] - first.bytes_[index];
  }
  return distance;
}

IpAddress IpAddress::first_of(unsigned length) const {
  auto result = *this;
  set_bits_from(std::span{result.bytes_}.first(bytes().size()), length, false);
  return result;
}

IpAddress IpAddress::last_of(unsigned length) const {
  auto result = *this;
  set_bits_from(std::span{result.bytes_}.first(bytes().size()), length, true);
  return result;
}

std::optional<IpAddress> find_ip(std::string_view text) {
  const std::string terminated{text};
  std::array<std::uint8_t, 16> bytes{};
  if (terminated.contains('\0')) return std::nullopt;
  if (::inet_pton(AF_INET, terminated.c_str(), bytes.data()) == 1) return IpAddress{std::span{bytes}.first(4)};
  if (::inet_pton(AF_INET6, terminated.c_str(), bytes.data()) == 1) return IpAddress{bytes};
  return std::nullopt;
}

IpAddress parse_ip(std::string_view text) {
  if (const auto address = find_ip(text)) return *address;
  throw Error{Kind::invalid, "invalid IP address: {}", quote(text)};
}

std::string to_string(const IpAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  return ::inet_ntop(address.family(), address.bytes().data(), text.data(), text.size());
}

bool Cidr::contains(const IpAddress& other) const {
  return other.is_v6() == address.is_v6() && other.first_of(length) == first();
}

bool Cidr::contains(const Cidr& other) const {
  return other.length >= length && contains(other.address);
}

bool Cidr::overlaps(const Cidr& other) const {
  return contains(other.first()) || other.contains(first());
}

std::optional<Cidr> find_cidr(std::string_view text) {
  const auto parts = split_once(text, '/');
  if (!parts) return std::nullopt;
  const auto address = find_ip(parts->first);
  const auto length = parse_number<unsigned>(parts->second);
  if (!address || !length || *length > address->bits()) return std::nullopt;
  return Cidr{*address, *length};
}

Cidr parse_cidr(std::string_view text) {
  if (const auto cidr = find_cidr(text)) return *cidr;
  throw Error{Kind::invalid, "invalid CIDR address: {}", text};
}

std::string to_string(const Cidr& cidr) {
  return fmt::format("{}/{}", to_string(cidr.address), cidr.length);
}

std::optional<MacAddress> find_mac(std::string_view text) {
  MacAddress address;
  const bool dotted = text.contains('.');
  const std::size_t group = dotted ? 4 : 2;
  if (text.size() != (dotted ? 14U : 17U)) return std::nullopt;
  const char separator = text[group];
  if (separator != ':' && separator != '-' && separator != '.') return std::nullopt;
  std::size_t digits = 0;
  for (std::size_t index = 0; index < text.size(); ++index) {
    if (index % (group + 1) == group) {
      if (text[index] != separator) return std::nullopt;
      continue;
    }
    const auto digit = hex_digit(text[index]);
    if (!digit) return std::nullopt;
    auto& byte = address.bytes[digits++ / 2];
    byte = static_cast<std::uint8_t>(static_cast<unsigned>(byte) << 4U | *digit);
  }
  return address;
}

MacAddress parse_mac(std::string_view text) {
  if (const auto address = find_mac(text)) return *address;
  throw Error{Kind::invalid, "invalid MAC address: {}", quote(text)};
}

std::string to_string(const MacAddress& address) {
  return fmt::format("{:02x}", fmt::join(address.bytes, ":"));
}

}  // namespace berth

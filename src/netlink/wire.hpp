// What all protocols over netlink sockets share: routes and links here, the packet filter in nftables/.
#pragma once

#include <libmnl/libmnl.h>

#include <cstdint>
#include <span>
#include <string>

#include "base/fd.hpp"

namespace berth::netlink {

/// A bound socket of the calling thread's network namespace. `protocol`: NETLINK_ROUTE, NETLINK_NETFILTER. An answer to
/// a failure quotes only the head of its request, and says in words what was wrong.
UniqueFd open_socket(int protocol);

/// One packet, of how many bytes.
std::size_t receive(FdRef socket, std::span<char> buffer);

/// The kernel's own words in an answer of type NLMSG_ERROR; empty if it has none.
std::string extended_text(const nlmsghdr* message);

/// An attribute that holds others, closed at the end of its scope.
class Nest {
 public:
  Nest(nlmsghdr* message, std::uint16_t type) : message_(message), start_(::mnl_attr_nest_start(message, type)) {}
  ~Nest() { ::mnl_attr_nest_end(message_, start_); }
  Nest(const Nest&) = delete;
  Nest& operator=(const Nest&) = delete;

 private:
  nlmsghdr* message_;
  nlattr* start_;
};

/// Calls `take` with the type of each attribute in `length` bytes, and the attribute. (libmnl's loops are C, and no
/// C++.)
template <class Take>
void each_attribute(const void* begin, std::size_t length, Take&& take) {
  const auto* end = static_cast<const char*>(begin) + length;
  const auto* attribute = static_cast<const nlattr*>(begin);
  while (::mnl_attr_ok(attribute, static_cast<int>(end - reinterpret_cast<const char*>(attribute)))) {
    take(::mnl_attr_get_type(attribute), attribute);
    attribute = ::mnl_attr_next(attribute);
  }
}

/// The same of a message with a body of this type.
template <class Body, class Take>
void each_attribute(const nlmsghdr* message, Take&& take) {
  const auto* begin = static_cast<const char*>(::mnl_nlmsg_get_payload_offset(message, sizeof(Body)));
  const auto* end = static_cast<const char*>(::mnl_nlmsg_get_payload_tail(message));
  if (end > begin) each_attribute(begin, static_cast<std::size_t>(end - begin), take);
}

}  // namespace berth::netlink

#include "network/publication.hpp"

#include "base/strings.hpp"

namespace berth::network {

std::string_view to_string(Protocol protocol) {
  switch (protocol) {
    case Protocol::tcp: return "tcp";
    case Protocol::udp: return "udp";
    case Protocol::sctp: return "sctp";
  }
  return "tcp";
}

std::optional<Protocol> find_protocol(std::string_view text) {
  const auto lower = to_lower(text);
  for (const auto protocol : {Protocol::tcp, Protocol::udp, Protocol::sctp}) {
    if (lower == to_string(protocol)) return protocol;
  }
  return std::nullopt;
}

std::vector<PublishedPort> to_published_ports(std::span<const Publication> publications) {
  std::vector<PublishedPort> ports;
  for (const auto& publication : publications) {
    for (unsigned i = 0; i < publication.count; ++i) {
      const auto host_port = publication.host_first == 0 ? 0 : publication.host_first + i;
      ports.push_back({.protocol = publication.protocol,
                       .container_port = static_cast<std::uint16_t>(publication.container_first + i),
                       .host_address = publication.host_address,
                       .host_port = static_cast<std::uint16_t>(host_port)});
    }
  }
  return ports;
}

}  // namespace berth::network

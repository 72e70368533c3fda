// Where the monitor connects to: addresses are numbers, because it has no resolver.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>

namespace berth::shim {

/// As connect(2) takes it.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  [[nodiscard]] const sockaddr* generic() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

/// "127.0.0.1" or "::1"; nothing for what is no numeric address.
std::optional<SocketAddress> find_internet_address(const std::string& address, std::uint16_t port);

}  // namespace berth::shim

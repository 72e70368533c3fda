#include "client/host.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "base/error.hpp"
#include "base/strings.hpp"

namespace berth::client {
namespace {

Error not_reachable(const Host& host, int errno_value) {
  if (errno_value == EACCES || errno_value == EPERM) {
    return {Kind::unavailable, errno_value,
            fmt::format("permission denied while trying to connect to the Docker daemon socket at {}", host.text)};
  }
  return {Kind::unavailable, errno_value,
          fmt::format("Cannot connect to the Docker daemon at {}. Is the docker daemon running?", host.text)};
}

UniqueFd connect_unix(const Host& host) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (host.path.size() >= sizeof address.sun_path) {
    throw Error{Kind::invalid, "unix socket path is longer than {} bytes: {}", sizeof address.sun_path - 1,
                quote(host.path)};
  }
  std::memcpy(address.sun_path, host.path.data(), host.path.size());
  UniqueFd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (!socket) throw Error::from_errno(errno, "create socket");
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
    throw not_reachable(host, errno);
  }
  return socket;
}

UniqueFd connect_tcp(const Host& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.name.c_str(), std::to_string(host.port).c_str(), &hints, &found);
  if (error != 0) throw Error{Kind::unavailable, "lookup {}: {}", host.name, ::gai_strerror(error)};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses{found, &::freeaddrinfo};
  int last_error = 0;
  for (const auto* address = found; address != nullptr; address = address->ai_next) {
    UniqueFd socket{::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (socket && ::connect(socket.get(), address->ai_addr, address->ai_addrlen) == 0) {
      const int on = 1;  // Keystrokes of an attached terminal must not wait for each other.
      ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      return socket;
    }
    last_error = errno;
  }
  throw not_reachable(host, last_error);
}

Host parse_tcp(std::string_view text, std::string_view address) {
  Host host{.transport = Host::Transport::tcp, .text = std::string{text}};
  address = address.substr(0, address.find('/'));
  auto port = std::string_view{"2375"};
  const auto bracket = address.starts_with('[') ? address.find(']') : std::string_view::npos;
  const auto colon = address.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon != std::string_view::npos && colon + 1 < address.size()) port = address.substr(colon + 1);
  auto name = address.substr(0, colon);
  if (bracket != std::string_view::npos) name = address.substr(1, bracket - 1);
  const auto number = parse_number<std::uint16_t>(port);
  if (!number) throw Error{Kind::invalid, "invalid bind address ({}): invalid port {}", text, quote(port)};
  host.name = name.empty() ? "127.0.0.1" : std::string{name};
  host.port = *number;
  return host;
}

}  // namespace

Host parse_host(std::string_view text) {
  const auto scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) return parse_tcp(fmt::format("tcp://{}", text), text);
  const auto scheme = text.substr(0, scheme_end);
  const auto rest = text.substr(scheme_end + 3);
  if (scheme == "unix" && !rest.empty()) return {.path = std::string{rest}, .text = std::string{text}};
  if (scheme == "tcp" || scheme == "http") return parse_tcp(text, rest);
  throw Error{Kind::invalid, "invalid bind address format: {}", text};
}

UniqueFd connect(const Host& host) {
  return host.transport == Host::Transport::unix_socket ? connect_unix(host) : connect_tcp(host);
}

}  // namespace berth::client

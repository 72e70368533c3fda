#include "api/listen.hpp"

#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <thread>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/strings.hpp"

namespace berth::api {
namespace {

constexpr int first_inherited = 3;

UniqueFd make_socket(int family) {
  UniqueFd socket{::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (!socket) throw Error::from_errno(errno, "create socket");
  return socket;
}

std::optional<gid_t> find_api_group() {
  for (const char* name : {"docker", "berth"}) {
    std::vector<char> buffer(16'384);
    group entry{};
    group* found = nullptr;
    if (::getgrnam_r(name, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) return entry.gr_gid;
  }
  return std::nullopt;
}

sockaddr_un unix_address(const fs::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (!path.is_absolute() || path.native().size() >= sizeof address.sun_path) {
    throw Error{Kind::invalid, "socket path {} must be absolute and shorter than {} bytes", quote(path.native()),
                sizeof address.sun_path};
  }
  std::memcpy(address.sun_path, path.c_str(), path.native().size());
  return address;
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

/// Removes a socket that a daemon left behind; throws if one still answers there, or if it is no socket at all.
void remove_stale_socket(const fs::path& path, const sockaddr_un& address) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) < 0) return;
  if (!S_ISSOCK(status.st_mode)) throw Error{Kind::conflict, "{} exists and is not a socket", quote(path.native())};
  // A daemon that was killed may leave a child between fork and exec, which keeps its socket for a moment.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{1};
  while (true) {
    const auto probe = make_socket(AF_UNIX);
    if (::connect(probe.get(), generic(address), sizeof address) != 0 && errno == ECONNREFUSED) break;
    if (std::chrono::steady_clock::now() > deadline) {
      throw Error{Kind::conflict, "another daemon listens on {}", quote(path.native())};
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
  ::unlink(path.c_str());
}

Listener listen_unix(const fs::path& path) {
  const auto address = unix_address(path);
  make_directories(path.parent_path());
  remove_stale_socket(path, address);
  Listener listener{.socket = make_socket(AF_UNIX)};
  ::fchmod(listener.socket.get(), 0660);  // before bind: the name must never be open to others
  if (::bind(listener.socket.get(), generic(address), sizeof address) < 0) {
    throw Error::from_errno(errno, "listen on {}", quote(path.native()));
  }
  listener.path = path;
  if (const auto group = find_api_group(); group && ::lchown(path.c_str(), 0, *group) < 0) {
    log::warn("cannot give the socket to its group, going on without it", {{"path", path.native()}});
  }
  ::chmod(path.c_str(), 0660);
  if (::listen(listener.socket.get(), SOMAXCONN) < 0)
    throw Error::from_errno(errno, "listen on {}", quote(path.native()));
  return listener;
}

std::vector<Listener> listen_tcp(std::string_view address) {
  const auto colon = address.rfind(':');
  if (colon == std::string_view::npos) throw Error{Kind::invalid, "tcp://{} has no port", address};
  std::string host{address.substr(0, colon)};
  const std::string port{address.substr(colon + 1)};
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int code = ::getaddrinfo(host.empty() ? nullptr : host.c_str(), port.c_str(), &hints, &found); code != 0) {
    throw Error{Kind::invalid, "cannot resolve tcp://{}: {}", address, ::gai_strerror(code)};
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> all{found, ::freeaddrinfo};
  std::vector<Listener> listeners;
  for (const auto* one = found; one != nullptr; one = one->ai_next) {
    Listener listener{.socket = make_socket(one->ai_family), .tcp = true};
    const int on = 1;
    ::setsockopt(listener.socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (one->ai_family == AF_INET6) ::setsockopt(listener.socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (::bind(listener.socket.get(), one->ai_addr, one->ai_addrlen) < 0 ||
        ::listen(listener.socket.get(), SOMAXCONN) < 0) {
      throw Error::from_errno(errno, "listen on tcp://{}", address);
    }
    listeners.push_back(std::move(listener));
  }
  log::warn("API is reachable over TCP without authentication: whoever connects is root here", {{"address", address}});
  return listeners;
}

Listener inherited(int fd) {
  int domain = 0;
  socklen_t size = sizeof domain;
  if (::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0) {
    throw Error::from_errno(errno, "descriptor {} is not a socket", fd).as(Kind::invalid);
  }
  set_cloexec(FdRef{fd}, true);
  return {.socket = UniqueFd{fd}, .tcp = domain != AF_UNIX};
}

std::vector<Listener> listen_inherited(std::string_view number) {
  std::vector<Listener> listeners;
  if (!number.empty()) {
    const auto fd = parse_number<int>(number);
    if (!fd) throw Error{Kind::invalid, "fd://{} names no descriptor", number};
    listeners.push_back(inherited(*fd));
    return listeners;
  }
  const char* pid = std::getenv("LISTEN_PID");
  const char* count = std::getenv("LISTEN_FDS");
  const auto sockets = count == nullptr ? std::nullopt : parse_number<int>(count);
  if (!sockets || *sockets < 1 || (pid != nullptr && parse_number<int>(pid) != ::getpid())) {
    throw Error{Kind::invalid, "fd:// without sockets handed over by systemd (LISTEN_FDS)"};
  }
  for (int fd = first_inherited; fd < first_inherited + *sockets; ++fd) listeners.push_back(inherited(fd));
  return listeners;
}

}  // namespace

std::vector<Listener> listen_on(std::string_view address) {
  const auto separator = address.find("://");
  const auto scheme = address.substr(0, separator);
  const auto rest = separator == std::string_view::npos ? std::string_view{} : address.substr(separator + 3);
  if (scheme == "tcp") return listen_tcp(rest);
  if (scheme == "fd") return listen_inherited(rest);
  if (scheme != "unix" || rest.empty()) {
    throw Error{Kind::invalid, "invalid host {}: use unix:///path, tcp://host:port or fd://", quote(address)};
  }
  std::vector<Listener> listeners;
  listeners.push_back(listen_unix(fs::path{rest}));
  return listeners;
}

}  // namespace berth::api

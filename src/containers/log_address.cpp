#include "containers/log_address.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/strings.hpp"

namespace berth::containers {
namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

[[noreturn]] void refuse(const std::string& url, const std::string& reason) {
  throw Error{Kind::invalid, "parse {}: {}", quote(url), reason};
}

/// What stands before the first colon, if it looks like a scheme.
std::string scheme_of(const std::string& url) {
  for (std::size_t i = 0; i < url.size(); ++i) {
    const char c = url[i];
    if (c == ':') {
      if (i == 0) refuse(url, "missing protocol scheme");
      return to_lower(url.substr(0, i));
    }
    const bool fits = is_letter(c) || (i > 0 && (is_digit(c) || c == '+' || c == '-' || c == '.'));
    if (!fits) break;
  }
  return {};
}

void split_authority(ReceiverUrl& url, std::string_view authority, const std::string& text) {
  authority = authority.substr(authority.rfind('@') + 1);  // npos + 1 is 0
  std::string_view port;
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    if (end == std::string_view::npos) refuse(text, "missing ']' in host");
    url.host = authority.substr(1, end - 1);
    port = authority.substr(end + 1);
  } else {
    const auto colon = std::min(authority.rfind(':'), authority.size());
    url.host = authority.substr(0, colon);
    port = authority.substr(colon);
  }
  if (port.empty()) return;
  if (port.front() != ':' || !std::all_of(port.begin() + 1, port.end(), is_digit)) {
    refuse(text, fmt::format("invalid port {} after host", quote(port)));
  }
  url.port = port.substr(1);
}

/// The candidates for "host:port".
std::vector<shim::LogAddress> resolve(const shim::LogAddress& address) {
  const auto colon = address.address.rfind(':');
  auto host = address.address.substr(0, colon);
  const auto port = address.address.substr(colon + 1);
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  if (host.empty()) host = "localhost";
  addrinfo hints{};
  hints.ai_socktype = address.transport == "udp" ? SOCK_DGRAM : SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0) {
    throw Error{Kind::internal, "dial {}: lookup {}: no such host", address.transport, host};
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> all{found, ::freeaddrinfo};
  std::vector<shim::LogAddress> addresses;
  for (const auto* one = found; one != nullptr; one = one->ai_next) {
    std::array<char, NI_MAXHOST> number{};
    if (::getnameinfo(one->ai_addr, one->ai_addrlen, number.data(), number.size(), nullptr, 0, NI_NUMERICHOST) != 0) {
      continue;
    }
    const auto* form = one->ai_family == AF_INET6 ? "[{}]:{}" : "{}:{}";
    addresses.push_back({address.transport, fmt::format(fmt::runtime(form), number.data(), port)});
  }
  return addresses;
}

bool is_path(const shim::LogAddress& address) {
  return address.transport == "unix" || address.transport == "unixgram";
}

}  // namespace

ReceiverUrl parse_receiver_url(const std::string& text) {
  ReceiverUrl url;
  url.scheme = scheme_of(text);
  std::string_view rest = text;
  if (!url.scheme.empty()) rest.remove_prefix(url.scheme.size() + 1);
  rest = rest.substr(0, rest.find_first_of("?#"));
  if (rest.starts_with("//")) {
    rest.remove_prefix(2);
    const auto slash = std::min(rest.find('/'), rest.size());
    split_authority(url, rest.substr(0, slash), text);
    rest.remove_prefix(slash);
  } else if (url.scheme.empty() && rest.substr(0, rest.find('/')).contains(':')) {
    refuse(text, "first path segment in URL cannot contain colon");
  }
  url.path = percent_decode(std::string{rest}, false);
  return url;
}

std::string host_and_port(const ReceiverUrl& url, int default_port) {
  const auto port = url.port.empty() ? std::optional{static_cast<std::uint16_t>(default_port)}
                                     : parse_number<std::uint16_t>(url.port);
  if (!port) throw Error{Kind::invalid, "invalid port: {}: value out of range", quote(url.port)};
  return url.host.contains(':') ? fmt::format("[{}]:{}", url.host, *port) : fmt::format("{}:{}", url.host, *port);
}

void check_receiver(const shim::LogSettings& settings) {
  // Only syslog's: fluentd may be asked to wait for one, and several are the usual places, of which one is enough.
  const auto& addresses = settings.receiver.addresses;
  if (settings.driver != "syslog" || addresses.size() != 1 || !is_path(addresses.front())) return;
  struct stat status {};
  if (::stat(addresses.front().address.c_str(), &status) < 0) {
    throw Error{Kind::invalid, "stat {}: {}", addresses.front().address, errno_text(errno)};
  }
}

void resolve_receiver(shim::LogSettings& settings) {
  auto& receiver = settings.receiver;
  if (settings.driver == "journald" && !fs::exists(journald_socket)) {
    throw Error{Kind::internal, "journald is not enabled on this host"};
  }
  std::vector<shim::LogAddress> resolved;
  for (const auto& address : receiver.addresses) {
    if (is_path(address)) {
      resolved.push_back(address);
    } else {
      std::ranges::move(resolve(address), std::back_inserter(resolved));
    }
  }
  if (settings.driver == "syslog" && resolved.size() > 1 && is_path(resolved.front())) {
    std::erase_if(resolved, [](const auto& address) { return !fs::is_socket(address.address); });
    if (resolved.empty()) throw Error{Kind::internal, "Unix syslog delivery error"};
  }
  receiver.addresses = std::move(resolved);
}

}  // namespace berth::containers

#include "containers/health_target.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/ip.hpp"
#include "base/strings.hpp"

namespace berth::containers {
namespace {

constexpr std::string_view scheme = "http://";
constexpr std::uint16_t http_port = 80;

std::optional<std::uint16_t> parse_port(std::string_view text) {
  const auto port = parse_number<std::uint16_t>(text);
  return port == 0 ? std::nullopt : port;
}

/// The addresses of "localhost", "127.0.0.1" or "[::1]"; none if this is a name.
std::vector<std::string> addresses_of(const std::string& host) {
  if (host == "localhost") return {"127.0.0.1", "::1"};
  const auto is_numeric = [](const std::string& text, bool v6) {
    const auto address = find_ip(text);
    return address && address->is_v6() == v6;
  };
  if (is_numeric(host, false)) return {host};
  if (!host.starts_with('[') || !host.ends_with(']')) return {};
  const auto bare = host.substr(1, host.size() - 2);
  return is_numeric(bare, true) ? std::vector{bare} : std::vector<std::string>{};
}

/// Blanks and control characters would end the request's line.
bool is_plain(std::string_view url) {
  return std::ranges::all_of(url, [](char c) { return static_cast<unsigned char>(c) > ' ' && c != '\x7f'; });
}

}  // namespace

shim::NetworkProbe parse_http_probe(const std::string& url) {
  const auto refuse = [&](std::string_view why) {
    throw Error{Kind::invalid, "invalid URL {} of the health check: {}", quote(url), why};
  };
  if (url.starts_with("https://")) refuse("https is not supported; use http, or a command");
  if (!url.starts_with(scheme) || !is_plain(url)) refuse("it must look like http://localhost:8080/path");
  auto rest = std::string_view{url}.substr(scheme.size());
  rest = rest.substr(0, rest.find('#'));
  const auto path_start = std::min(rest.find_first_of("/?"), rest.size());
  const std::string authority{rest.substr(0, path_start)};
  std::string path{rest.substr(path_start)};
  if (!path.starts_with('/')) path.insert(0, "/");

  const auto bracket = authority.rfind(']');
  const auto colon = authority.find(':', bracket == std::string::npos ? 0 : bracket);
  shim::NetworkProbe probe;
  probe.addresses = addresses_of(authority.substr(0, colon));
  if (probe.addresses.empty()) {
    refuse("its host must be localhost or a numeric address; names are not looked up inside the container");
  }
  const auto port = colon == std::string::npos ? http_port : parse_port(authority.substr(colon + 1));
  if (!port) refuse("its port must be a number between 1 and 65535");
  probe.port = *port;
  probe.request =
      fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: berth-health\r\nAccept: */*\r\nConnection: close\r\n\r\n",
                  path, authority);
  return probe;
}

shim::NetworkProbe parse_tcp_probe(const std::string& port) {
  const auto number = parse_port(port);
  if (!number) {
    throw Error{Kind::invalid, "invalid port {} of the health check: it must be between 1 and 65535", quote(port)};
  }
  shim::NetworkProbe probe;
  probe.addresses = addresses_of("localhost");
  probe.port = *number;
  return probe;
}

}  // namespace berth::containers

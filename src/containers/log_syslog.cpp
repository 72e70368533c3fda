// The log driver syslog.
#include <array>

#include "base/error.hpp"
#include "base/strings.hpp"
#include "containers/log_address.hpp"
#include "containers/log_drivers.hpp"

namespace berth::containers {
namespace {

constexpr int default_port = 514;

/// In the order of their numbers.
constexpr std::array facilities = {"kern", "user", "mail", "daemon", "auth",     "syslog",
                                   "lpr",  "news", "uucp", "cron",   "authpriv", "ftp"};
constexpr int first_local_facility = 16;  // local0; what is between has no name

int parse_facility(const std::string& text) {
  for (std::size_t i = 0; i < facilities.size(); ++i) {
    if (text == facilities[i]) return static_cast<int>(i);
  }
  if (text.size() == 6 && text.starts_with("local") && text[5] >= '0' && text[5] <= '7') {
    return first_local_facility + (text[5] - '0');
  }
  const auto number = parse_number<int>(text);
  if (!number || *number < 0 || *number > 23) throw Error{Kind::invalid, "invalid syslog facility"};
  return *number;
}

/// Where syslogs of Unix systems listen, in Docker's order.
std::vector<shim::LogAddress> local_addresses() {
  std::vector<shim::LogAddress> addresses;
  for (const auto* transport : {"unixgram", "unix"}) {
    for (const auto* path : {"/dev/log", "/var/run/syslog", "/var/run/log"}) addresses.push_back({transport, path});
  }
  return addresses;
}

std::vector<shim::LogAddress> addresses_of(const std::string& text) {
  const auto url = parse_receiver_url(text);
  if (url.scheme == "unix" || url.scheme == "unixgram") return {{url.scheme, url.path}};
  if (url.scheme == "tcp+tls") {
    throw Error{Kind::unsupported, "syslog over TLS is not there yet: udp, tcp, unix and unixgram are"};
  }
  if (url.scheme != "udp" && url.scheme != "tcp") {
    throw Error{Kind::invalid, "unsupported scheme: '{}'", url.scheme};
  }
  return {{url.scheme, host_and_port(url, default_port)}};
}

}  // namespace

void configure_syslog(shim::LogSettings& settings, const LogSubject& subject, const LogOptions& options) {
  for (const auto& [name, value] : options) {
    if (name.starts_with("syslog-tls-")) {
      throw Error{Kind::unsupported, "log opt {} is not there yet: syslog is spoken without TLS", quote(name)};
    }
  }
  auto& receiver = settings.receiver;
  const auto address = find_option(options, "syslog-address");
  receiver.addresses = address ? addresses_of(*address) : local_addresses();
  if (const auto facility = find_option(options, "syslog-facility")) receiver.facility = parse_facility(*facility);
  receiver.format = find_option(options, "syslog-format").value_or("");
  static constexpr std::array<std::string_view, 4> formats = {"", "rfc3164", "rfc5424", "rfc5424micro"};
  if (std::ranges::find(formats, receiver.format) == formats.end()) {
    throw Error{Kind::invalid, "Invalid syslog format"};
  }
  receiver.tag = log_tag(subject, options, default_log_tag);
  receiver.hostname = host_name();
}

}  // namespace berth::containers

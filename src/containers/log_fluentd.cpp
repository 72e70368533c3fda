// The log driver fluentd.
#include <chrono>
#include <limits>

#include "base/error.hpp"
#include "base/size.hpp"
#include "base/strings.hpp"
#include "base/time.hpp"
#include "containers/log_address.hpp"
#include "containers/log_drivers.hpp"

namespace berth::containers {
namespace {

using std::chrono::milliseconds;

constexpr const char* default_host = "127.0.0.1";
constexpr int default_port = 24224;

shim::LogAddress address_of(const std::string& text) {
  auto url = parse_receiver_url(text.contains("://") ? text : "tcp://" + text);
  if (url.scheme == "unix") {
    if (url.path.find_first_not_of('/') == std::string::npos) throw Error{Kind::invalid, "path is empty"};
    return {url.scheme, url.path};
  }
  if (url.scheme != "tcp" && url.scheme != "tls") throw Error{Kind::invalid, "unsupported scheme: '{}'", url.scheme};
  if (!url.path.empty()) throw Error{Kind::invalid, "should not contain a path element"};
  if (url.scheme == "tls") {
    throw Error{Kind::unsupported, "fluentd over TLS is not there yet: tcp and unix are"};
  }
  if (url.host.empty()) url.host = default_host;
  return {url.scheme, host_and_port(url, default_port)};
}

/// Go's time.ParseDuration.
milliseconds parse_go_duration(const std::string& text) {
  if (const auto duration = parse_duration(text)) return std::chrono::duration_cast<milliseconds>(*duration);
  const bool number = text.find_first_not_of("+-.0123456789") == std::string::npos;
  throw Error{Kind::invalid, "time: {} duration {}", number ? "missing unit in" : "invalid", quote(text)};
}

milliseconds parse_write_timeout(const std::string& text) {
  try {
    const auto timeout = parse_go_duration(text);
    if (timeout < milliseconds{0}) throw Error{Kind::invalid, "value ({}) must not be negative", quote(text)};
    return timeout;
  } catch (Error& error) {
    throw error.in("invalid value for fluentd-write-timeout");
  }
}

std::int64_t parse_max_retries(const std::string& text) {
  const auto number = parse_number<std::uint32_t>(text);
  if (!number) throw Error{Kind::invalid, "strconv.ParseUint: parsing {}: invalid syntax", quote(text)};
  if (*number > std::numeric_limits<std::int32_t>::max()) {
    throw Error{Kind::invalid, "invalid fluentd-max-retries: value out of range"};
  }
  return *number;
}

}  // namespace

void configure_fluentd(shim::LogSettings& settings, const LogSubject& subject, const LogOptions& options) {
  auto& receiver = settings.receiver;
  const auto address = find_option(options, "fluentd-address").value_or("");
  try {
    receiver.addresses = {address_of(address)};
  } catch (Error& error) {
    throw error.in("invalid fluentd-address ({})", address);
  }
  if (const auto limit = find_option(options, "fluentd-buffer-limit")) receiver.buffer_limit = parse_size(*limit);
  if (const auto wait = find_option(options, "fluentd-retry-wait")) {
    receiver.retry_wait_ms = parse_go_duration(*wait).count();
  }
  if (const auto retries = find_option(options, "fluentd-max-retries")) {
    receiver.max_retries = parse_max_retries(*retries);
  }
  if (find_option(options, "fluentd-async") && find_option(options, "fluentd-async-connect")) {
    throw Error{Kind::invalid, "conflicting options: cannot specify both 'fluentd-async' and 'fluentd-async-connect"};
  }
  receiver.async = flag_option(options, "fluentd-async") || flag_option(options, "fluentd-async-connect");
  if (find_option(options, "fluentd-async-reconnect-interval")) {
    throw Error{Kind::unsupported,
                "log opt {} is not there yet: fluentd's name is looked up once, at the container's start",
                quote("fluentd-async-reconnect-interval")};
  }
  receiver.sub_second = flag_option(options, "fluentd-sub-second-precision");
  receiver.request_ack = flag_option(options, "fluentd-request-ack");
  if (const auto timeout = find_option(options, "fluentd-write-timeout")) {
    receiver.write_timeout_ms = parse_write_timeout(*timeout).count();
  }
  receiver.tag = log_tag(subject, options, default_log_tag);
  receiver.fields = {{"container_id", subject.id}, {"container_name", "/" + subject.name}};
  for (auto& [name, value] : log_attributes(subject, options)) receiver.fields[name] = value;
}

}  // namespace berth::containers

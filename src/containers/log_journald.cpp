// The log driver journald: messages to the host's systemd-journald.
#include "base/strings.hpp"
#include "containers/log_address.hpp"
#include "containers/log_drivers.hpp"

namespace berth::containers {
namespace {

/// Names of fields have capital letters, digits and underscores, and none of these at the front.
std::string field_name(const std::string& name) {
  std::string field;
  for (const char c : to_upper(name)) {
    const bool plain = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (plain || !field.empty()) field += plain ? c : '_';
  }
  return field;
}

}  // namespace

void configure_journald(shim::LogSettings& settings, const LogSubject& subject, const LogOptions& options) {
  auto& receiver = settings.receiver;
  receiver.addresses = {{.transport = "unixgram", .address = journald_socket}};
  receiver.tag = log_tag(subject, options, default_log_tag);
  receiver.fields = {{"CONTAINER_ID", subject.id.substr(0, 12)}, {"CONTAINER_ID_FULL", subject.id},
                     {"CONTAINER_NAME", subject.name},           {"CONTAINER_TAG", receiver.tag},
                     {"IMAGE_NAME", subject.config.Image},       {"SYSLOG_IDENTIFIER", receiver.tag}};
  for (auto& [name, value] : log_attributes(subject, options, field_name)) receiver.fields[name] = value;
}

}  // namespace berth::containers

// Devices: what --device and --privileged put into the container, and what the devices cgroup lets it use.
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/error.hpp"
#include "base/strings.hpp"
#include "containers/spec_parts.hpp"

namespace berth::containers {
namespace {

using oci::runtime::Device;
using oci::runtime::DeviceRule;

/// Nothing if it is not a device.
std::optional<Device> find_device(const fs::path& path, const std::string& target) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return std::nullopt;
  if (!S_ISCHR(status.st_mode) && !S_ISBLK(status.st_mode)) return std::nullopt;
  return Device{.path = target,
                .type = S_ISCHR(status.st_mode) ? "c" : "b",
                .major = major(status.st_rdev),
                .minor = minor(status.st_rdev),
                .fileMode = status.st_mode & 07777U,
                .uid = status.st_uid,
                .gid = status.st_gid};
}

/// All devices below a directory of the host, under `target` in the container.
void add_directory(std::vector<Device>& devices, const fs::path& directory, const fs::path& target) {
  // Containers have their own of these.
  static constexpr std::array own = {"pts", "ptmx", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev", "console"};
  std::error_code gone;
  for (const auto& entry : fs::directory_iterator{directory, gone}) {
    const auto name = entry.path().filename();
    if (std::ranges::find(own, name) != own.end()) continue;
    if (entry.is_symlink(gone)) continue;
    if (entry.is_directory(gone)) {
      add_directory(devices, entry.path(), target / name);
    } else if (auto device = find_device(entry.path(), target / name)) {
      devices.push_back(std::move(*device));
    }
  }
}

void add_mapping(std::vector<Device>& devices, const DeviceMapping& mapping) {
  const auto& target = mapping.PathInContainer.empty() ? mapping.PathOnHost : mapping.PathInContainer;
  std::error_code error;
  const auto path = fs::canonical(mapping.PathOnHost, error);  // links such as /dev/disk/by-id/...
  auto device = error ? std::nullopt : find_device(path, target);
  if (device) {
    devices.push_back(std::move(*device));
    return;
  }
  const auto before = devices.size();
  if (!error && fs::is_directory(path, error)) add_directory(devices, path, target);
  if (devices.size() == before) {
    throw Error{Kind::invalid, "error gathering device information while adding custom device {}: {}",
                quote(mapping.PathOnHost), error ? errno_text(error.value()) : std::string{"not a device node"}};
  }
}

DeviceRule allow(const char* type, std::int64_t major_number, std::int64_t minor_number, const std::string& access) {
  return {.allow = true, .type = std::string{type}, .major = major_number, .minor = minor_number, .access = access};
}

std::optional<std::optional<std::int64_t>> parse_device_number(const std::string& text) {
  if (text == "*") return std::optional<std::int64_t>{};
  const auto number = parse_number<std::int64_t>(text);
  if (!number || *number < 0) return std::nullopt;
  return number;
}

/// The rule that --device asks for: its own access, of all devices that the mapping names.
std::string access_of(const HostConfig& host_config, const Device& device) {
  for (const auto& mapping : host_config.Devices.value_or(std::vector<DeviceMapping>{})) {
    const auto& target = mapping.PathInContainer.empty() ? mapping.PathOnHost : mapping.PathInContainer;
    const bool named = device.path == target || device.path.starts_with(target + "/");
    if (named) return mapping.CgroupPermissions.empty() ? "rwm" : mapping.CgroupPermissions;
  }
  return "rwm";
}

}  // namespace

DeviceRule parse_device_rule(const std::string& text) {
  const Error malformed{Kind::invalid, "invalid device cgroup rule format: '{}'", text};
  const auto words = split(text, ' ');
  if (words.size() != 3 || words[0].size() != 1 || !std::string_view{"acb"}.contains(words[0][0])) throw malformed;
  const auto numbers = split(words[1], ':');
  if (numbers.size() != 2) throw malformed;
  const auto major_number = parse_device_number(numbers[0]);
  const auto minor_number = parse_device_number(numbers[1]);
  if (!major_number || !minor_number) throw malformed;
  if (words[2].empty() || words[2].size() > 3 || words[2].find_first_not_of("rwm") != std::string::npos)
    throw malformed;
  return {.allow = true, .type = words[0], .major = *major_number, .minor = *minor_number, .access = words[2]};
}

std::vector<Device> find_devices(const HostConfig& host_config) {
  std::vector<Device> devices;
  if (host_config.Privileged) add_directory(devices, "/dev", "/dev");
  for (const auto& mapping : host_config.Devices.value_or(std::vector<DeviceMapping>{})) add_mapping(devices, mapping);
  // A later one takes the place of an earlier one under the same name.
  std::vector<Device> unique;
  for (auto& device : devices) {
    std::erase_if(unique, [&](const Device& known) { return known.path == device.path; });
    unique.push_back(std::move(device));
  }
  return unique;
}

std::vector<DeviceRule> device_rules_of(const HostConfig& host_config, const std::vector<Device>& devices) {
  if (host_config.Privileged) return {{.allow = true, .access = std::string{"rwm"}}};
  // Docker's list. The runtime adds what every container needs to work: terminals, and making nodes that cannot be
  // opened.
  std::vector<DeviceRule> rules{
      {.allow = false, .access = std::string{"rwm"}},
      allow("c", 1, 5, "rwm"),  // zero
      allow("c", 1, 3, "rwm"),  // null
      allow("c", 1, 9, "rwm"),  // urandom
      allow("c", 1, 8, "rwm"),  // random
      allow("c", 5, 0, "rwm"),  // tty
      allow("c", 5, 1, "rwm"),  // console
  };
  for (const auto& device : devices) {
    rules.push_back(allow(device.type.c_str(), device.major, device.minor, access_of(host_config, device)));
  }
  for (const auto& rule : host_config.DeviceCgroupRules.value_or(std::vector<std::string>{})) {
    rules.push_back(parse_device_rule(rule));
  }
  return rules;
}

}  // namespace berth::containers

// Values of single flags of `run` and `create`, as the Engine API wants them.
#include <cmath>
#include <cstdlib>

#include "base/file.hpp"
#include "base/size.hpp"
#include "base/strings.hpp"
#include "cli/container_flags.hpp"
#include "cli/flag_values.hpp"
#include "cli/units.hpp"

namespace berth::cli {
namespace {

bool bool_of(const std::string& key, const std::string& text) {
  if (text == "1" || text == "true" || text == "True" || text == "TRUE" || text == "t" || text == "T") return true;
  if (text == "0" || text == "false" || text == "False" || text == "FALSE" || text == "f" || text == "F") return false;
  throw Error{Kind::invalid, "invalid value for {}: {}", key, text};
}

json::Object& member(json::Object& object, std::string_view name) {
  auto& value = object[name];
  if (!value.is_object()) value.emplace_object();
  return value.get_object();
}

void set_pair(json::Object& object, const std::string& text) {
  const auto pair = split_once(text, '=');
  const auto key = pair ? pair->first : std::string_view{text};
  if (!key.empty()) object[key] = pair ? pair->second : std::string_view{};
}

void set_mount_option(json::Object& mount, const std::string& key, const std::string& value) {
  if (key == "bind-propagation") {
    member(mount, "BindOptions")["Propagation"] = to_lower(value);
  } else if (key == "bind-nonrecursive") {
    member(mount, "BindOptions")["NonRecursive"] = bool_of(key, value);
  } else if (key == "bind-create-src") {
    member(mount, "BindOptions")["CreateMountpoint"] = bool_of(key, value);
  } else if (key == "bind-recursive") {
    auto& options = member(mount, "BindOptions");
    if (value == "disabled") options["NonRecursive"] = true;
    if (value == "writable") options["ReadOnlyNonRecursive"] = true;
    if (value == "readonly") options["ReadOnlyForceRecursive"] = true;
  } else if (key == "volume-subpath") {
    member(mount, "VolumeOptions")["Subpath"] = value;
  } else if (key == "volume-nocopy") {
    member(mount, "VolumeOptions")["NoCopy"] = bool_of(key, value);
  } else if (key == "volume-label") {
    set_pair(member(member(mount, "VolumeOptions"), "Labels"), value);
  } else if (key == "volume-driver") {
    member(member(mount, "VolumeOptions"), "DriverConfig")["Name"] = value;
  } else if (key == "volume-opt") {
    set_pair(member(member(member(mount, "VolumeOptions"), "DriverConfig"), "Options"), value);
  } else if (key == "tmpfs-size") {
    try {
      member(mount, "TmpfsOptions")["SizeBytes"] = parse_size(value);
    } catch (const Error&) {
      throw Error{Kind::invalid, "invalid value for {}: {}", key, value};
    }
  } else if (key == "tmpfs-mode") {
    const auto mode = parse_number<std::uint32_t>(value, 8);
    if (!mode) throw Error{Kind::invalid, "invalid value for {}: {}", key, value};
    member(mount, "TmpfsOptions")["Mode"] = *mode;
  } else {
    throw Error{Kind::invalid, "unexpected key '{}' in '{}={}'", key, key, value};
  }
}

void set_mount_field(json::Object& mount, const std::string& key, const std::string& value) {
  if (key == "type") {
    mount["Type"] = to_lower(value);
  } else if (key == "source" || key == "src") {
    const bool relative = value == "." || value.starts_with("./") || value.starts_with("../");
    mount["Source"] = relative ? fs::weakly_canonical(fs::absolute(value)).string() : value;
  } else if (key == "target" || key == "dst" || key == "destination") {
    mount["Target"] = value;
  } else if (key == "readonly" || key == "ro") {
    mount["ReadOnly"] = bool_of(key, value);
  } else if (key == "consistency") {
    mount["Consistency"] = to_lower(value);
  } else {
    set_mount_option(mount, key, value);
  }
}

void check_mount(const json::Object& mount) {
  const std::string type{mount.at("Type").as_string()};
  if (type.empty()) throw Error{Kind::invalid, "type is required"};
  if (!mount.contains("Target") || mount.at("Target").as_string().empty())
    throw Error{Kind::invalid, "target is required"};
  const auto only_for = [&](std::string_view options, std::string_view prefix, std::string_view wanted) {
    if (mount.contains(options) && type != wanted) {
      throw Error{Kind::invalid, "cannot mix '{}-*' options with mount type '{}'", prefix, type};
    }
  };
  only_for("VolumeOptions", "volume", "volume");
  only_for("BindOptions", "bind", "bind");
  only_for("TmpfsOptions", "tmpfs", "tmpfs");
}

std::vector<std::string> lines_of(const std::string& path) {
  std::optional<std::string> content;
  try {
    content = find_file(path);
  } catch (const Error& error) {
    throw Error{Kind::invalid, "invalid env file ({}): read {}: {}", path, path, errno_text(error.errno_value())};
  }
  if (!content) throw Error{Kind::invalid, "open {}: no such file or directory", path};
  std::vector<std::string> lines;
  for (auto& line : split(*content, '\n')) {
    if (line.ends_with('\r')) line.pop_back();
    const auto start = line.find_first_not_of(" \t");
    if (start == std::string::npos || line[start] == '#') continue;
    lines.push_back(line.substr(start));
  }
  return lines;
}

}  // namespace

json::Object parse_mount(const std::string& text) {
  json::Object mount{{"Type", "volume"}};
  for (const auto& field : split_csv(text)) {
    const auto pair = split_once(field, '=');
    if (pair) {
      set_mount_field(mount, std::string{pair->first}, std::string{pair->second});
    } else if (field == "readonly" || field == "ro") {
      mount["ReadOnly"] = true;
    } else if (field == "volume-nocopy" || field == "bind-nonrecursive" || field == "bind-create-src") {
      set_mount_option(mount, field, "true");
    } else {
      throw Error{Kind::invalid, "invalid field '{}' must be a key=value pair", field};
    }
  }
  check_mount(mount);
  return mount;
}

json::Object parse_ulimit(const std::string& text) {
  constexpr std::string_view names[] = {"core",   "cpu",   "data", "fsize",  "locks",  "memlock",    "msgqueue", "nice",
                                        "nofile", "nproc", "rss",  "rtprio", "rttime", "sigpending", "stack"};
  const auto pair = split_once(text, '=');
  if (!pair) throw Error{Kind::invalid, "invalid ulimit argument: {}", text};
  bool known = false;
  for (const auto name : names) known = known || name == pair->first;
  if (!known) throw Error{Kind::invalid, "invalid ulimit type: {}", pair->first};
  const auto bounds = split_once(pair->second, ':');
  const auto soft = parse_number<std::int64_t>(bounds ? bounds->first : pair->second);
  const auto hard = bounds ? parse_number<std::int64_t>(bounds->second) : soft;
  if (!soft || !hard) throw Error{Kind::invalid, "strconv.ParseInt: parsing {}: invalid syntax", quote(pair->second)};
  if (*soft > *hard && *hard != -1) {
    throw Error{Kind::invalid, "ulimit soft limit must be less than or equal to hard limit: {} > {}", *soft, *hard};
  }
  return {{"Name", pair->first}, {"Hard", *hard}, {"Soft", *soft}};
}

json::Object parse_device(const std::string& text) {
  const auto parts = split(text, ':');
  const auto is_mode = [](const std::string& mode) {
    return !mode.empty() && mode.size() <= 3 && mode.find_first_not_of("rwm") == std::string::npos;
  };
  std::string inside = parts[0];
  std::string mode = "rwm";
  if (parts.size() > 3) throw Error{Kind::invalid, "invalid device specification: {}", text};
  if (parts.size() == 3) {
    inside = parts[1];
    mode = parts[2];
  } else if (parts.size() == 2) {
    (is_mode(parts[1]) ? mode : inside) = parts[1];
  }
  if (!is_mode(mode)) throw Error{Kind::invalid, "bad mode specified: {}", mode};
  if (!inside.starts_with('/')) throw Error{Kind::invalid, "{} is not an absolute path", inside};
  return {{"PathOnHost", parts[0]}, {"PathInContainer", inside}, {"CgroupPermissions", mode}};
}

std::string normalize_capability(const std::string& text) {
  auto name = to_upper(trim(text));
  return name == "ALL" || name.starts_with("CAP_") ? name : "CAP_" + name;
}

std::vector<std::string> read_environment(const std::vector<std::string>& files,
                                          const std::vector<std::string>& flags) {
  std::vector<std::string> environment;
  const auto add = [&](const std::string& entry, bool keep_unset) {
    const char* value = entry.contains('=') ? nullptr : std::getenv(entry.c_str());
    if (value != nullptr) {
      environment.push_back(entry + '=' + value);
    } else if (entry.contains('=') || keep_unset) {
      environment.push_back(entry);
    }
  };
  for (const auto& file : files) {
    for (const auto& line : lines_of(file)) {
      const auto name = std::string_view{line}.substr(0, line.find('='));
      if (name.empty()) throw Error{Kind::invalid, "no variable name on line '{}'", line};
      if (name.find_first_of(" \t") != std::string_view::npos) {
        throw Error{Kind::invalid, "variable '{}' contains whitespaces", name};
      }
      add(line, false);
    }
  }
  for (const auto& flag : flags) add(flag, true);
  return environment;
}

json::Object read_labels(const std::vector<std::string>& files, const std::vector<std::string>& flags) {
  json::Object labels;
  for (const auto& file : files) {
    for (const auto& line : lines_of(file)) set_pair(labels, line);
  }
  for (const auto& flag : flags) set_pair(labels, flag);
  return labels;
}

std::int64_t parse_cpus(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    throw Error{Kind::invalid, "failed to parse {} as a rational number", text};
  }
  const auto nanos = std::nearbyint(value * 1e9);
  if (std::fabs(nanos - value * 1e9) > 1e-3) throw Error{Kind::invalid, "value is too precise"};
  return static_cast<std::int64_t>(nanos);
}

}  // namespace berth::cli

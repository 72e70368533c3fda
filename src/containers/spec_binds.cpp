// The notations of mounts: -v source:target:options, --mount, --tmpfs.
#include <algorithm>
#include <array>
#include <filesystem>
#include <set>

#include "base/error.hpp"
#include "base/strings.hpp"
#include "containers/spec_parts.hpp"

namespace berth::containers {
namespace {

constexpr const char* no_volumes =
    "volumes are not there yet: {} names one; mount a directory of the host by its absolute path instead";

bool is_propagation(std::string_view word) {
  static constexpr std::array words = {"private", "rprivate", "slave", "rslave", "shared", "rshared"};
  return std::ranges::find(words, word) != words.end();
}

void check_target(const std::string& target) {
  if (target.empty()) throw Error{Kind::invalid, "field Target must not be empty"};
  if (!target.starts_with('/')) {
    throw Error{Kind::invalid, "invalid mount path: '{}' mount path must be absolute", target};
  }
  if (fs::path{target}.lexically_normal() == "/") {
    throw Error{Kind::invalid, "invalid specification: destination can't be '/'"};
  }
}

std::string clean(const std::string& path) {
  auto normal = fs::path{path}.lexically_normal().native();
  while (normal.size() > 1 && normal.ends_with('/')) normal.pop_back();
  return normal;
}

/// The third part of -v. Each kind of word at most once.
void apply_mode(Bind& bind, const std::string& mode) {
  int access = 0;
  int labels = 0;
  int propagations = 0;
  int copies = 0;
  int consistencies = 0;
  for (const auto& word : split(mode, ',')) {
    if (word == "rw" || word == "ro") {
      bind.read_only = word == "ro";
      ++access;
    } else if (is_propagation(word)) {
      bind.propagation = word;
      ++propagations;
    } else if (word == "z" || word == "Z") {
      ++labels;  // relabels files for SELinux, where there is one
    } else if (word == "nocopy") {
      ++copies;  // concerns volumes only
    } else if (word == "cached" || word == "consistent" || word == "delegated") {
      ++consistencies;  // concerns other systems only
    } else {
      throw Error{Kind::invalid, "invalid mode: {}", mode};
    }
  }
  if (std::max({access, labels, propagations, copies, consistencies}) > 1) {
    throw Error{Kind::invalid, "invalid mode: {}", mode};
  }
}

bool is_mode(const std::string& text) {
  try {
    Bind ignored;
    apply_mode(ignored, text);
    return true;
  } catch (const Error&) {
    return false;
  }
}

Bind parse_bind(const std::string& text) {
  const auto parts = split(text, ':');
  if (parts.size() > 3 || std::ranges::any_of(parts, &std::string::empty) || (parts.size() == 2 && is_mode(parts[1]))) {
    throw Error{Kind::invalid, "invalid volume specification: '{}'", text};
  }
  if (parts.size() == 1 || !parts[0].starts_with('/')) throw Error{Kind::unsupported, no_volumes, quote(text)};
  Bind bind{.source = clean(parts[0]), .target = clean(parts[1]), .make_source = true};
  if (parts.size() == 3) apply_mode(bind, parts[2]);
  try {
    check_target(parts[1]);
  } catch (Error& error) {
    throw error.in("invalid volume specification: '{}'", text);
  }
  return bind;
}

Bind parse_bind_mount(const Mount& mount) {
  check_target(mount.Target);
  if (mount.Source.empty()) throw Error{Kind::invalid, "field Source must not be empty"};
  if (!mount.Source.starts_with('/')) {
    throw Error{Kind::invalid, "invalid mount path: '{}' mount path must be absolute", mount.Source};
  }
  if (mount.VolumeOptions) throw Error{Kind::invalid, "field VolumeOptions must not be specified"};
  if (mount.TmpfsOptions_) throw Error{Kind::invalid, "field TmpfsOptions must not be specified"};
  Bind bind{.source = clean(mount.Source), .target = clean(mount.Target), .read_only = mount.ReadOnly.value_or(false)};
  if (const auto& options = mount.BindOptions_) {
    if (!options->Propagation.empty()) {
      if (!is_propagation(options->Propagation)) {
        throw Error{Kind::invalid, "invalid propagation mode: {}",
                    static_cast<const std::string&>(options->Propagation)};
      }
      bind.propagation = options->Propagation;
    }
    bind.recursive = !options->NonRecursive.value_or(false);
    bind.recursive_read_only = !options->ReadOnlyNonRecursive.value_or(false);
    bind.make_source = options->CreateMountpoint.value_or(false);
  }
  return bind;
}

/// Docker's defaults, changed by the user's words: a later one takes the place of its opposite.
std::vector<std::string> tmpfs_options(const std::vector<std::string>& words) {
  static constexpr std::array<std::pair<const char*, const char*>, 6> opposites = {{{"noexec", "exec"},
                                                                                    {"nosuid", "suid"},
                                                                                    {"nodev", "dev"},
                                                                                    {"ro", "rw"},
                                                                                    {"noatime", "atime"},
                                                                                    {"async", "sync"}}};
  static constexpr std::array values = {"size", "nr_blocks", "nr_inodes", "mode", "uid", "gid", "mpol", "huge"};
  std::vector<std::string> options{"noexec", "nosuid", "nodev", "rprivate"};
  for (const auto& word : words) {
    const auto name = word.substr(0, word.find('='));
    const auto pair =
        std::ranges::find_if(opposites, [&](const auto& p) { return word == p.first || word == p.second; });
    const bool flag = pair != opposites.end() || is_propagation(word) || word == "relatime" || word == "strictatime" ||
                      word == "nodiratime" || word == "diratime" || word == "defaults";
    const bool value = word.contains('=') && std::ranges::find(values, name) != values.end();
    if (!flag && !value) throw Error{Kind::invalid, "invalid tmpfs option {}", quote(word)};
    std::erase_if(options, [&](const std::string& known) {
      if (pair != opposites.end()) return known == pair->first || known == pair->second;
      if (is_propagation(word)) return is_propagation(known);
      return value && known.starts_with(name + "=");
    });
    if (word != "defaults") options.push_back(word);
  }
  return options;
}

std::vector<std::string> tmpfs_mount_options(const Mount& mount) {
  check_target(mount.Target);
  if (!mount.Source.empty()) throw Error{Kind::invalid, "field Source must not be specified"};
  if (mount.BindOptions_) throw Error{Kind::invalid, "field BindOptions must not be specified"};
  if (mount.VolumeOptions) throw Error{Kind::invalid, "field VolumeOptions must not be specified"};
  std::vector<std::string> words;
  if (mount.ReadOnly.value_or(false)) words.emplace_back("ro");
  if (const auto& options = mount.TmpfsOptions_) {
    if (options->Mode.value_or(0) != 0) words.push_back(fmt::format("mode={:o}", *options->Mode));
    if (options->SizeBytes.value_or(0) != 0) words.push_back(fmt::format("size={}", *options->SizeBytes));
    for (const auto& option : options->Options) {
      if (option.empty() || option.size() > 2)
        throw Error{Kind::invalid, "invalid option: {}", quote(join(option, ","))};
      words.push_back(join(option, "="));
    }
  }
  return tmpfs_options(words);
}

/// A step of --mount, with Docker's words around what went wrong.
template <class Parse>
auto parse_mount(const Mount& mount, Parse&& parse) {
  try {
    return parse(mount);
  } catch (Error& error) {
    throw error.in("invalid mount config for type {}", quote(mount.Type));
  }
}

void check_type(const Mount& mount) {
  if (mount.Type == "bind" || mount.Type == "tmpfs") return;
  if (mount.Type == "volume") {
    throw Error{Kind::unsupported, no_volumes, mount.Source.empty() ? quote(mount.Target) : quote(mount.Source)};
  }
  if (mount.Type == "image") throw Error{Kind::unsupported, "mounts of type image are not there yet"};
  throw Error{Kind::invalid, "invalid mount config for type {}: mount type unknown", quote(mount.Type)};
}

void refuse_duplicate(std::set<std::string>& targets, const std::string& target) {
  if (!targets.insert(target).second) throw Error{Kind::invalid, "Duplicate mount point: {}", target};
}

}  // namespace

std::vector<Bind> binds_of(const HostConfig& host_config) {
  std::vector<Bind> binds;
  std::set<std::string> targets;
  for (const auto& text : host_config.Binds.value_or(std::vector<std::string>{})) binds.push_back(parse_bind(text));
  for (const auto& mount : host_config.Mounts) {
    check_type(mount);
    if (mount.Type == "bind") binds.push_back(parse_mount(mount, parse_bind_mount));
  }
  for (const auto& bind : binds) refuse_duplicate(targets, bind.target);
  return binds;
}

std::map<std::string, std::vector<std::string>> tmpfs_of(const HostConfig& host_config) {
  std::map<std::string, std::vector<std::string>> tmpfs;
  for (const auto& [target, options] : host_config.Tmpfs.value_or(std::map<std::string, std::string>{})) {
    check_target(target);
    tmpfs[clean(target)] = tmpfs_options(options.empty() ? std::vector<std::string>{} : split(options, ','));
  }
  for (const auto& mount : host_config.Mounts) {
    if (mount.Type != "tmpfs") continue;
    auto options = parse_mount(mount, tmpfs_mount_options);
    if (!tmpfs.emplace(clean(mount.Target), std::move(options)).second) {
      throw Error{Kind::invalid, "Duplicate mount point: {}", mount.Target};
    }
  }
  return tmpfs;
}

void make_bind_sources(const HostConfig& host_config) {
  for (const auto& bind : binds_of(host_config)) {
    std::error_code unreachable;
    if (!bind.make_source || fs::exists(fs::symlink_status(bind.source, unreachable))) continue;
    try {
      make_directories(bind.source);
    } catch (Error& error) {
      throw error.in("error while creating mount source path '{}'", bind.source);
    }
  }
}

}  // namespace berth::containers

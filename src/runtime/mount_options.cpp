#include "runtime/mount_options.hpp"

#include <algorithm>
#include <string_view>

#include "base/error.hpp"
#include "base/strings.hpp"

namespace berth::runtime {
namespace {

struct AttributeWord {
  std::string_view word;
  std::uint64_t set;
  std::uint64_t clear;
};

// With "r" in front each of them holds for the mounts below too ("rro").
constexpr AttributeWord attribute_words[] = {
    {"ro", MOUNT_ATTR_RDONLY, 0},
    {"rw", 0, MOUNT_ATTR_RDONLY},
    {"nosuid", MOUNT_ATTR_NOSUID, 0},
    {"suid", 0, MOUNT_ATTR_NOSUID},
    {"nodev", MOUNT_ATTR_NODEV, 0},
    {"dev", 0, MOUNT_ATTR_NODEV},
    {"noexec", MOUNT_ATTR_NOEXEC, 0},
    {"exec", 0, MOUNT_ATTR_NOEXEC},
    {"nodiratime", MOUNT_ATTR_NODIRATIME, 0},
    {"diratime", 0, MOUNT_ATTR_NODIRATIME},
    {"relatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
    {"norelatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
    {"noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME},
    {"atime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
    {"strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
    {"nostrictatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
    {"nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0},
    {"symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW},
};

struct PropagationWord {
  std::string_view word;
  std::uint64_t propagation;
};

constexpr PropagationWord propagation_words[] = {
    {"private", MS_PRIVATE}, {"slave", MS_SLAVE}, {"shared", MS_SHARED}, {"unbindable", MS_UNBINDABLE}};

/// Defaults spelled out, and flags that mean nothing to the new mount API.
constexpr std::string_view ignored_words[] = {"defaults", "async",      "loud",     "silent",    "nomand",
                                              "mand",     "noiversion", "iversion", "nolazytime"};

bool apply_attribute(std::string_view word, kernel::MountAttributes& attributes) {
  const auto* found = std::ranges::find(attribute_words, word, &AttributeWord::word);
  if (found == std::end(attribute_words)) return false;
  // The last word wins: "ro,rw" is read and write.
  attributes.set = (attributes.set & ~found->clear) | found->set;
  attributes.clear = (attributes.clear & ~found->set) | found->clear;
  return true;
}

bool apply_propagation(std::string_view word, MountOptions& options) {
  const bool recursive = word.starts_with('r');
  if (recursive) word.remove_prefix(1);
  const auto* found = std::ranges::find(propagation_words, word, &PropagationWord::word);
  if (found == std::end(propagation_words)) return false;
  options.propagation = found->propagation;
  options.recursive_propagation = recursive;
  return true;
}

void add_data(std::string_view word, MountOptions& options) {
  const auto pair = split_once(word, '=');
  options.data.emplace_back(pair ? pair->first : word, pair ? pair->second : std::string_view{});
}

}  // namespace

MountOptions parse_mount_options(std::span<const std::string> words) {
  MountOptions options;
  for (const std::string_view word : words) {
    if (word == "bind" || word == "rbind") {
      options.bind = true;
      options.recursive = word == "rbind";
    } else if (word == "remount") {
      options.remount = true;
    } else if (word == "tmpcopyup") {
      options.copy_up = true;
    } else if (word == "idmap" || word == "ridmap") {
      throw Error{Kind::unsupported, "mount option {} is not there yet", quote(word)};
    } else if (apply_attribute(word, options.attributes) || apply_propagation(word, options)) {
      continue;
    } else if (word.starts_with('r') && apply_attribute(word.substr(1), options.recursive_attributes)) {
      continue;
    } else if (!word.empty() && std::ranges::find(ignored_words, word) == std::end(ignored_words)) {
      add_data(word, options);
    }
  }
  return options;
}

MountOptions parse_propagation(const std::string& word) {
  MountOptions options;
  if (!word.empty() && !apply_propagation(word, options)) {
    throw Error{Kind::invalid, "unknown mount propagation {}", quote(word)};
  }
  return options;
}

std::vector<std::string> known_mount_options() {
  std::vector<std::string> words = {"bind", "rbind", "remount", "tmpcopyup"};
  for (const auto& attribute : attribute_words) {
    words.emplace_back(attribute.word);
    words.push_back("r" + std::string{attribute.word});
  }
  for (const auto& propagation : propagation_words) {
    words.emplace_back(propagation.word);
    words.push_back("r" + std::string{propagation.word});
  }
  words.insert(words.end(), std::begin(ignored_words), std::end(ignored_words));
  return words;
}

}  // namespace berth::runtime

#include "runtime/users.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/strings.hpp"

namespace berth::runtime {
namespace {

constexpr std::size_t max_account_file = 4U << 20U;
constexpr std::uint32_t max_id = 0x7FFFFFFF;

struct Passwd {
  std::string_view name;
  uid_t uid;
  gid_t gid;
  std::string_view home;
};

struct Group {
  std::string_view name;
  gid_t gid;
  std::string_view members;
};

/// The fields of "a:b:c"; those that are missing are empty.
template <std::size_t count>
std::array<std::string_view, count> fields_of(std::string_view line) {
  std::array<std::string_view, count> fields;
  for (auto& field : fields) {
    const auto colon = line.find(':');
    field = line.substr(0, colon);
    line = colon == std::string_view::npos ? std::string_view{} : line.substr(colon + 1);
  }
  return fields;
}

std::optional<std::uint32_t> parse_id(std::string_view text) {
  const auto id = parse_number<std::uint32_t>(text);
  return id && *id <= max_id ? id : std::nullopt;
}

/// Calls `visit` with each line until it returns true.
template <class Visit>
void for_each_line(std::string_view text, const Visit& visit) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = trim(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (!line.empty() && !line.starts_with('#') && visit(line)) return;
  }
}

template <class Matches>
std::optional<Passwd> find_passwd(std::string_view text, const Matches& matches) {
  std::optional<Passwd> found;
  for_each_line(text, [&](std::string_view line) {
    const auto field = fields_of<7>(line);
    const auto uid = parse_id(field[2]);
    const auto gid = parse_id(field[3]);
    if (!uid || !gid) return false;
    const Passwd entry{.name = field[0], .uid = *uid, .gid = *gid, .home = field[5]};
    if (matches(entry)) found = entry;
    return found.has_value();
  });
  return found;
}

template <class Visit>
void for_each_group(std::string_view text, const Visit& visit) {
  for_each_line(text, [&](std::string_view line) {
    const auto field = fields_of<4>(line);
    const auto gid = parse_id(field[2]);
    return gid && visit(Group{.name = field[0], .gid = *gid, .members = field[3]});
  });
}

bool is_member(const Group& group, std::string_view user) {
  for (const auto& member : split(group.members, ',')) {
    if (member == user) return true;
  }
  return false;
}

bool is_decimal(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// The number that a text stands for by itself: digits, or a negative number, which is out of range like a large one.
std::optional<std::uint32_t> parse_numeric(std::string_view text) {
  const bool negative = text.starts_with('-') && is_decimal(text.substr(1));
  if (!negative && !is_decimal(text)) return std::nullopt;
  if (const auto id = parse_id(text)) return id;
  throw Error{Kind::invalid, "uids and gids must be in range 0-{}", max_id};
}

std::optional<gid_t> find_group(std::string_view wanted, std::string_view group) {
  const auto number = parse_numeric(wanted);
  if (number) return number;
  std::optional<gid_t> found;
  for_each_group(group, [&](const Group& entry) {
    if (entry.name == wanted) found = entry.gid;
    return found.has_value();
  });
  return found;
}

}  // namespace

ResolvedUser resolve_user(std::string_view user, std::string_view passwd, std::string_view group) {
  const auto user_part = user.substr(0, user.find(':'));
  const auto group_part = user_part.size() == user.size() ? std::string_view{} : user.substr(user_part.size() + 1);
  const auto number = user_part.empty() ? std::optional<std::uint32_t>{0} : parse_numeric(user_part);
  const auto entry =
      find_passwd(passwd, [&](const Passwd& line) { return number ? line.uid == *number : line.name == user_part; });
  if (!entry && !number) {
    throw Error{Kind::invalid, "unable to find user {}: no matching entries in passwd file", user_part};
  }
  ResolvedUser resolved;
  resolved.uid = entry ? entry->uid : *number;
  resolved.gid = entry ? entry->gid : 0;
  if (entry && !entry->home.empty()) resolved.home = entry->home;
  if (!group_part.empty()) {
    const auto gid = find_group(group_part, group);
    if (!gid) throw Error{Kind::invalid, "unable to find group {}: no matching entries in group file", group_part};
    resolved.gid = *gid;
  }
  resolved.groups = {resolved.gid};
  // The groups of /etc/group count only if none was asked for.
  if (group_part.empty() && entry) {
    for_each_group(group, [&](const Group& line) {
      if (line.gid != resolved.gid && is_member(line, entry->name)) resolved.groups.push_back(line.gid);
      return false;
    });
  }
  return resolved;
}

void add_groups(ResolvedUser& user, std::span<const std::string> groups, std::string_view group) {
  for (const auto& wanted : groups) {
    const auto gid = find_group(wanted, group);
    if (!gid) throw Error{Kind::invalid, "unable to find group {}: no matching entries in group file", wanted};
    if (std::ranges::find(user.groups, *gid) == user.groups.end()) user.groups.push_back(*gid);
  }
}

std::string home_of(uid_t uid, std::string_view passwd) {
  const auto entry = find_passwd(passwd, [&](const Passwd& line) { return line.uid == uid; });
  return entry && !entry->home.empty() ? std::string{entry->home} : "/";
}

std::string read_account_file(FdRef root, const std::string& path) {
  // Without O_NONBLOCK an image's fifo in this place would stop us.
  const auto file = try_open_in_root(root, path, O_RDONLY | O_NONBLOCK);
  if (!file && (errno == ENOENT || errno == ENOTDIR)) return {};
  if (!file) throw Error::from_errno(errno, "open {}", path);
  struct stat status {};
  if (::fstat(file.get(), &status) < 0 || !S_ISREG(status.st_mode)) return {};
  try {
    return read_to_end(file, max_account_file);
  } catch (Error& error) {
    throw error.in("{}", path);
  }
}

}  // namespace berth::runtime

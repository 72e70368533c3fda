// Users and groups by the names of the image's /etc/passwd and /etc/group, as Docker resolves them.
#pragma once

#include <sys/types.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hpp"

namespace berth::runtime {

struct ResolvedUser {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;  ///< supplementary; the primary one first
  std::string home = "/";
};

/// Resolves "name", "uid", "name:group", "uid:gid" in the texts of the two files. A number that is not in them stands
/// for itself within 0 to 2^31-1; a name that is not in them throws `invalid`, as does a number out of range. Only
/// digits are a number: "+1", "0x0" and "1 " are names. Lines whose numbers are malformed do not count.
ResolvedUser resolve_user(std::string_view user, std::string_view passwd, std::string_view group);

/// Adds groups by name or number (Docker's GroupAdd).
void add_groups(ResolvedUser& user, std::span<const std::string> groups, std::string_view group);

/// The home directory of a user, "/" if the file does not know.
std::string home_of(uid_t uid, std::string_view passwd);

/// /etc/passwd or /etc/group of the image, links resolved inside it; empty without the file. Throws `too_large` beyond
/// 4 MiB: an image may bring any file.
std::string read_account_file(FdRef root, const std::string& path);

}  // namespace berth::runtime

#include "runtime/copy_up.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace berth::runtime {
namespace {

void check(int result, const char* step, const char* name) {
  if (result < 0) throw Error::from_errno(errno, "copy {}: {}", quote(name), step);
}

void copy_file(FdRef from, FdRef to, const char* name, const struct stat& status) {
  const UniqueFd source{::openat(from.get(), name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
  check(source.get(), "open", name);
  const UniqueFd target{
      ::openat(to.get(), name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, status.st_mode & 07777U)};
  check(target.get(), "create", name);
  for (;;) {
    const auto copied = ::sendfile(target.get(), source.get(), nullptr, 1U << 30U);
    if (copied == 0) return;
    check(copied < 0 ? -1 : 0, "write", name);
  }
}

void copy_link(FdRef from, FdRef to, const char* name) {
  std::array<char, 4097> text{};
  check(static_cast<int>(::readlinkat(from.get(), name, text.data(), text.size() - 1)), "read link", name);
  check(::symlinkat(text.data(), to.get(), name), "link", name);
}

void copy_entry(FdRef from, FdRef to, const char* name) {
  struct stat status {};
  check(::fstatat(from.get(), name, &status, AT_SYMLINK_NOFOLLOW), "stat", name);
  if (S_ISDIR(status.st_mode)) {
    check(::mkdirat(to.get(), name, 0700), "make directory", name);
    const UniqueFd inner_from{::openat(from.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    const UniqueFd inner_to{::openat(to.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    check(inner_from.get(), "open", name);
    check(inner_to.get(), "open", name);
    copy_up(inner_from, inner_to);
    return;
  }
  if (S_ISLNK(status.st_mode)) {
    copy_link(from, to, name);
  } else if (S_ISREG(status.st_mode)) {
    copy_file(from, to, name, status);
  } else {
    check(::mknodat(to.get(), name, status.st_mode, status.st_rdev), "make node", name);
  }
  check(::fchownat(to.get(), name, status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW), "change owner", name);
  if (!S_ISLNK(status.st_mode)) check(::fchmodat(to.get(), name, status.st_mode & 07777U, 0), "change mode", name);
}

}  // namespace

void copy_up(FdRef from, FdRef to) {
  struct stat status {};
  check(::fstat(from.get(), &status), "stat", ".");
  check(::fchownat(to.get(), ".", status.st_uid, status.st_gid, 0), "change owner", ".");
  check(::fchmodat(to.get(), ".", status.st_mode & 07777U, 0), "change mode", ".");
  UniqueFd listing{::openat(from.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  check(listing.get(), "open", ".");
  const std::unique_ptr<DIR, int (*)(DIR*)> stream{::fdopendir(listing.get()), ::closedir};
  if (!stream) throw Error::from_errno(errno, "read directory");
  const FdRef directory{listing.release()};
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") copy_entry(directory, to, entry->d_name);
  }
}

}  // namespace berth::runtime

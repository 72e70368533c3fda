#include "runtime/program.hpp"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/strings.hpp"
#include "linux/mount.hpp"
#include "linux/process.hpp"
#include "runtime/users.hpp"

namespace berth::runtime {
namespace {

StartFailure failure_of(int error) {
  return error == ENOENT ? StartFailure::not_found : StartFailure::not_executable;
}

ExecError exec_error(int error, std::string message) {
  return {failure_of(error), Error{error == ENOENT ? Kind::not_found : Kind::invalid, error, std::move(message)}};
}

/// 0, or why the path cannot be executed by the effective user.
int executable_error(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) < 0) return errno;
  if (S_ISDIR(status.st_mode)) return EISDIR;
  if ((status.st_mode & 0111U) == 0) return EACCES;
  return ::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

std::string_view value_of(const std::vector<std::string>& env, std::string_view name) {
  // The last one counts, as for execvp in a shell's environment.
  for (auto entry = env.rbegin(); entry != env.rend(); ++entry) {
    if (entry->size() > name.size() && entry->starts_with(name) && (*entry)[name.size()] == '=') {
      return std::string_view{*entry}.substr(name.size() + 1);
    }
  }
  return {};
}

/// A descriptor of a file of the calling process below /proc that is certain to be one: writes there must not be led
/// elsewhere.
UniqueFd open_own_proc(const char* file, int flags) {
  UniqueFd fd{::open(fmt::format("/proc/self/{}", file).c_str(), flags | O_CLOEXEC)};
  if (fd && !kernel::is_procfs(fd)) throw Error{Kind::internal, "/proc/self/{} is not on procfs", file};
  return fd;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> list;
  list.reserve(texts.size() + 1);
  for (const auto& text : texts) list.push_back(const_cast<char*>(text.c_str()));  // execve does not write to them
  list.push_back(nullptr);
  return list;
}

}  // namespace

std::string find_program(const std::string& name, const std::vector<std::string>& env) {
  if (name.contains('/')) {
    const int error = executable_error(name);
    if (error == 0) return name;
    const bool of_stat = error == ENOENT || error == ENOTDIR || error == ELOOP;
    throw exec_error(
        error, fmt::format("exec: {}: {}{}", quote(name), of_stat ? "stat " + name + ": " : "", errno_text(error)));
  }
  bool denied = false;
  for (const auto& directory : split(value_of(env, "PATH"), ':')) {
    if (name.empty()) break;
    if (!directory.starts_with('/')) continue;  // Go refuses what is found relative to the working directory
    const auto path = directory + (directory.ends_with('/') ? "" : "/") + name;
    const int error = executable_error(path);
    if (error == 0) return path;
    denied = denied || error == EACCES;
  }
  if (denied) throw exec_error(EACCES, fmt::format("exec: {}: permission denied", quote(name)));
  throw exec_error(ENOENT, fmt::format("exec: {}: executable file not found in $PATH", quote(name)));
}

void resolve_process_user(ProcessPlan& process, FdRef root) {
  const bool has_home =
      std::ranges::any_of(process.env, [](const std::string& entry) { return entry.starts_with("HOME="); });
  if (process.user.empty() && process.extra_groups.empty() && has_home) return;
  const auto passwd = read_account_file(root, "/etc/passwd");
  const bool needs_groups = !process.user.empty() || !process.extra_groups.empty();
  const auto group = needs_groups ? read_account_file(root, "/etc/group") : std::string{};
  ResolvedUser user{.uid = process.uid, .gid = process.gid, .groups = process.groups, .home = {}};
  if (!process.user.empty()) {
    user = resolve_user(process.user, passwd, group);
  } else if (!has_home) {
    user.home = home_of(process.uid, passwd);
  }
  add_groups(user, process.extra_groups, group);
  process.uid = user.uid;
  process.gid = user.gid;
  process.groups = std::move(user.groups);
  if (!has_home) process.env.push_back("HOME=" + user.home);
}

std::vector<sock_filter> read_seccomp_filter(const std::string& path) {
  if (path.empty()) return {};
  const auto bytes = read_file(path, BPF_MAXINSNS * sizeof(sock_filter));
  if (bytes.empty() || bytes.size() % sizeof(sock_filter) != 0) {
    throw Error{Kind::corrupt, "{} is no compiled seccomp filter", quote(path)};
  }
  std::vector<sock_filter> filter(bytes.size() / sizeof(sock_filter));
  std::memcpy(filter.data(), bytes.data(), bytes.size());
  return filter;
}

void set_oom_score_adj(int value) {
  const auto file = open_own_proc("oom_score_adj", O_WRONLY);
  const auto text = std::to_string(value);
  // EACCES: lowering it takes CAP_SYS_RESOURCE; the container then runs with ours.
  if (!file || (::write(file.get(), text.data(), text.size()) < 0 && errno != EACCES && errno != EPERM)) {
    throw Error::from_errno(errno, "set oom_score_adj to {}", value);
  }
}

void set_apparmor_profile(const std::string& profile) {
  if (profile.empty() || profile == "unconfined") return;
  auto file = open_own_proc("attr/apparmor/exec", O_WRONLY);
  if (!file) file = open_own_proc("attr/exec", O_WRONLY);  // before Linux 5.8
  const auto text = "exec " + profile;
  if (!file || ::write(file.get(), text.data(), text.size()) < 0) {
    throw Error::from_errno(errno, "apply AppArmor profile {}", quote(profile));
  }
}

void Program::prepare() {
  for (const auto& limit : process_.rlimits) kernel::set_rlimit(limit.resource, limit.soft, limit.hard);
  if (process_.personality && ::personality(*process_.personality) < 0)
    throw Error::from_errno(errno, "set personality");
  if (process_.capabilities) kernel::limit_bounding_set(process_.capabilities->bounding);
  change_directory();
  drop_user();
  ::umask(process_.umask);
  set_capabilities(filter_needs_privilege() ? kernel::capability_bit(CAP_SYS_ADMIN) : 0);
  path_ = find_program(process_.args.front(), process_.env);
}

void Program::change_directory() const {
  if (::chdir(process_.cwd.c_str()) < 0) {
    throw Error::from_errno(errno, "chdir to cwd ({}) set in config.json failed", quote(process_.cwd))
        .as(Kind::invalid);
  }
  // A directory of the host reached through a descriptor would have no path here (CVE-2024-21626).
  std::array<char, 4096> path{};
  if (::syscall(SYS_getcwd, path.data(), path.size()) < 0 || path[0] != '/') {
    throw Error{Kind::invalid, "working directory {} is outside of the container", quote(process_.cwd)};
  }
}

void Program::drop_user() {
  if (process_.capabilities && ::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
    throw Error::from_errno(errno, "keep capabilities");
  // EPERM: a user namespace without the right to, in which there are no groups to drop.
  if (::setgroups(process_.groups.size(), process_.groups.data()) < 0 && (errno != EPERM || !process_.groups.empty())) {
    throw Error::from_errno(errno, "set supplementary groups");
  }
  if (::setresgid(process_.gid, process_.gid, process_.gid) < 0)
    throw Error::from_errno(errno, "set group {}", process_.gid);
  if (::setresuid(process_.uid, process_.uid, process_.uid) < 0)
    throw Error::from_errno(errno, "set user {}", process_.uid);
}

void Program::set_capabilities(kernel::CapabilitySet extra) const {
  if (!process_.capabilities) return;
  const auto& planned = *process_.capabilities;
  kernel::set_capabilities({.effective = planned.effective | extra,
                            .permitted = planned.permitted | extra,
                            .inheritable = planned.inheritable});
}

void Program::execute() {
  if (process_.no_new_privs && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
    throw Error::from_errno(errno, "set no_new_privs");
  auto arguments = pointers(process_.args);
  auto environment = pointers(process_.env);
  if (!filter_.empty()) {
    kernel::load_syscall_filter(filter_, filter_flags_);
    if (filter_needs_privilege()) set_capabilities(0);
  }
  if (process_.capabilities && process_.capabilities->ambient != 0)
    kernel::set_ambient_capabilities(process_.capabilities->ambient);
  ::execve(path_.c_str(), arguments.data(), environment.data());
  const int error = errno;
  throw exec_error(error, fmt::format("exec {}: {}", path_, errno_text(error)));
}

}  // namespace berth::runtime

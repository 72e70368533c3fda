#include "linux/namespaces.hpp"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/error.hpp"
#include "base/file.hpp"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

namespace berth::kernel {
namespace {

constexpr std::array<NamespaceType, 8> types = {{
    {"user", "user", CLONE_NEWUSER},
    {"pid", "pid", CLONE_NEWPID},
    {"network", "net", CLONE_NEWNET},
    {"ipc", "ipc", CLONE_NEWIPC},
    {"uts", "uts", CLONE_NEWUTS},
    {"cgroup", "cgroup", CLONE_NEWCGROUP},
    {"mount", "mnt", CLONE_NEWNS},
    {"time", "time", CLONE_NEWTIME},
}};

}  // namespace

std::span<const NamespaceType> namespace_types() {
  return types;
}

std::optional<NamespaceType> find_namespace_type(std::string_view name) {
  const auto* found = std::ranges::find(types, name, &NamespaceType::name);
  return found == types.end() ? std::nullopt : std::optional{*found};
}

void enter_namespace(FdRef fd, std::uint64_t flag, std::string_view what) {
  if (::setns(fd.get(), static_cast<int>(flag)) < 0) throw Error::from_errno(errno, "enter namespace {}", quote(what));
}

void enter_namespace(const std::string& path, std::uint64_t flag) {
  enter_namespace(open_file(path, O_RDONLY), flag, path);
}

void set_loopback_up() {
  const UniqueFd socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (!socket || ::ioctl(socket.get(), SIOCSIFFLAGS, &request) < 0) throw Error::from_errno(errno, "set lo up");
}

UniqueFd make_network_namespace() {
  const auto own = open_file("/proc/thread-self/ns/net", O_RDONLY);
  if (::unshare(CLONE_NEWNET) < 0) throw Error::from_errno(errno, "make network namespace");
  try {
    set_loopback_up();
    auto made = open_file("/proc/thread-self/ns/net", O_RDONLY);
    enter_namespace(own, CLONE_NEWNET, "of the host");
    return made;
  } catch (const Error&) {
    enter_namespace(own, CLONE_NEWNET, "of the host");
    throw;
  }
}

}  // namespace berth::kernel

#include "dns/context.hpp"

#include <fcntl.h>
#include <linux/sockios.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/log.hpp"

namespace berth::dns {
namespace {

constexpr std::size_t largest_resolv_conf = 64 << 10;  // bytes

/// What is missing or cannot be read has no servers.
std::string read_or_empty(const std::string& path) noexcept {
  try {
    return find_file(path, largest_resolv_conf).value_or("");
  } catch (...) {
    log::warn("cannot read the host's name servers, going on without them",
              {{"path", path}, {"error", current_error().message()}});
    return {};
  }
}

/// The number that the kernel knows the socket's namespace by; 0 if it does not say.
std::uint64_t cookie_of(int socket) {
  std::uint64_t cookie = 0;
  socklen_t size = sizeof cookie;
  return ::getsockopt(socket, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) == 0 ? cookie : 0;
}

UniqueFd open_here(int family, int type) {
  return UniqueFd{::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
}

}  // namespace

HostServers::HostServers(Loop& loop, std::string path, std::function<void()> changed)
    : path_(std::move(path)), changed_(std::move(changed)) {
  UniqueFd events{::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
  if (!events) throw Error::from_errno(errno, "create inotify");
  events_ = std::make_unique<Watch>(loop, std::move(events), EPOLLIN, [this](auto) { read_events(); });
  watch();
  text_ = read_or_empty(path_);
  conf_ = ResolvConf::parse(text_);
}

void HostServers::watch() {
  constexpr std::uint32_t mask = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_DELETE_SELF;
  const fs::path path{path_};
  std::error_code ignored;
  for (const auto& what : {path, path.parent_path(), fs::canonical(path, ignored).parent_path()}) {
    // Absence is fine: its directory tells when it comes.
    if (!what.empty()) ::inotify_add_watch(events_->fd().get(), what.c_str(), mask);
  }
}

void HostServers::read_events() {
  std::array<char, 4096> buffer;
  while (::read(events_->fd().get(), buffer.data(), buffer.size()) > 0) {
  }
  watch();  // what came in the place of the old file or link
  auto text = read_or_empty(path_);
  if (text == text_) return;
  text_ = std::move(text);
  conf_ = ResolvConf::parse(text_);
  log::info("name servers of the host read again", {{"path", path_}, {"servers", conf_.servers.size()}});
  changed_();
}

Namespaces::Namespaces() : own_(open_file("/proc/thread-self/ns/net", O_RDONLY)) {
  const auto socket = open_here(AF_INET, SOCK_DGRAM);
  if (socket) own_cookie_ = cookie_of(socket.get());
}

UniqueFd Namespaces::open_socket(int family, int type, const FdRef* like) {
  const auto cookie = like != nullptr ? cookie_of(like->get()) : own_cookie_;
  if (cookie != 0 && cookie == own_cookie_) return open_here(family, type);
  const UniqueFd theirs{::ioctl(like->get(), SIOCGSKNS)};
  if (!theirs || ::setns(theirs.get(), CLONE_NEWNET) < 0) return {};
  auto socket = open_here(family, type);
  const int failure = errno;
  // The thread is the server's alone and does nothing else in there. The way back leads to a namespace that is open and
  // was this thread's own a moment ago; if it failed, whatever came next would be done in a container's namespace.
  if (::setns(own_.get(), CLONE_NEWNET) < 0) {
    log::error("cannot come back from a container's network namespace", {{"error", errno_text(errno)}});
    std::abort();
  }
  errno = failure;
  return socket;
}

std::uint16_t random_id() {
  // One system call for many: a query has one of its own, and there may be thousands in a second.
  thread_local std::array<std::uint16_t, 128> numbers;
  thread_local std::size_t used = numbers.size();
  if (used == numbers.size()) {
    if (::getrandom(numbers.data(), sizeof numbers, 0) != static_cast<ssize_t>(sizeof numbers))
      throw Error::from_errno(errno, "get random numbers");
    used = 0;
  }
  return numbers[used++];
}

}  // namespace berth::dns

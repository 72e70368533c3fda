#include "runtime/cli/console.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>

#include "base/error.hpp"
#include "base/fd_passing.hpp"
#include "base/spawn.hpp"
#include "linux/process.hpp"

namespace berth::runtime::cli {
namespace {

/// Our terminal in raw mode; as it was when dropped.
class RawTerminal {
 public:
  RawTerminal() {
    if (::tcgetattr(STDIN_FILENO, &before_) < 0) return;
    termios raw = before_;
    ::cfmakeraw(&raw);
    changed_ = ::tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
  }
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;
  ~RawTerminal() {
    if (changed_) ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }

 private:
  termios before_{};
  bool changed_ = false;
};

UniqueFd make_signal_fd() {
  sigset_t signals;
  ::sigfillset(&signals);
  for (const int kept : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGCHLD, SIGPIPE, SIGTTIN, SIGTTOU})
    ::sigdelset(&signals, kept);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  UniqueFd fd{::signalfd(-1, &signals, SFD_CLOEXEC)};
  if (!fd) throw Error::from_errno(errno, "watch signals");
  return fd;
}

void copy_size(FdRef console) {
  winsize size{};
  if (::ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0) ::ioctl(console.get(), TIOCSWINSZ, &size);
}

void pass_signal(FdRef signals, FdRef pidfd, FdRef console) {
  signalfd_siginfo received{};
  if (::read(signals.get(), &received, sizeof received) != sizeof received) return;
  const int signal = static_cast<int>(received.ssi_signo);
  if (signal == SIGWINCH && console) {
    copy_size(console);
  } else {
    kernel::send_signal(pidfd, signal);
  }
}

/// False at the end of the stream. A terminal whose other side has been closed by everybody reads as EIO.
bool copy_once(FdRef from, FdRef to) {
  std::array<char, 8192> buffer{};
  const auto size = ::read(from.get(), buffer.data(), buffer.size());
  if (size < 0 && errno == EINTR) return true;
  if (size <= 0) return false;
  write_all(to, {buffer.data(), static_cast<std::size_t>(size)});
  return true;
}

}  // namespace

void send_console(const std::string& socket_path, FdRef console) {
  const UniqueFd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_path.size() >= sizeof address.sun_path)
    throw Error{Kind::invalid, "console socket {}: the path is too long", quote(socket_path)};
  std::memcpy(address.sun_path, socket_path.data(), socket_path.size());
  if (!socket || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
    throw Error::from_errno(errno, "connect to console socket {}", quote(socket_path));
  }
  char name[] = "/dev/pts/ptmx";
  iovec part{.iov_base = name, .iov_len = sizeof name - 1};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  PassedFds passed;
  passed.attach(message, {&console, 1});
  if (::sendmsg(socket.get(), &message, MSG_NOSIGNAL) < 0)
    throw Error::from_errno(errno, "send the terminal to {}", quote(socket_path));
}

int attend(pid_t pid, FdRef pidfd, FdRef console) {
  const auto signals = make_signal_fd();
  const RawTerminal raw;
  if (console) copy_size(console);
  std::array<pollfd, 4> polled = {{{.fd = pidfd.get(), .events = POLLIN, .revents = 0},
                                   {.fd = signals.get(), .events = POLLIN, .revents = 0},
                                   {.fd = console.get(), .events = POLLIN, .revents = 0},
                                   {.fd = console ? STDIN_FILENO : -1, .events = POLLIN, .revents = 0}}};
  auto& [exited, signalled, output, input] = polled;
  for (;;) {
    if (::poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) throw Error::from_errno(errno, "wait");
    if (signalled.revents != 0) pass_signal(signals, pidfd, console);
    if (output.revents != 0 && !copy_once(console, FdRef{STDOUT_FILENO})) output.fd = -1;
    if (input.revents != 0 && !copy_once(FdRef{STDIN_FILENO}, console)) input.fd = -1;
    // What it had still written is read first.
    const bool drained = output.fd < 0 || (output.revents & POLLIN) == 0;
    if (exited.revents != 0 && drained) return wait_for_exit(pid);
  }
}

}  // namespace berth::runtime::cli

#include "cli/relay.hpp"

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/error.hpp"

namespace berth::cli {
namespace {

constexpr std::size_t piece_size = 32U << 10U;

sigset_t set_of(SignalQueue::Which which) {
  sigset_t set;
  ::sigemptyset(&set);
  if (which == SignalQueue::Which::terminal) {
    for (const int number : {SIGWINCH, SIGTERM, SIGHUP, SIGINT, SIGQUIT}) ::sigaddset(&set, number);
    return set;
  }
  ::sigfillset(&set);
  // Not these: faults of our own, job control of a background process, and what says nothing to the container.
  for (const int number :
       {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS, SIGTTIN, SIGTTOU, SIGCHLD, SIGPIPE, SIGURG}) {
    ::sigdelset(&set, number);
  }
  return set;
}

}  // namespace

SignalQueue::SignalQueue(Which which) {
  const auto set = set_of(which);
  ::sigprocmask(SIG_BLOCK, &set, &before_);
  fd_ = UniqueFd{::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)};
  if (!fd_) throw Error::from_errno(errno, "create signalfd");
}

SignalQueue::~SignalQueue() {
  ::sigprocmask(SIG_SETMASK, &before_, nullptr);
}

int SignalQueue::next() {
  signalfd_siginfo info{};
  if (::read(fd_.get(), &info, sizeof info) != sizeof info) return 0;
  return static_cast<int>(info.ssi_signo);
}

std::optional<std::string> find_signal_name(int number) {
  if (const char* name = ::sigabbrev_np(number)) return name;
  if (number == SIGRTMIN) return "RTMIN";
  if (number > SIGRTMIN && number <= SIGRTMAX) return fmt::format("RTMIN+{}", number - SIGRTMIN);
  return std::nullopt;
}

void FrameSplitter::feed(std::string_view bytes, const std::function<void(int, std::string_view)>& write) {
  constexpr std::size_t head_size = 8;
  while (!bytes.empty()) {
    if (left_ > 0) {
      const auto part = bytes.substr(0, left_);
      write(stream_, part);
      left_ -= part.size();
      bytes.remove_prefix(part.size());
      continue;
    }
    const auto taken = std::min(head_size - head_.size(), bytes.size());
    head_ += bytes.substr(0, taken);
    bytes.remove_prefix(taken);
    if (head_.size() < head_size) return;
    stream_ = head_[0] == 1 ? 1 : 2;
    for (std::size_t i = 4; i < head_size; ++i) left_ = left_ << 8U | static_cast<unsigned char>(head_[i]);
    head_.clear();
  }
}

Relay::Relay(const Console& console, client::Hijacked connection, const RelayOptions& options)
    : console_(console), socket_(std::move(connection.socket)), options_(options), input_open_(options.with_stdin) {
  set_nonblocking(socket_, true);
  if (options_.tty && options_.with_stdin) {
    std::string keys = "\x10\x11";
    try {
      if (!options_.detach_keys.empty()) keys = parse_detach_keys(options_.detach_keys);
    } catch (const Error& error) {
      console_.complain(fmt::format("invalid detach escape keys, using default: {}", error.message()));
    }
    filter_.emplace(keys);
    if (is_terminal(console_.in)) raw_ = RawMode{console_.in};
  }
  if (!connection.pending.empty()) show(connection.pending);
}

Ended Relay::run(SignalQueue* signals, const std::function<void(int)>& on_signal) {
  for (;;) {
    const bool wants_input = input_open_ && outgoing_.empty();
    std::array<pollfd, 3> waits{{{wants_input ? console_.in.get() : -1, POLLIN, 0},
                                 {socket_.get(), static_cast<short>(outgoing_.empty() ? POLLIN : POLLIN | POLLOUT), 0},
                                 {signals != nullptr ? signals->fd().get() : -1, POLLIN, 0}}};
    if (::poll(waits.data(), waits.size(), -1) < 0) {
      if (errno == EINTR) continue;
      throw Error::from_errno(errno, "poll");
    }
    if (waits[2].revents != 0) {
      while (const int number = signals->next()) on_signal(number);
    }
    // Output before input: what the container said last is shown even if it left without reading all of its input.
    if ((waits[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && !receive()) return Ended::closed;
    if ((waits[1].revents & POLLOUT) != 0) flush();
    if (waits[0].revents != 0) send_input();
    if (filter_ && filter_->detached()) return Ended::detached;
    if (!options_.with_output && !input_open_ && outgoing_.empty()) return Ended::closed;
  }
}

void Relay::send_input() {
  std::array<char, piece_size> buffer{};
  const auto count = ::read(console_.in.get(), buffer.data(), buffer.size());
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (count <= 0) {
    input_open_ = false;
  } else {
    const std::string_view typed{buffer.data(), static_cast<std::size_t>(count)};
    outgoing_ += filter_ ? filter_->pass(typed) : std::string{typed};
  }
  flush();
}

void Relay::flush() {
  while (!outgoing_.empty()) {
    const auto count = ::send(socket_.get(), outgoing_.data(), outgoing_.size(), MSG_NOSIGNAL);
    if (count >= 0) {
      outgoing_.erase(0, static_cast<std::size_t>(count));
    } else if (errno == EAGAIN) {
      return;
    } else if (errno != EINTR) {
      // The container no longer reads; its output may still come.
      outgoing_.clear();
      input_open_ = false;
      return;
    }
  }
  if (!input_open_) ::shutdown(socket_.get(), SHUT_WR);
}

bool Relay::receive() {
  std::array<char, piece_size> buffer{};
  const auto count = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  if (count <= 0) {
    raw_.restore();
    return false;
  }
  show({buffer.data(), static_cast<std::size_t>(count)});
  return true;
}

void Relay::show(std::string_view bytes) {
  if (options_.tty) return write_all(console_.out, bytes);
  frames_.feed(bytes,
               [&](int stream, std::string_view part) { write_all(stream == 1 ? console_.out : console_.err, part); });
}

void wait_readable(FdRef fd, SignalQueue* signals, const std::function<void(int)>& on_signal,
                   std::chrono::milliseconds timeout) {
  for (;;) {
    std::array<pollfd, 2> waits{{{fd.get(), POLLIN, 0}, {signals != nullptr ? signals->fd().get() : -1, POLLIN, 0}}};
    const int count = ::poll(waits.data(), waits.size(), static_cast<int>(timeout.count()));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw Error::from_errno(errno, "poll");
    if (count == 0) return;
    if (waits[1].revents != 0) {
      while (const int number = signals->next()) on_signal(number);
    }
    if (waits[0].revents != 0) return;
  }
}

}  // namespace berth::cli

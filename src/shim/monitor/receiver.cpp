#include "shim/monitor/receiver.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/fd_passing.hpp"
#include "shim/monitor/log_fluentd.hpp"
#include "shim/monitor/log_journald.hpp"
#include "shim/monitor/log_socket.hpp"
#include "shim/monitor/log_syslog.hpp"

namespace berth::shim {
namespace {

using std::chrono::milliseconds;

/// How long a container's start waits for the receiver.
constexpr milliseconds connect_patience{3000};
/// Between two attempts to connect again; the pauses grow up to this.
constexpr milliseconds max_retry_wait{10000};
/// Of answers that nobody understands.
constexpr std::size_t max_answers = 64 << 10;

std::function<void(std::string&, const LogEntry&)> make_encoder(const LogSettings& settings) {
  if (settings.driver == "fluentd") {
    return [encoder = FluentdEncoder{settings.receiver}](auto& out, const auto& entry) { encoder.append(out, entry); };
  }
  if (settings.driver == "journald") {
    return [encoder = JournaldEncoder{settings.receiver}](auto& out, const auto& entry) mutable {
      encoder.append(out, entry);
    };
  }
  return [encoder = SyslogEncoder{settings.receiver, ::getpid()}](auto& out, const auto& entry) mutable {
    encoder.append(out, entry);
  };
}

std::size_t queue_limit(const LogSettings& settings) {
  const auto limit = settings.non_blocking ? settings.max_buffer_size : settings.receiver.buffer_limit;
  return static_cast<std::size_t>(std::max<std::int64_t>(limit, 0));
}

/// The text of a failed start when no candidate answers.
std::string nobody_text(const LogSettings& settings, const Error& last) {
  if (settings.driver == "journald") return "journald is not enabled on this host";
  const auto& addresses = settings.receiver.addresses;
  const bool usual_places = addresses.size() > 1 && addresses.front().transport.starts_with("unix");
  return usual_places ? "Unix syslog delivery error" : last.message();
}

/// A message that is too long for a datagram goes to the journal as a sealed file.
ssize_t send_as_file(FdRef socket, std::string_view message) {
  const UniqueFd file{::memfd_create("log message", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  if (!file) return -1;
  if (::write(file.get(), message.data(), message.size()) != static_cast<ssize_t>(message.size())) return -1;
  ::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
  msghdr header{};
  PassedFds passed;
  passed.attach(header, std::array{FdRef{file}});
  return ::sendmsg(socket.get(), &header, MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace

Receiver::Receiver(Loop& loop, const LogSettings& settings, Warn warn)
    : loop_(loop),
      settings_(settings),
      warn_(std::move(warn)),
      encode_(make_encoder(settings)),
      is_fluentd_(settings.driver == "fluentd"),
      queue_(queue_limit(settings)),
      lost_(warn_, "the buffer is full of messages for their receiver") {}

void Receiver::connect() {
  if (settings_.receiver.async) {
    try_again();
    return;
  }
  std::optional<Error> last;
  for (address_ = 0; address_ < settings_.receiver.addresses.size(); ++address_) {
    try {
      use(connect_to(address(), connect_patience), State::connected);
      return;
    } catch (const Error& error) {
      last = error;
    }
  }
  address_ = 0;
  throw Error{Kind::internal, "failed to initialize logging driver: {}", nobody_text(settings_, *last)};
}

void Receiver::use(UniqueFd fd, State state) {
  watch_.reset();
  socket_ = std::move(fd);
  watch_ = std::make_unique<Watch>(loop_, socket_, [this](std::uint32_t events) { ready(events); });
  state_ = state;
  watch();
}

void Receiver::add(const LogEntry& entry) {
  message_.clear();
  encode_(message_, entry);
  const bool may_drop = drops() || (state_ != State::connected && !is_fluentd_);
  if (may_drop && queue_.is_full_for(message_.size())) {
    lost_.add(1);
    return;
  }
  queue_.push(message_);
}

bool Receiver::is_blocked() const {
  return !drops() && queue_.is_full() && (state_ == State::connected || is_fluentd_);
}

void Receiver::flush() {
  if (state_ != State::connected) return;
  if (is_datagram(address())) {
    send_packets();
  } else {
    send_stream();
  }
  watch();
}

void Receiver::send_stream() {
  const bool one_by_one = is_fluentd_ && settings_.receiver.request_ack;
  while (!queue_.empty() && acknowledgement_.empty()) {
    const auto bytes = (one_by_one ? queue_.front() : queue_.all()).substr(sent_);
    const auto count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return note_standstill();
    if (count < 0) return lose(errno_text(errno));
    sent_ += static_cast<std::size_t>(count);
    if (!one_by_one) {
      note_progress();
      pop_sent();
    } else if (sent_ == queue_.front().size()) {
      acknowledgement_ = FluentdEncoder::acknowledgement(queue_.front());
      note_standstill();
    }
  }
}

void Receiver::pop_sent() {
  while (!queue_.empty() && sent_ >= queue_.front().size()) {
    sent_ -= queue_.front().size();
    queue_.pop();
  }
}

void Receiver::send_packets() {
  bool again = true;
  while (!queue_.empty()) {
    const auto message = queue_.front();
    auto count = ::send(socket_.get(), message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0 && errno == EMSGSIZE && settings_.driver == "journald") count = send_as_file(socket_, message);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == ENOBUFS)) return note_standstill();
    if (count < 0 && errno != EMSGSIZE) {
      if (address().transport != "udp") return lose(errno_text(errno));
      // What an earlier packet has met; nobody promises that this one arrives.
      if (std::exchange(again, false)) continue;
    }
    again = true;
    if (count < 0 && errno == EMSGSIZE) warn_("a log message is lost: it is too long for the receiver");
    queue_.pop();
    note_progress();
  }
}

void Receiver::note_progress() {
  stuck_since_.reset();
  attempts_ = 0;
}

void Receiver::note_standstill() {
  if (!stuck_since_) stuck_since_ = Clock::now();
}

void Receiver::watch() {
  if (!watch_ || is_broken_) return;
  const bool wants_to_send = state_ == State::connecting || (!queue_.empty() && acknowledgement_.empty());
  const std::uint32_t out = wants_to_send ? EPOLLOUT : 0U;
  if (!is_datagram(address()) && state_ == State::connected) {
    watch_->set(EPOLLIN | EPOLLRDHUP | out);
  } else if (out != 0) {
    watch_->set(out);
  } else {
    watch_->clear();
  }
}

void Receiver::ready(std::uint32_t events) {
  if (state_ == State::connecting) {
    if (const int error = take_error(socket_); error != 0) return lose(errno_text(error));
    state_ = State::connected;
  } else if (is_datagram(address())) {
    if ((events & EPOLLERR) != 0) take_error(socket_);
  } else if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
    receive();
  }
  flush();
}

void Receiver::receive() {
  const auto buffer = loop_.scratch();
  const auto count = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) return lose(count == 0 ? "it has closed the connection" : errno_text(errno));
  if (acknowledgement_.empty()) return;
  answers_.append(buffer.data(), static_cast<std::size_t>(count));
  if (answers_.contains(acknowledgement_)) {
    acknowledgement_.clear();
    answers_.clear();
    sent_ = 0;
    queue_.pop();
    note_progress();
  } else if (answers_.size() > max_answers) {
    lose("it does not acknowledge messages");
  }
}

/// May be called by the watch itself, so that goes in the next step.
void Receiver::lose(std::string_view reason) {
  if (attempts_ == 0) warn_(fmt::format("log receiver has gone, trying to reach it again: {}", reason));
  state_ = State::disconnected;
  is_broken_ = true;
  if (watch_) watch_->clear();
  sent_ = 0;
  acknowledgement_.clear();
  answers_.clear();
  stuck_since_.reset();
  schedule_attempt();
}

/// At once after a connection that was good for something, then with growing pauses.
void Receiver::schedule_attempt() {
  if (attempts_ > settings_.receiver.max_retries) give_up();
  if (attempts_ == 0) {
    wait_ = milliseconds{0};
  } else {
    wait_ = attempts_ == 1 ? milliseconds{settings_.receiver.retry_wait_ms} : wait_ * 3 / 2;
  }
  wait_ = std::min(wait_, max_retry_wait);
  ++attempts_;
  next_attempt_.reset();
  if (!finishing_ || wait_.count() == 0) next_attempt_ = Clock::now() + wait_;
}

void Receiver::give_up() {
  attempts_ = 1;
  if (queue_.empty()) return;
  warn_(fmt::format("{} log messages are lost: the receiver does not come back", queue_.count()));
  queue_.clear();
}

void Receiver::try_again() {
  next_attempt_.reset();
  address_ = static_cast<std::size_t>(attempts_) % settings_.receiver.addresses.size();
  try {
    auto socket = begin_connection(address());
    use(std::move(socket.fd), socket.is_connected ? State::connected : State::connecting);
    flush();
  } catch (const Error& error) {
    lose(error.message());
  }
}

void Receiver::finish() {
  if (std::exchange(finishing_, true)) return;
  lost_.tell();
  if (state_ == State::disconnected && !queue_.empty()) next_attempt_ = Clock::now();
}

bool Receiver::is_done() const {
  return queue_.empty() || (finishing_ && state_ == State::disconnected && !next_attempt_);
}

void Receiver::step() {
  if (std::exchange(is_broken_, false)) {
    watch_.reset();
    socket_.reset();
  }
  const auto present = Clock::now();
  if (next_attempt_ && present >= *next_attempt_) try_again();
  const milliseconds limit{settings_.receiver.write_timeout_ms};
  if (stuck_since_ && limit.count() > 0 && present - *stuck_since_ >= limit) lose("it takes nothing");
}

std::optional<milliseconds> Receiver::timeout() const {
  std::optional<Clock::time_point> first = next_attempt_;
  const milliseconds limit{settings_.receiver.write_timeout_ms};
  if (stuck_since_ && limit.count() > 0)
    first = std::min(first.value_or(Clock::time_point::max()), *stuck_since_ + limit);
  if (is_broken_) return milliseconds{0};
  if (!first) return std::nullopt;
  return std::max(std::chrono::ceil<milliseconds>(*first - Clock::now()), milliseconds{0});
}

}  // namespace berth::shim

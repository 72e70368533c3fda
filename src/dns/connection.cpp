#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>

#include "dns/frames.hpp"
#include "dns/resolver.hpp"

namespace berth::dns {
namespace {

constexpr std::size_t most_to_send = 256 << 10;  // bytes; who does not read has no more answers
constexpr std::size_t most_unanswered = 100;     // queries

}  // namespace

Connection::Connection(Context& context, Resolver& resolver, UniqueFd socket)
    : context_(context),
      resolver_(resolver),
      idle_(context.loop, [this] { resolver_.end(*this); }),
      watch_(context.loop, std::move(socket), EPOLLIN, [this](std::uint32_t events) { on_ready(events); }) {}

void Connection::start() {
  idle_.set(Loop::Clock::now() + context_.settings.idle);
}

void Connection::on_ready(std::uint32_t events) {
  constexpr std::uint32_t gone = EPOLLERR | EPOLLHUP;
  if ((events & gone) != 0) return resolver_.end(*this);
  if ((events & EPOLLOUT) != 0 && !send()) return resolver_.end(*this);
  if ((events & EPOLLIN) != 0) read();
  wait_on();
}

void Connection::read() {
  auto& scratch = context_.scratch;
  const auto count = ::recv(watch_.fd().get(), scratch.data(), scratch.size(), 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count < 0) return resolver_.end(*this);
  if (count == 0) {
    has_ended_ = true;  // who has no more to ask may still want to hear
    return;
  }
  idle_.set(Loop::Clock::now() + context_.settings.idle);
  received_.append(reinterpret_cast<const char*>(scratch.data()), static_cast<std::size_t>(count));
  while (const auto message = take_message(received_)) {
    ++unanswered_;
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(message->data());
    // An answer from upstream may come when the connection has gone.
    resolver_.answer({bytes, message->size()}, true, [self = weak_from_this()](const std::string& answer) {
      if (const auto connection = self.lock()) connection->reply(answer);
    });
  }
}

void Connection::reply(std::string_view message) {
  if (unanswered_ > 0) --unanswered_;
  if (to_send_.size() + message.size() > most_to_send) return;
  to_send_ += frame(message);
  send();
  wait_on();
}

bool Connection::send() {
  if (to_send_.empty()) return true;
  const auto count = ::send(watch_.fd().get(), to_send_.data(), to_send_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (count < 0) return errno == EAGAIN || errno == EINTR;
  to_send_.erase(0, static_cast<std::size_t>(count));
  return true;
}

void Connection::wait_on() {
  if (has_ended_ && unanswered_ == 0 && to_send_.empty()) return resolver_.end(*this);
  const bool may_read = !has_ended_ && unanswered_ < most_unanswered && to_send_.size() < most_to_send / 2;
  watch_.set((may_read ? EPOLLIN : 0U) | (to_send_.empty() ? 0U : EPOLLOUT));
}

}  // namespace berth::dns

#include "dns/exchange.hpp"

#include <net/if.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/socket_address.hpp"
#include "dns/frames.hpp"

namespace berth::dns {
namespace {

SocketAddress socket_address(const NameServer& server, std::uint16_t port) {
  return make_socket_address(server.address, port, server.zone.empty() ? 0 : ::if_nametoindex(server.zone.c_str()));
}

Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

std::vector<UpstreamServer> Silence::order(std::vector<UpstreamServer> servers) {
  std::erase_if(until_, [now = Loop::Clock::now()](const auto& entry) { return entry.second <= now; });
  if (!until_.empty()) {
    // not std::ranges: clang 14 cannot read its result
    std::stable_partition(servers.begin(), servers.end(),
                          [&](const auto& server) { return !until_.contains(server.server.address); });
  }
  return servers;
}

Exchange::Exchange(Context& context, Silence& silence, Query query, std::vector<UpstreamServer> servers, FdRef sandbox,
                   bool tcp, Done done)
    : context_(context),
      silence_(silence),
      query_(std::move(query)),
      servers_(std::move(servers)),
      sandbox_(sandbox),
      tcp_(tcp),
      done_(std::move(done)),
      failed_(servers_.size()),
      deadline_(Loop::Clock::now() + context.settings.give_up),
      timer_(context.loop, [this] { time_is_up(); }) {
  ++context_.in_flight;
}

Exchange::~Exchange() {
  --context_.in_flight;
}

void Exchange::start() {
  timer_.set(deadline_);  // whatever happens
  ask_next();
}

void Exchange::ask_next() {
  // All once; then, because datagrams are lost, those that have not failed once more each time that it takes too long.
  while (next_ < servers_.size() || (!tcp_ && std::ranges::find(failed_, false) != failed_.end())) {
    const auto server = next_++ % servers_.size();
    if (failed_[server]) continue;
    if (ask(server)) {
      timer_.set(std::min(Loop::Clock::now() + context_.settings.patience, deadline_));
      return;
    }
    failed_[server] = true;
  }
  if (attempts_.empty()) return finish({.message = std::move(failure_)});
  timer_.set(deadline_);
}

bool Exchange::ask(std::size_t number) {
  const auto& [server, from_host] = servers_[number];
  auto socket = context_.namespaces.open_socket(server.address.family(), tcp_ ? SOCK_STREAM : SOCK_DGRAM,
                                                from_host ? nullptr : &sandbox_);
  if (!socket) return false;
  const auto address = socket_address(server, context_.settings.upstream_port);
  // Connected, so that the kernel drops what others send, and tells when nobody listens. It chooses a random port.
  if (::connect(socket.get(), address.generic(), address.size) < 0 && errno != EINPROGRESS) {
    return false;
  }
  auto attempt = std::make_unique<Attempt>();
  attempt->server = number;
  attempt->id = random_id();
  const auto message = with_id(query_.bytes(), attempt->id);
  if (tcp_) {
    attempt->to_send = frame(message);
  } else if (::send(socket.get(), message.data(), message.size(), MSG_NOSIGNAL) < 0) {
    return false;
  }
  attempt->watch = std::make_unique<Watch>(
      context_.loop, std::move(socket), tcp_ ? EPOLLOUT : EPOLLIN,
      [this, &attempt = *attempt](std::uint32_t events) { tcp_ ? on_stream(attempt, events) : on_datagram(attempt); });
  attempts_.push_back(std::move(attempt));
  return true;
}

void Exchange::time_is_up() {
  if (!attempts_.empty()) silence_.note_silent(servers_[attempts_.back()->server].server.address);
  if (Loop::Clock::now() >= deadline_) return finish({.message = std::move(failure_)});
  ask_next();
}

void Exchange::on_datagram(Attempt& attempt) {
  auto& scratch = context_.scratch;
  const auto size = ::recv(attempt.watch->fd().get(), scratch.data(), scratch.size(), 0);
  if (size < 0) {
    if (errno != EAGAIN && errno != EINTR) fail(attempt);
    return;
  }
  const Bytes message{scratch.data(), static_cast<std::size_t>(size)};
  // What is not the answer is somebody's guess at it, and the answer may still come.
  if (answers(message, query_, attempt.id)) take(attempt, message);
}

void Exchange::on_stream(Attempt& attempt, std::uint32_t events) {
  const int socket = attempt.watch->fd().get();
  if (!attempt.to_send.empty()) {
    if ((events & EPOLLERR) != 0) return fail(attempt);
    const auto sent = ::send(socket, attempt.to_send.data(), attempt.to_send.size(), MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno != EAGAIN && errno != EINTR) fail(attempt);
      return;
    }
    attempt.to_send.erase(0, static_cast<std::size_t>(sent));
    if (attempt.to_send.empty()) attempt.watch->set(EPOLLIN);
    return;
  }
  auto& scratch = context_.scratch;
  const auto size = ::recv(socket, scratch.data(), scratch.size(), 0);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size <= 0) return fail(attempt);
  attempt.received.append(reinterpret_cast<const char*>(scratch.data()), static_cast<std::size_t>(size));
  const auto message = take_message(attempt.received);
  if (!message) return;
  if (!answers(bytes_of(*message), query_, attempt.id)) return fail(attempt);
  take(attempt, bytes_of(*message));
}

void Exchange::fail(Attempt& attempt) {
  failed_[attempt.server] = true;
  end(attempt);
  // What is left to wait for is waited for as long as before.
  if (next_ < servers_.size() || attempts_.empty()) ask_next();
}

void Exchange::take(Attempt& attempt, Bytes message) {
  silence_.note_answer(servers_[attempt.server].server.address);
  auto text = with_id(message, query_.id());
  const auto answer = Answer::parse(message);
  const bool has_failed =
      !answer || !answer->has_question || answer->code == Code::server_failure || answer->code == Code::refused;
  if (!has_failed) return finish({.message = std::move(text), .lifetime = answer->lifetime});
  // Another one may know.
  if (answer && answer->has_question) failure_ = std::move(text);
  fail(attempt);
}

void Exchange::end(Attempt& attempt) {
  const auto found = std::ranges::find(attempts_, &attempt, &std::unique_ptr<Attempt>::get);
  context_.loop.bury(std::shared_ptr<Attempt>{std::move(*found)});
  attempts_.erase(found);
}

void Exchange::finish(Result result) {
  if (std::exchange(is_done_, true)) return;
  timer_.clear();
  for (auto& attempt : attempts_) context_.loop.bury(std::shared_ptr<Attempt>{std::move(attempt)});
  attempts_.clear();
  done_(std::move(result));
}

}  // namespace berth::dns

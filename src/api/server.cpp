#include "api/server.hpp"

#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>

#include "api/routes.hpp"
#include "base/log.hpp"

namespace berth::api {
namespace {

/// Handlers keep their buffers on the heap. Only what is touched is memory.
constexpr std::size_t stack_bytes = 512U << 10U;
/// Connections beyond the bound that are told so at the same time; more wait in the kernel's queue.
constexpr std::size_t refused_at_once = 16;
/// Idle for so long, the process gives freed memory back.
constexpr int trim_after_ms = 2000;
constexpr std::uint64_t large_body = 256U << 10U;

// The engine's version must be in the 28 series: SDKs refuse what they do not know. engine/engine.hpp says the same.
constexpr std::string_view server_name = "Docker/28.3.0 (linux)";

std::string common_fields() {
  return fmt::format("Api-Version: {}.{}\r\nDocker-Experimental: false\r\nOstype: linux\r\nServer: {}\r\n",
                     newest_version.major, newest_version.minor, server_name);
}

Request make_request(Head head, Connection& connection) {
  try {
    return {std::move(head), [&](std::span<char> buffer) { return connection.read_body(buffer); }, connection.socket()};
  } catch (const Error& error) {
    throw ProtocolError{400, error.message()};
  }
}

void prepare_tcp(FdRef socket) {
  const int on = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(socket.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

}  // namespace

/// What a new thread is given.
struct Server::Thread {
  Server& server;
  UniqueFd socket;
  Place place;

  static void* run(void* argument) {
    const std::unique_ptr<Thread> self{static_cast<Thread*>(argument)};
    self->server.serve(std::move(self->socket), self->place);
    return nullptr;
  }
};

/// A connection that `stop` may shut down. Forgotten before its descriptor is closed: the number may be reused at once.
class Server::Wakeable {
 public:
  Wakeable(Server& server, FdRef socket) : server_(server), socket_(socket) {
    const std::lock_guard lock{server_.mutex_};
    server_.sockets_.insert(socket_.get());
    if (server_.stopping_) ::shutdown(socket_.get(), SHUT_RD);
  }
  Wakeable(const Wakeable&) = delete;
  Wakeable& operator=(const Wakeable&) = delete;
  ~Wakeable() { forget(); }

  void forget() {
    if (!socket_) return;
    const std::lock_guard lock{server_.mutex_};
    server_.sockets_.erase(socket_.get());
    socket_ = FdRef{-1};
  }

 private:
  Server& server_;
  FdRef socket_;
};

Server::Server(Answer answer, ServerOptions options)
    : answer_(std::move(answer)), options_(options), fields_(common_fields()), wake_(make_eventfd()) {}

Server::~Server() {
  for (const auto& listener : listeners_) {
    if (!listener.path.empty()) ::unlink(listener.path.c_str());
  }
}

void Server::listen(std::string_view address) {
  for (auto& listener : listen_on(address)) listeners_.push_back(std::move(listener));
}

void Server::listen(UniqueFd socket, bool tcp) {
  listeners_.push_back({.socket = std::move(socket), .tcp = tcp});
}

void Server::stop() noexcept {
  stopping_ = true;
  const std::uint64_t one = 1;
  const auto ignored = ::write(wake_.get(), &one, sizeof one);
  static_cast<void>(ignored);  // full means that it was woken already
}

bool Server::run() {
  std::vector<pollfd> polled{{wake_.get(), POLLIN, 0}};
  for (const auto& listener : listeners_) {
    set_nonblocking(listener.socket, true);  // the client may be gone between poll and accept
    polled.push_back({listener.socket.get(), POLLIN, 0});
  }
  bool trimmed = true;
  while (!stopping_) {
    const int ready = ::poll(polled.data(), polled.size(), trimmed ? -1 : trim_after_ms);
    if (ready == 0) {
      ::malloc_trim(0);
      trimmed = true;
    }
    for (std::size_t i = 0; ready > 0 && !stopping_ && i < listeners_.size(); ++i) {
      if (polled[i + 1].revents != 0 && accept_from(listeners_[i])) trimmed = false;
    }
  }
  for (auto& listener : listeners_) listener.socket.reset();
  return wait_for_connections();
}

/// Accepts one connection and gives it a thread. With no thread or descriptor to spare it waits for one to end.
bool Server::accept_from(const Listener& listener) {
  Place place = Place::served;
  {
    std::unique_lock lock{mutex_};
    if (threads_ >= options_.max_connections + refused_at_once) {
      ended_.wait_for(lock, std::chrono::milliseconds{100});
      return false;
    }
    if (threads_ >= options_.max_connections) place = Place::refused;
  }
  UniqueFd socket{::accept4(listener.socket.get(), nullptr, nullptr, SOCK_CLOEXEC)};
  if (!socket) {
    if (errno != EMFILE && errno != ENFILE && errno != ENOMEM) return false;
    log::error("cannot accept a connection", {{"error", errno_text(errno)}});
    std::unique_lock lock{mutex_};
    ended_.wait_for(lock, std::chrono::milliseconds{100});
    return false;
  }
  if (listener.tcp) prepare_tcp(socket);
  start_thread(std::move(socket), place);
  return true;
}

void Server::start_thread(UniqueFd socket, Place place) {
  auto thread = std::make_unique<Thread>(*this, std::move(socket), place);
  {
    const std::lock_guard lock{mutex_};
    ++threads_;
  }
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setstacksize(&attributes, stack_bytes);
  ::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_t id{};
  const int code = ::pthread_create(&id, &attributes, Thread::run, thread.get());
  ::pthread_attr_destroy(&attributes);
  if (code == 0) {
    static_cast<void>(thread.release());  // it owns itself now
    return;
  }
  log::error("cannot start a thread for a connection", {{"error", errno_text(code)}});
  const std::lock_guard lock{mutex_};
  --threads_;
}

void Server::serve(UniqueFd socket, Place place) noexcept {
  try {
    Connection connection{std::move(socket), options_.limits, fields_};
    Wakeable wakeable{*this, connection.socket()};
    try {
      place == Place::served ? serve_requests(connection, wakeable) : refuse(connection);
    } catch (const ProtocolError& error) {
      connection.send(error);
    }
    connection.linger();
  } catch (...) {
    const auto error = current_error();
    const auto report = error.kind() == Kind::cancelled || stopping_ ? log::debug : log::error;
    report("connection ended", {{"error", error.message()}});
  }
  const std::lock_guard lock{mutex_};
  --threads_;
  ended_.notify_all();
}

void Server::serve_requests(Connection& connection, Wakeable& wakeable) {
  while (!stopping_) {
    auto head = connection.read_head();
    if (!head || !serve_one(connection, wakeable, std::move(*head))) return;
  }
}

/// Answers one request; false if the connection cannot take another.
bool Server::serve_one(Connection& connection, Wakeable& wakeable, Head head) {
  auto request = make_request(std::move(head), connection);
  auto reply = answer_safely(request);
  if (reply.take_connection) {
    wakeable.forget();
    reply.take_connection(connection.release(request.head(), reply));
    return false;
  }
  connection.send(request.head(), reply);
  // Long documents and archives leave much behind.
  if (request.head().content_length.value_or(large_body) >= large_body || reply.body.size() >= large_body) {
    reply.body = {};
    ::malloc_trim(0);
  }
  return connection.reusable();
}

Reply Server::answer_safely(Request& request) const {
  try {
    return answer_(request);
  } catch (const ProtocolError&) {
    throw;
  } catch (...) {
    const auto error = current_error();
    if (error.kind() == Kind::cancelled) throw;  // nobody is there to answer
    const bool failed = error.kind() == Kind::internal || error.kind() == Kind::corrupt;
    const auto report = failed ? log::error : log::debug;
    report("request failed",
           {{"method", to_string(request.method())}, {"path", request.path()}, {"error", error.message()}});
    return Reply::error(error);
  }
}

void Server::refuse(Connection& connection) {
  const auto head = connection.read_head();
  if (!head) return;
  auto reply = Reply::error_text(503, fmt::format("too many connections: {} are open", options_.max_connections));
  reply.with("Retry-After", "1").with("Connection", "close");
  connection.send(*head, reply);
}

/// Ends what can be ended: reads see the end of their stream, polls of the client see it gone; answers still go out.
bool Server::wait_for_connections() {
  std::unique_lock lock{mutex_};
  for (const int socket : sockets_) ::shutdown(socket, SHUT_RD);
  const auto all_ended = [this] { return threads_ == 0; };
  if (ended_.wait_for(lock, options_.stop_time, all_ended)) return true;
  for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);  // a client that reads nothing blocks our answer
  if (ended_.wait_for(lock, std::chrono::seconds{1}, all_ended)) return true;
  log::warn("requests did not end in time, going on without them", {{"connections", threads_}});
  return false;
}

}  // namespace berth::api

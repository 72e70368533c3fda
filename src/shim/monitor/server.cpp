#include "shim/monitor/server.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace berth::shim {
namespace {

constexpr std::size_t max_connections = 64;

bool is_our_user(FdRef socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == ::geteuid();
}

}  // namespace

Server::Connection::Connection(Loop& loop, UniqueFd connected, std::function<void(Connection&)> ready)
    : socket(std::move(connected)),
      watch(loop, socket, [this, ready = std::move(ready)](std::uint32_t) { ready(*this); }) {
  watch.set(EPOLLIN);
}

Server::Server(Loop& loop, UniqueFd first, Answer answer) : loop_(loop), answer_(std::move(answer)) {
  add(std::move(first));
}

void Server::add(UniqueFd socket) {
  connections_.push_back(
      std::make_unique<Connection>(loop_, std::move(socket), [this](Connection& connection) { serve(connection); }));
}

void Server::listen(const fs::path& directory) {
  make_directories(directory, 0700);
  directory_ = directory;
  listener_ = listen_at(open_file(directory, O_PATH | O_DIRECTORY));
  listener_watch_ = std::make_unique<Watch>(loop_, listener_, [this](std::uint32_t) { accept(); });
  listener_watch_->set(EPOLLIN);
}

void Server::stop_listening() noexcept {
  listener_watch_.reset();
  listener_.reset();
  if (directory_.empty()) return;
  try {
    remove_tree(directory_);
  } catch (const Error&) {
    return;  // the daemon removes what is left when it starts
  }
  directory_.clear();
}

void Server::accept() {
  UniqueFd socket{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
  if (!socket || !is_our_user(socket) || connections_.size() >= max_connections) return;
  add(std::move(socket));
  send(*connections_.back(), greeting_);
}

void Server::serve(Connection& connection) {
  Message request;
  Reply reply;
  std::vector<FdRef> fds;
  try {
    switch (receive_message(connection.socket, request, Wait::no)) {
      case Receipt::nothing: return;
      case Receipt::closed: connection.ended = true; return;
      case Receipt::message: reply = answer_(request, fds);
    }
  } catch (...) {
    reply = failure_reply(current_error());
    fds.clear();
  }
  send(connection, json::to(reply), fds);
}

void Server::send(Connection& connection, const json::Value& message, std::span<const FdRef> fds) {
  try {
    send_message(connection.socket, message, fds, Wait::no);
  } catch (const Error&) {
    connection.ended = true;  // gone, or it has not read for very long
  }
}

void Server::broadcast(const json::Value& event) {
  for (const auto& connection : connections_) send(*connection, event);
}

void Server::sweep() {
  std::erase_if(connections_, [](const auto& connection) { return connection->ended; });
}

}  // namespace berth::shim

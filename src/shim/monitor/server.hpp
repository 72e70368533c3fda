// The shim's control connections: the one it was born with, and those that a daemon makes later.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "base/file.hpp"
#include "shim/monitor/loop.hpp"
#include "shim/protocol.hpp"

namespace berth::shim {

class Server {
 public:
  /// Answers a request, with descriptors beside the reply if `fds` gets some; what it throws becomes a failure reply.
  using Answer = std::function<Reply(Message& request, std::vector<FdRef>& fds)>;

  Server(Loop& loop, UniqueFd first, Answer answer);

  /// Makes the directory (0700) and listens in it. Only processes of our own user are heard there.
  void listen(const fs::path& directory);
  /// What every later connection is told at once.
  void set_greeting(json::Value greeting) { greeting_ = std::move(greeting); }
  /// Removes the socket and its directory: nobody can connect any more.
  void stop_listening() noexcept;

  /// Sends an event to all connections; those that cannot take it are dropped.
  void broadcast(const json::Value& event);
  void close_connections() noexcept { connections_.clear(); }
  [[nodiscard]] bool has_connections() const { return !connections_.empty(); }

  /// Forgets connections that have ended. Call after each event.
  void sweep();

 private:
  struct Connection {
    Connection(Loop& loop, UniqueFd connected, std::function<void(Connection&)> ready);
    UniqueFd socket;
    bool ended = false;
    Watch watch;
  };

  void add(UniqueFd socket);
  void accept();
  void serve(Connection& connection);
  static void send(Connection& connection, const json::Value& message, std::span<const FdRef> fds = {});

  Loop& loop_;
  Answer answer_;
  json::Value greeting_;
  fs::path directory_;
  UniqueFd listener_;
  std::unique_ptr<Watch> listener_watch_;
  std::vector<std::unique_ptr<Connection>> connections_;
};

}  // namespace berth::shim

// The HTTP server of the Engine API: sockets, threads and connections. What is answered comes from a function, so that
// it knows nothing of the engine.
//
//   Server server{[&](Request& request) { return engine_api().answer(request, engine); }};
//   server.listen("unix:///run/berth/berth.sock");
//   server.run();               // until somebody calls server.stop()
//
// One thread per connection, with a small stack; beyond `max_connections` a client is told 503. A thread ends when its
// client closes the connection or leaves it idle.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/connection.hpp"
#include "api/listen.hpp"
#include "api/reply.hpp"
#include "api/request.hpp"

namespace berth::api {

struct ServerOptions {
  std::size_t max_connections = 1024;
  Limits limits;
  std::chrono::milliseconds stop_time{10'000};  ///< how long `run` waits for requests in progress before it returns
};

class Server {
 public:
  using Answer = std::function<Reply(Request&)>;

  explicit Server(Answer answer, ServerOptions options = {});
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Opens a listening socket (listen.hpp); clients may connect from now on, and are answered once `run` runs.
  void listen(std::string_view address);
  /// Takes a socket that listens already.
  void listen(UniqueFd socket, bool tcp);

  /// Serves until `stop`, then waits for the requests in progress: idle connections are closed, streams and waits see
  /// their client gone, uploads end. Returns false if some did not end in time.
  bool run();

  /// Ends `run`. From any thread or signal handler, more than once.
  void stop() noexcept;

 private:
  enum class Place { served, refused };
  struct Thread;
  class Wakeable;

  bool accept_from(const Listener& listener);
  void start_thread(UniqueFd socket, Place place);
  void serve(UniqueFd socket, Place place) noexcept;
  void serve_requests(Connection& connection, Wakeable& wakeable);
  bool serve_one(Connection& connection, Wakeable& wakeable, Head head);
  Reply answer_safely(Request& request) const;
  void refuse(Connection& connection);
  bool wait_for_connections();

  Answer answer_;
  ServerOptions options_;
  std::string fields_;
  std::vector<Listener> listeners_;
  UniqueFd wake_;
  std::atomic<bool> stopping_ = false;

  std::mutex mutex_;
  std::condition_variable ended_;
  std::set<int> sockets_;    ///< of the connections that are being served; guarded by mutex_
  std::size_t threads_ = 0;  ///< guarded by mutex_
};

}  // namespace berth::api

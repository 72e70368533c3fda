// One query on its way through the servers upstream. Only for this folder.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dns/context.hpp"
#include "dns/message.hpp"

namespace berth::dns {

/// Servers that were silent lately are asked after the others for a while.
class Silence {
 public:
  void note_silent(const IpAddress& server) { until_[server] = Loop::Clock::now() + length; }
  void note_answer(const IpAddress& server) { until_.erase(server); }
  /// The same servers, those that answer before those that were silent.
  std::vector<UpstreamServer> order(std::vector<UpstreamServer> servers);

 private:
  static constexpr std::chrono::seconds length{30};
  std::map<IpAddress, Loop::Clock::time_point> until_;
};

/// Asks one server after the other: the next one when one has failed, or has been silent for a time; it may still
/// answer then. Each attempt has a socket, a port and an id of its own.
class Exchange {
 public:
  struct Result {
    std::string message;  ///< with the asker's id; empty if no server has answered
    std::chrono::seconds lifetime{};
  };
  /// Called once; ends the exchange, which must not be destroyed before the return.
  using Done = std::function<void(Result)>;

  /// `sandbox`: a socket of the namespace that servers are asked from which are not the host's. The query goes by the
  /// same protocol that it came by.
  Exchange(Context& context, Silence& silence, Query query, std::vector<UpstreamServer> servers, FdRef sandbox,
           bool tcp, Done done);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  /// May call `done` at once.
  void start();
  [[nodiscard]] const Query& query() const noexcept { return query_; }

 private:
  struct Attempt {
    std::size_t server = 0;
    std::uint16_t id = 0;
    std::string to_send;   ///< over TCP
    std::string received;  ///< over TCP
    std::unique_ptr<Watch> watch;
  };

  void ask_next();
  bool ask(std::size_t server);
  void time_is_up();
  void on_datagram(Attempt& attempt);
  void on_stream(Attempt& attempt, std::uint32_t events);
  /// Without a word from the server.
  void fail(Attempt& attempt);
  void take(Attempt& attempt, Bytes message);
  /// No more of this server.
  void end(Attempt& attempt);
  void finish(Result result);

  Context& context_;
  Silence& silence_;
  const Query query_;
  const std::vector<UpstreamServer> servers_;
  const FdRef sandbox_;
  const bool tcp_;
  Done done_;
  std::vector<bool> failed_;  ///< by server
  std::vector<std::unique_ptr<Attempt>> attempts_;
  std::size_t next_ = 0;  ///< how many times a server has been asked
  std::string failure_;   ///< the last answer that says that the server has failed
  Loop::Clock::time_point deadline_;
  Timer timer_;
  bool is_done_ = false;
};

}  // namespace berth::dns

// The resolver of one sandbox: its sockets, what it knows and what it asks. Only for this folder.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <string_view>

#include "dns/cache.hpp"
#include "dns/context.hpp"
#include "dns/exchange.hpp"
#include "dns/message.hpp"

namespace berth::dns {

class Connection;

class Resolver {
 public:
  Resolver(Context& context, const HostServers& host, std::string key, Sockets sockets,
           std::shared_ptr<const Zone> zone, Upstreams upstreams);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  void change(Upstreams upstreams);
  void forget_answers() noexcept { cache_.clear(); }

  // for connections

  /// Calls `reply` with the answer, at once or later, or never.
  using Reply = std::function<void(std::string)>;
  void answer(Bytes message, bool tcp, Reply reply);
  void end(Connection& connection);

 private:
  void on_datagrams();
  void on_connection();
  /// What is known here; empty if servers upstream have to be asked.
  std::string answer_here(const Query& query, std::size_t limit);
  void ask_upstream(Query query, bool tcp, Reply reply);
  void answered(std::list<std::unique_ptr<Exchange>>::iterator exchange, bool tcp, Exchange::Result result,
                const Reply& reply);
  [[nodiscard]] std::vector<UpstreamServer> servers();
  [[nodiscard]] bool may_ask();

  Context& context_;
  const HostServers& host_;
  const std::string key_;
  std::shared_ptr<const Zone> zone_;
  Upstreams upstreams_;
  Cache cache_;
  Silence silence_;
  Loop::Clock::time_point last_warning_{};
  Watch udp_;
  Watch tcp_;
  Timer pause_;  ///< of accepting connections
  std::list<std::unique_ptr<Exchange>> exchanges_;
  std::list<std::shared_ptr<Connection>> connections_;
};

/// A TCP connection of a program in the sandbox: any number of queries, one after another or at once.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Context& context, Resolver& resolver, UniqueFd socket);

  void start();

 private:
  void on_ready(std::uint32_t events);
  void read();
  void reply(std::string_view message);
  /// False if the connection is at its end.
  bool send();
  void wait_on();

  Context& context_;
  Resolver& resolver_;
  std::string received_;
  std::string to_send_;
  std::size_t unanswered_ = 0;
  bool has_ended_ = false;  ///< sends no more
  Timer idle_;
  Watch watch_;
};

}  // namespace berth::dns

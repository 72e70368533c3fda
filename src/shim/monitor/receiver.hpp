// Whoever gets a container's log messages: syslog, the journal, fluentd.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.hpp"
#include "shim/bundle.hpp"
#include "shim/monitor/log_entry.hpp"
#include "shim/monitor/loop.hpp"
#include "shim/monitor/loss_report.hpp"
#include "shim/monitor/message_queue.hpp"

namespace berth::shim {

/// Sends messages over a socket that never holds the monitor. What the receiver does not take at once waits in a
/// bounded queue; when that is full, the container waits for it (is_blocked), or, in the non-blocking mode, new
/// messages are dropped. A connection that is lost is made again, with growing pauses, and the message that was on its
/// way is sent once more. Meanwhile fluentd's container waits, as it does with Docker, and that of the others does not:
/// what has no room is dropped.
class Receiver {
 public:
  using Warn = std::function<void(const std::string& message)>;

  /// `settings` outlives this, and has an address.
  Receiver(Loop& loop, const LogSettings& settings, Warn warn);

  /// Makes the first connection, for which the container's start waits, unless it is asynchronous. Throws if there is
  /// nobody, in Docker's words.
  void connect();

  /// Queues a message; `flush` sends it.
  void add(const LogEntry& entry);
  void flush();
  [[nodiscard]] bool is_blocked() const;

  /// No message will come any more.
  void finish();
  /// True once everything is sent that can be: nothing waits, or nobody is there to take it.
  [[nodiscard]] bool is_done() const;

  /// Connects again when it is time to. Call after each event.
  void step();
  [[nodiscard]] std::optional<std::chrono::milliseconds> timeout() const;

 private:
  using Clock = std::chrono::steady_clock;

  enum class State { disconnected, connecting, connected };

  [[nodiscard]] const LogAddress& address() const { return settings_.receiver.addresses.at(address_); }
  [[nodiscard]] bool drops() const { return settings_.non_blocking || settings_.receiver.async; }
  void use(UniqueFd fd, State state);
  void ready(std::uint32_t events);
  void receive();
  void send_packets();
  void send_stream();
  void pop_sent();
  void note_progress();
  void note_standstill();
  void watch();
  void lose(std::string_view reason);
  void schedule_attempt();
  void try_again();
  void give_up();

  Loop& loop_;
  const LogSettings& settings_;
  Warn warn_;
  std::function<void(std::string& out, const LogEntry& entry)> encode_;
  bool is_fluentd_;
  MessageQueue queue_;
  std::string message_;          ///< room for the next one
  std::size_t sent_ = 0;         ///< bytes of the queue's first message
  std::string acknowledgement_;  ///< awaited for the first message, which is sent
  std::string answers_;          ///< received, not yet understood
  LossReport lost_;
  State state_ = State::disconnected;
  bool is_broken_ = false;  ///< the connection is to be given up in the next step
  bool finishing_ = false;
  std::size_t address_ = 0;  ///< index of the one in use
  std::int64_t attempts_ = 0;
  std::chrono::milliseconds wait_{0};
  std::optional<Clock::time_point> next_attempt_;
  std::optional<Clock::time_point> stuck_since_;  ///< the receiver takes nothing
  UniqueFd socket_;
  std::unique_ptr<Watch> watch_;
};

}  // namespace berth::shim

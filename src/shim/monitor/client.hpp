// One attached client: a hijacked connection that gets the container's output and may type its input.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/fd.hpp"
#include "shim/detach_keys.hpp"
#include "shim/monitor/input.hpp"
#include "shim/monitor/log_entry.hpp"
#include "shim/monitor/loop.hpp"
#include "shim/protocol.hpp"

namespace berth::shim {

class Client {
 public:
  /// `tty`: the detach keys are looked for in what the client types. Throws `invalid` for bad ones.
  Client(Loop& loop, UniqueFd connection, const Attach& wants, Input& input, bool tty);
  ~Client();

  /// Sends output if the client asked for this stream. What its socket does not take at once is kept: see is_blocked.
  void send(Stream stream, std::string_view bytes);
  /// True while output waits for the client to read: the container's output is left in its pipes until then.
  [[nodiscard]] bool is_blocked() const noexcept { return !unsent_.empty(); }

  /// No more output comes: the connection ends once all is sent.
  void finish();
  /// Leaves the connection as it is: the daemon has another descriptor of it, and something to say to the client.
  void give_back() noexcept;
  /// True if it has typed its detach keys.
  [[nodiscard]] bool has_detached() const noexcept { return detached_; }
  /// True once it has ended and can be destroyed.
  [[nodiscard]] bool is_done() const noexcept { return done_; }

  /// Takes up or leaves off reading the client's input, as the container's input allows. Call after each event.
  void balance();

 private:
  void ready(std::uint32_t events);
  void receive();
  void typed(std::string_view bytes);
  void input_ended();
  void flush();
  void drop() noexcept;
  void end_if_flushed();

  Loop& loop_;
  UniqueFd connection_;
  Attach wants_;
  Input& input_;
  std::optional<DetachMatcher> matcher_;
  std::string unsent_;
  bool reads_input_;
  bool finishing_ = false;
  bool hung_up_ = false;
  bool detached_ = false;
  bool done_ = false;
  Watch watch_;
};

}  // namespace berth::shim

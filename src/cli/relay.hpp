// Everything that happens while a container's streams are attached: one poll loop over standard input, the hijacked
// connection, the signals, and the answer of `wait`.
#pragma once

#include <chrono>
#include <csignal>
#include <functional>
#include <optional>
#include <string>

#include "cli/session.hpp"
#include "cli/terminal.hpp"

namespace berth::cli {

/// Signals as something to poll. They are blocked for as long as this lives.
class SignalQueue {
 public:
  enum class Which {
    all,       ///< whatever can be forwarded to the container, and the window's size
    terminal,  ///< the window's size, and what would end us with the terminal in raw mode
  };

  explicit SignalQueue(Which which);
  SignalQueue(const SignalQueue&) = delete;
  SignalQueue& operator=(const SignalQueue&) = delete;
  ~SignalQueue();

  [[nodiscard]] FdRef fd() const noexcept { return fd_; }
  /// The number of the next signal, or 0.
  int next();

 private:
  sigset_t before_{};
  UniqueFd fd_;
};

/// Splits docker's multiplexed stream into standard output and error; an error frame of the daemon (3) counts as 2.
class FrameSplitter {
 public:
  /// Takes what arrived; calls `write` with the stream (1 or 2) and the bytes of it.
  void feed(std::string_view bytes, const std::function<void(int, std::string_view)>& write);

 private:
  std::string head_;
  std::size_t left_ = 0;
  int stream_ = 1;
};

struct RelayOptions {
  bool tty = false;
  bool with_stdin = false;
  bool with_output = true;
  std::string detach_keys;  ///< "" for the default
};

enum class Ended { closed, detached };

/// Copies between the console and a hijacked connection.
///
/// Without a terminal of its own the container's output comes in frames of an 8-byte head: stream, length. The end of
/// standard input is passed on as a half-close. With a tty the console is in raw mode as long as the relay lives.
class Relay {
 public:
  Relay(const Console& console, client::Hijacked connection, const RelayOptions& options);

  /// Until the other side closes or the user detaches. `on_signal` gets each signal's number.
  Ended run(SignalQueue* signals, const std::function<void(int)>& on_signal);

 private:
  void send_input();
  void flush();
  /// False at the end of the stream.
  bool receive();
  void show(std::string_view bytes);

  Console console_;
  UniqueFd socket_;
  RelayOptions options_;
  RawMode raw_;
  std::optional<DetachFilter> filter_;
  std::string outgoing_;  ///< read from standard input, not yet taken by the daemon
  FrameSplitter frames_;
  bool input_open_ = false;
};

/// Waits for `fd` to have input; signals that come meanwhile go to `on_signal`. Returns without input once nothing has
/// come for `timeout`; negative: never.
void wait_readable(FdRef fd, SignalQueue* signals, const std::function<void(int)>& on_signal,
                   std::chrono::milliseconds timeout = std::chrono::milliseconds{-1});

/// "INT" for SIGINT; nothing for a number without a name.
std::optional<std::string> find_signal_name(int number);

}  // namespace berth::cli

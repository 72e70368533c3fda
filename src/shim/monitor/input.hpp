// The container's standard input, as the clients write it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/fd.hpp"
#include "shim/monitor/loop.hpp"

namespace berth::shim {

class Input {
 public:
  /// With `close_at_end` the first client that ends its input ends the container's.
  Input(Loop& loop, bool close_at_end) : loop_(loop), close_at_end_(close_at_end) {}

  /// The write end of the container's standard input, or its console. What is typed before waits; see also `close`.
  void open(UniqueFd fd);
  /// From now on what is typed goes nowhere.
  void close() noexcept;

  /// True while bytes wait for the container to read: clients' input is left in their sockets until then.
  [[nodiscard]] bool is_blocked() const noexcept { return !pending_.empty(); }
  void write(std::string_view bytes);

  /// A client has ended its input. True if the client stays for the output; otherwise that was its detaching.
  bool client_ended();

 private:
  void flush();

  Loop& loop_;
  bool close_at_end_;
  UniqueFd fd_;
  bool ended_ = false;  ///< nothing is to follow what is pending
  bool closed_ = false;
  std::string pending_;
  std::optional<Watch> watch_;
};

}  // namespace berth::shim

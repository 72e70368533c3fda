// One of the container's output streams, as the shim reads it.
#pragma once

#include <functional>
#include <string_view>

#include "base/fd.hpp"
#include "shim/monitor/log_entry.hpp"
#include "shim/monitor/loop.hpp"

namespace berth::shim {

class Output {
 public:
  using Sink = std::function<void(Stream stream, std::string_view bytes)>;

  /// `fd`: the read end of a pipe, or the console. The sink gets an empty text at the end of the stream.
  Output(Loop& loop, UniqueFd fd, Stream stream, Sink sink);

  /// Takes up or leaves off reading.
  void set_paused(bool paused);
  /// Reads all that is there now, paused or not.
  void drain();
  [[nodiscard]] bool has_ended() const noexcept { return ended_; }
  /// Stops reading though the stream has not ended.
  void abandon();

 private:
  bool read_once();

  Loop& loop_;
  UniqueFd fd_;
  Stream stream_;
  Sink sink_;
  bool ended_ = false;
  bool is_large_ = false;  ///< has been given a larger pipe
  Watch watch_;
};

}  // namespace berth::shim

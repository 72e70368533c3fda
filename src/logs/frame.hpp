// The frames in which standard output and error share one stream (Engine API, ContainerAttach "Stream format").
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "logs/logs.hpp"

namespace berth::logs {

/// The eight bytes before a frame's payload: stream, three zeros, length in network order.
class FrameHeader {
 public:
  FrameHeader(Stream stream, std::size_t size) {
    bytes_[0] = static_cast<char>(stream);
    for (std::size_t i = 0; i < 4; ++i) bytes_[4 + i] = static_cast<char>(size >> (24 - 8 * i) & 0xffU);
  }
  [[nodiscard]] std::string_view bytes() const { return {bytes_.data(), bytes_.size()}; }

 private:
  std::array<char, 8> bytes_{};
};

}  // namespace berth::logs
